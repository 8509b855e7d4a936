"""Starts, finds and checks the AWS emulator of a home."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import importlib.metadata
import os
import re
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from local_cloud import loopback
from local_cloud.aws_key import AwsKey
from local_cloud.errors import ServiceFailed
from local_cloud.home import HOST, REPOSITORY, Home
from local_cloud.processes import await_answer, exit_status, find_server, start_daemon

SERVICE = "cloud"
START_ID_PATH = "/_leadbridge/start"
KEY_UNKNOWN = "was started by another release, or with another key"
"""What to say of one that lives while `running` finds none."""

_START_SECONDS = 30.0
_START_ID = re.compile(r"[0-9a-f]{32}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Emulator:
    """`start_id` is another one after each start: the emulator keeps its state in memory. `key` opens it."""

    endpoint_url: str
    port: int
    start_id: str
    version: str
    key: AwsKey


def running(home: Home) -> Emulator | None:
    """The emulator of this home; None when it is gone or has another key. Raises NotAnswering."""
    process = find_server(home.record(SERVICE), home.marker)
    # Without a key in the home, it is one that a release started which had none: it knows no signature.
    if process is None or not home.has_aws_key():
        return None
    port = home.ports().get(SERVICE, 0)
    try:
        start_id = await_answer(
            process,
            lambda: _ask_start_id(home, port, timeout=5),
            name="emulator",
            address=f"{HOST}:{port}",
            log=home.log(SERVICE),
        )
    except _KeyUnknown:
        return None
    return None if start_id is None else _emulator(home, port, start_id)


def start(home: Home, *, lambda_python: Path, region: str, settings: Mapping[str, str] | None = None) -> Emulator:
    """Start it and wait until it answers. Raises ServiceFailed with its last words."""
    port = home.port(SERVICE)
    start_id = secrets.token_hex(16)
    log = home.log(SERVICE)
    seen = log.stat().st_size if log.exists() else 0
    process = start_daemon(
        [
            *(sys.executable, "-m", "local_cloud.emulator.server", "--port", str(port)),
            *("--start-id", start_id, "--marker", home.marker, "--lambda-python", lambda_python),
        ],
        log=log,
        cwd=home.path,
        env=_environment(home, region) | dict(settings or {}),
        record=home.record(SERVICE),
        marker=home.marker,
    )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(_KeyUnknown):
            if _ask_start_id(home, port, timeout=1) == start_id:
                return _emulator(home, port, start_id)
        status = exit_status(process)
        if status is not None:
            raise ServiceFailed(
                f"The emulator ended with status {status} instead of starting. {_last_words(log, seen)}"
            )
        time.sleep(0.02)
    process.stop(grace=1)
    raise ServiceFailed(f"The emulator did not answer within {_START_SECONDS:.0f} s. {_last_words(log, seen)}")


def _emulator(home: Home, port: int, start_id: str) -> Emulator:
    return Emulator(
        endpoint_url=f"http://{HOST}:{port}",
        port=port,
        start_id=start_id,
        version=importlib.metadata.version("ministack"),
        key=home.aws_key(),
    )


def _environment(home: Home, region: str) -> dict[str, str]:
    """Nothing of the person's own variables, files or Docker reaches the emulator."""
    temporary = home.tmp(SERVICE)
    temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = home.aws_key()
    return {
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(REPOSITORY),
        "AUTH": "true",  # a function may do what its role's policies say, and nothing else
        "DOCKER_HOST": f"unix://{temporary}/no-docker.sock",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_REGION": region,
        "S3_DATA_DIR": str(temporary / "s3"),
        "STATE_DIR": str(temporary / "state"),
        **loopback.spared({}),
    }


class _KeyUnknown(Exception):
    """It answers, and not to this home's key: another release started it, or the key is a new one."""


def _ask_start_id(home: Home, port: int, timeout: float) -> str | None:
    url = f"http://{HOST}:{port}{START_ID_PATH}"
    request = urllib.request.Request(url, headers=home.aws_key().signed_headers("GET", url))
    try:
        with loopback.opener.open(request, timeout=timeout) as answer:
            start_id = answer.read(1000).decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                raise _KeyUnknown from error
        return None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return start_id if _START_ID.fullmatch(start_id) else None  # whoever answers otherwise is not the emulator


def _last_words(log: Path, seen: int) -> str:
    lines = log.read_bytes()[seen:].decode(errors="replace").strip().splitlines()
    return f"{log} ends with:\n  " + "\n  ".join(lines[-15:])
