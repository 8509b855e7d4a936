"""The Pulumi program as a child process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from .errors import EngineError
from .model import Stack

RUNNER = Path(__file__).with_name("runner.py")

# Exit codes of the runner.
PROGRAM_FAILED = 32
ENGINE_ENDED_IT = 33

STOP_SECONDS = 3.0
"""How long a program may take to end when asked, before it is killed."""

SIGNAL_SECONDS = 0.2
"""How late a Ctrl-C may be noticed."""

OUTPUT_SECONDS = 1.0
"""How long to wait for output after the program's end: a grandchild may hold its pipe open."""


class Program:
    """Started at once, so that it imports its libraries while the engine gets ready; runs on `go`.

    It is in a session of its own: a Ctrl-C reaches the engine alone, which decides when the program ends. Should
    the engine be killed, the program sees the control pipe close and ends by itself.
    """

    def __init__(self, stack: Stack, python: str) -> None:
        self._stack = stack
        reading, self._control = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own runner
                [python, "-P", str(RUNNER), str(reading)],
                cwd=stack.root,
                pass_fds=(reading,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._control)
            raise EngineError(f"{python}: the program can't be started: {error}") from error
        finally:
            os.close(reading)
        self._reader: threading.Thread | None = None

    def go(
        self,
        address: str,
        output: Callable[[str], None],
        *,
        preview: bool,
        parallel: int,
        organization: str,
    ) -> None:
        """`output` gets each line that the program prints."""
        self._reader = threading.Thread(target=_read_lines, args=(self._process.stdout, output), daemon=True)
        self._reader.start()
        settings = {
            "address": address,
            "project": self._stack.project,
            "stack": self._stack.name,
            "root": str(self._stack.root.resolve()),
            "organization": organization,
            "dry_run": preview,
            "parallel": parallel,
            "config": dict(self._stack.config),
            "secret_keys": sorted(self._stack.secret_keys),
        }
        line = json.dumps(settings).encode() + b"\n"
        # A broken pipe: the program has died, which `wait` tells.
        with contextlib.suppress(BrokenPipeError), open(self._control, "wb", closefd=False) as pipe:
            pipe.write(line)

    def wait(self) -> int:
        """The exit code; negative: the signal that ended it."""
        # A signal that arrives just before a system call is handled after it: so none here may block for long.
        ended = threading.Event()
        threading.Thread(target=self._await_end, args=(ended,), daemon=True).start()
        while not ended.wait(SIGNAL_SECONDS):
            continue
        code = self._process.wait()
        if self._reader is not None:
            self._reader.join(OUTPUT_SECONDS)
        return code

    def _await_end(self, ended: threading.Event) -> None:
        self._process.wait()
        ended.set()

    def stop(self) -> None:
        """Ends it, if it runs."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()

    def close(self) -> None:
        self.stop()
        os.close(self._control)
        if self._process.stdout is not None and (self._reader is None or not self._reader.is_alive()):
            self._process.stdout.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _read_lines(stream: IO[bytes], output: Callable[[str], None]) -> None:
    for line in stream:
        output(line.decode(errors="replace").rstrip("\n"))
