"""Child processes that end with their worker: bounded in time, and stopped by one call from another thread."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GRACE_SECONDS = 20


class Interrupted(Exception):
    """The run was stopped."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """`code` is None for a process that was stopped at its time limit."""

    code: int | None
    output: str


class Runner:
    """Runs one process at a time, each in a process group of its own, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def run(
        self,
        command: Sequence[str],
        *,
        seconds: float,
        environment: Mapping[str, str] | None = None,
        although_stopped: bool = False,
    ) -> Finished:
        """Raise Interrupted when `stop` was called, before or meanwhile; `although_stopped` is for tidying up."""
        with self._lock:
            if self._stopped and not although_stopped:
                raise Interrupted
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={**_inherited(), **(environment or {})},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
                start_new_session=True,  # a Ctrl-C is for the harness, which ends its children itself
            )
            self._process = process
        try:
            output, _ = process.communicate(timeout=seconds)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            output, code = _end(process), None
        finally:
            self._process = None
        if self._stopped and not although_stopped:
            raise Interrupted
        return Finished(code=code, output=output)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._process is not None:
                _signal(self._process, signal.SIGINT)


def _inherited() -> dict[str, str]:
    """Modules are compiled once: without that a run of pytest takes more than twice as long."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _end(process: subprocess.Popen[str]) -> str:
    """As a Ctrl-C would, and by force if that does not help."""
    _signal(process, signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        output, _ = process.communicate()
    return output


def _signal(process: subprocess.Popen[str], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
