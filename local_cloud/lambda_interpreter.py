"""The interpreter that runs Lambda functions: a clean one that has boto3 and nothing else, as on AWS."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from local_cloud.errors import LocalCloudError
from local_cloud.home import REPOSITORY

REQUIREMENTS = REPOSITORY / "requirements" / "lambda-runtime.txt"
FOLDER = REPOSITORY / ".venv-lambda"


def ensure(
    *,
    requirements: Path = REQUIREMENTS,
    folder: Path = FOLDER,
    base: str = sys.executable,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """The interpreter's path; made at the first call, and anew when the requirements or the Python change.

    `base`: the Python that it is made of. Shared by all homes: two that call it at once make it once. Raises
    LocalCloudError.
    """
    if not requirements.is_file():
        raise LocalCloudError(
            f"{requirements} is missing: it names the packages that Lambda functions may import."
        )
    identity = f"{sys.version} {sys.base_prefix} {base} ".encode() + requirements.read_bytes()
    home = folder / hashlib.sha256(identity).hexdigest()[:12]
    python = home / "bin" / "python"
    if python.exists():
        return python
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not python.exists():
            say("environment   making the Lambda functions' interpreter …")
            draft = folder / "draft"
            shutil.rmtree(draft, ignore_errors=True)
            _make(draft, requirements, base)
            draft.rename(home)
    return python


def _make(target: Path, requirements: Path, base: str) -> None:
    python = str(target / "bin" / "python")
    if importlib.util.find_spec("uv") is not None:
        uv = [sys.executable, "-m", "uv"]
        commands = [
            [*uv, "venv", "--quiet", "--no-project", "--python", base, str(target)],
            [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", str(requirements)],
        ]
    else:
        commands = [
            [base, "-m", "venv", "--without-pip", str(target)],
            [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "-r", str(requirements)],
        ]
    # A VIRTUAL_ENV of the person's own would only confuse both tools.
    env = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)  # noqa: S603
        if done.returncode != 0:
            words = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise LocalCloudError(
                f"The Lambda functions' interpreter could not be made from {requirements}. "
                f"`{shlex.join(command)}` says:\n  {words}"
            )
