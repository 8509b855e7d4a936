"""One Lambda execution environment: a process of the clean interpreter that holds one loaded handler."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BOOTSTRAP = Path(__file__).with_name("lambda_bootstrap.py")
_HEADER = struct.Struct(">Ic")
_CHUNK = 1 << 20


class WorkerError(Exception):
    """The worker can't be used any more."""


class WorkerTimedOut(WorkerError):
    """No answer by the deadline."""


class WorkerDied(WorkerError):
    """The process ended without an answer; the message is AWS's."""


class NotDelivered(WorkerDied):
    """It had ended before it could take the invocation, which may therefore go to another."""


class LoadFailed(WorkerError):
    """The handler could not be loaded; `payload` is the error that the caller gets."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__(payload["errorMessage"])
        self.payload = payload


class Worker:
    """Used by one thread at a time. `version` names the code and settings that it was started with."""

    def __init__(
        self,
        *,
        python: Path,
        lifeline: int,
        marker: str,
        task_root: Path,
        environment: Mapping[str, str],
        version: str,
    ) -> None:
        self.version = version
        self.log_stream = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.retired = False
        self.idle_since = time.monotonic()
        self._log = bytearray()
        self._received = bytearray()
        self._control, theirs = socket.socketpair()
        self._log_pipe, their_log = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (the interpreter made for Lambdas)
                [python, "-s", "-P", BOOTSTRAP, str(theirs.fileno()), str(lifeline), marker],
                stdin=subprocess.DEVNULL,
                stdout=their_log,
                stderr=their_log,
                pass_fds=(theirs.fileno(), lifeline),
                cwd=task_root,
                env=dict(environment),
            )
        finally:
            theirs.close()
            os.close(their_log)
        self._control.setblocking(False)
        os.set_blocking(self._log_pipe, False)
        self._poller = select.poll()
        self._poller.register(self._control, select.POLLIN)
        self._poller.register(self._log_pipe, select.POLLIN)

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def load(self, seconds: float) -> None:
        """Wait until the handler is loaded. Raises LoadFailed, WorkerDied or WorkerTimedOut."""
        letter, body = self._exchange(b"", time.monotonic() + seconds)
        if letter == "F":
            raise LoadFailed(json.loads(body))

    def invoke(self, invocation: Mapping[str, Any], seconds: float) -> tuple[bool, bytes]:
        """Call the handler: (whether it succeeded, its result or error as JSON).

        Raises WorkerDied, NotDelivered when it is certain that the handler was not called, or WorkerTimedOut.
        """
        body = json.dumps(invocation).encode()
        deadline = time.monotonic() + seconds
        try:
            self._exchange(_HEADER.pack(len(body), b"I") + body, deadline)
        except WorkerDied as error:
            raise NotDelivered(str(error)) from error
        letter, answer = self._exchange(b"", deadline)
        return letter == "R", answer

    def take_log(self) -> str:
        """What the function has written since the last call; complete when the handler has answered."""
        self._read_log()
        text, self._log = self._log.decode(errors="replace"), bytearray()
        return text

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._read_log()
        self._control.close()
        if self._log_pipe >= 0:
            os.close(self._log_pipe)
            self._log_pipe = -1

    def _exchange(self, message: bytes, deadline: float) -> tuple[str, bytes]:
        """Send a frame, if any, and wait for the next one from the worker."""
        unsent = memoryview(message)
        while (frame := self._next_frame()) is None:
            if unsent:
                unsent = self._send(unsent)
            self._poller.modify(self._control, select.POLLIN | (select.POLLOUT if unsent else 0))
            left = deadline - time.monotonic()
            ready = self._poller.poll(max(0, left) * 1000 + 1) if left > 0 else []
            if not ready:
                raise WorkerTimedOut
            for descriptor, event in ready:
                if descriptor == self._log_pipe:
                    # Read as it comes: a full pipe would block the handler.
                    self._read_log()
                elif event & ~select.POLLOUT:
                    self._received += self._receive()
        return frame

    def _next_frame(self) -> tuple[str, bytes] | None:
        if len(self._received) < _HEADER.size:
            return None
        length, letter = _HEADER.unpack_from(self._received)
        end = _HEADER.size + length
        if len(self._received) < end:
            return None
        body = bytes(self._received[_HEADER.size : end])
        del self._received[:end]
        return letter.decode(), body

    def _send(self, data: memoryview) -> memoryview:
        try:
            return data[self._control.send(data) :]
        except BlockingIOError:
            return data
        except (BrokenPipeError, ConnectionResetError) as error:
            raise WorkerDied(self._last_words()) from error

    def _receive(self) -> bytes:
        try:
            data = self._control.recv(_CHUNK)
        except BlockingIOError:
            return b""
        except ConnectionResetError:
            data = b""
        if not data:
            raise WorkerDied(self._last_words())
        return data

    def _last_words(self) -> str:
        try:
            status = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "Runtime exited without providing a reason"
        if status < 0:
            name = signal.strsignal(-status) or str(-status)
            return f"Runtime exited with error: signal: {name.lower()}"
        return f"Runtime exited with error: exit status {status}"

    def _read_log(self) -> None:
        while self._log_pipe >= 0:
            try:
                data = os.read(self._log_pipe, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                self._poller.unregister(self._log_pipe)
                os.close(self._log_pipe)
                self._log_pipe = -1
            self._log += data
