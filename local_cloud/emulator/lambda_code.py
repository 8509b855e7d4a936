"""What a Lambda function's process starts with: its code on disk and its environment variables."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_cloud import loopback

# Set by Lambda itself: a function's own variables can't replace them.
RESERVED = frozenset(
    (
        "_HANDLER",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    )
)
_RESERVED_PREFIX = "AWS_LAMBDA_"


class CodeStore:
    """Unpacks each archive once, for all the workers that run it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def unpack(self, archive: bytes) -> Path:
        target = self._folder / hashlib.sha256(archive).hexdigest()[:32]
        with self._lock:
            if not target.exists():
                draft = target.with_suffix(".draft")
                shutil.rmtree(draft, ignore_errors=True)
                with zipfile.ZipFile(io.BytesIO(archive)) as bundle:
                    bundle.extractall(draft)
                draft.rename(target)
        return target


def is_reserved(name: str) -> bool:
    return name in RESERVED or name.startswith(_RESERVED_PREFIX)


def environment(
    config: Mapping[str, Any],
    *,
    task_root: Path,
    log_stream: str,
    credentials: Mapping[str, str],
    region: str,
    endpoint_url: str,
) -> dict[str, str]:
    """The variables that AWS sets, those of the function, and where the local cloud answers."""
    own = (config.get("Environment") or {}).get("Variables") or {}
    logging = config.get("LoggingConfig") or {}
    name = config["FunctionName"]
    variables = {
        "AWS_ENDPOINT_URL": endpoint_url,
        **{key: value for key, value in own.items() if not is_reserved(key)},
        "_HANDLER": config["Handler"],
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": logging.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "LAMBDA_TASK_ROOT": str(task_root),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "TZ": ":UTC",
        **{key: value for key, value in credentials.items() if value},
    }
    if any(
        name.lower().endswith("_proxy") for name in own
    ):  # the one that it has on AWS does not know this machine
        variables |= loopback.spared(own)
    if logging.get("LogFormat") == "JSON":
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        variables["AWS_LAMBDA_LOG_LEVEL"] = logging.get("ApplicationLogLevel") or "INFO"
    return variables
