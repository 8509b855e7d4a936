"""The Lambda runtime: what the clean interpreter runs to load one handler and call it, again and again.

Usage: python -P lambda_bootstrap.py CONTROL_FD LIFELINE_FD MARKER. Stands alone: standard library only.

On CONTROL_FD travel frames: a 4-byte length, one letter, JSON. The emulator sends I (an invocation);
this process answers Y (ready) or F (could not load the handler), then for each invocation T (taken) and R (the
handler's result) or E (its error).
Standard output and error are the function's log. The end of LIFELINE_FD means that the emulator died.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

Handler = Callable[[Any, Any], Any]


class LambdaContext:
    """What AWS passes as the handler's second argument."""

    identity = None
    client_context = None

    def __init__(self, request_id: str, deadline_ms: int, function_arn: str) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = function_arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


class LoadError(Exception):
    """The handler could not be loaded or called, with the name that AWS gives the reason."""

    def __init__(self, error_type: str, message: str, stack: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.stack = stack or []


class LogFormatter(logging.Formatter):
    """AWS's format of a log record, as text or as JSON."""

    converter = staticmethod(time.gmtime)
    request_id = ""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
        )
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        record.aws_request_id = self.request_id
        if not self._as_json:
            return super().format(record)
        entry: dict[str, object] = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": self.request_id,
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            entry["errorType"] = kind.__name__
            entry["errorMessage"] = str(error)
            entry["stackTrace"] = traceback.format_list(traceback.extract_tb(trace))
        return json.dumps(entry, default=str)


def receive(control: int) -> tuple[str, Any] | None:
    """The next frame; None when the emulator has closed the line."""
    header = _read_exactly(control, 5)
    if header is None:
        return None
    length, letter = struct.unpack(">Ic", header)
    body = _read_exactly(control, length)
    return None if body is None else (letter.decode(), json.loads(body))


def send(control: int, letter: str, body: bytes = b"") -> None:
    frame = memoryview(struct.pack(">Ic", len(body), letter.encode()) + body)
    while frame:
        frame = frame[os.write(control, frame) :]


def load(handler: str) -> Handler:
    """Import the handler as AWS does. Raises LoadError, or whatever the module raises."""
    module_name, dot, function_name = handler.rpartition(".")
    if not dot:
        raise LoadError(
            "Runtime.MalformedHandlerName", f"Bad handler '{handler}': it is not of the form module.function"
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise LoadError(
            "Runtime.ImportModuleError",
            f"Unable to import module '{module_name}': {error}",
            _stack(error.__traceback__),
        ) from error
    except SyntaxError as error:
        where = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise LoadError(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [where]
        ) from error
    try:
        loaded: Handler = getattr(module, function_name)
    except AttributeError as error:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise LoadError("Runtime.HandlerNotFound", message) from error
    return loaded


def error_payload(error: BaseException, request_id: str) -> dict[str, Any]:
    """The error as AWS sends it to the caller."""
    if isinstance(error, LoadError):
        error_type, stack = error.error_type, error.stack
    else:
        error_type, stack = type(error).__name__, _stack(error.__traceback__)
    return {"errorMessage": str(error), "errorType": error_type, "requestId": request_id, "stackTrace": stack}


def log_error(payload: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        sys.stdout.write(json.dumps({"timestamp": now, "level": "ERROR", **payload}) + "\n")
        return
    stack = "".join(payload["stackTrace"])
    trace = f"\nTraceback (most recent call last):\n{stack}" if stack else "\n"
    sys.stdout.write(f"[ERROR] {payload['errorType']}: {payload['errorMessage']}{trace}")


def main() -> None:
    control, lifeline = int(sys.argv[1]), int(sys.argv[2])
    for descriptor in (control, lifeline):
        os.set_inheritable(descriptor, False)  # a handler's own children must not hold them open
    threading.Thread(target=_die_with_the_emulator, args=(lifeline,), daemon=True).start()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
    formatter = _set_up_logging(as_json=as_json)
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:
        payload = error_payload(error, "")
        log_error(payload, as_json=as_json)
        _flush()
        send(control, "F", json.dumps(payload).encode())
        sys.exit(1)
    _flush()
    send(control, "Y")
    while (frame := receive(control)) is not None:
        _, invocation = frame
        send(control, "T")
        formatter.request_id = invocation["id"]
        letter, body = invoke(handler, invocation, as_json=as_json)
        _flush()
        send(control, letter, body)


def invoke(handler: Handler, invocation: dict[str, Any], *, as_json: bool) -> tuple[str, bytes]:
    """Call the handler: the letter and body of the answer."""
    if invocation.get("trace"):
        os.environ["_X_AMZN_TRACE_ID"] = invocation["trace"]
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    context = LambdaContext(invocation["id"], invocation["deadline_ms"], invocation["arn"])
    try:
        result = handler(_unmarshalled(invocation["event"]), context)
    except Exception as error:
        payload = error_payload(error, invocation["id"])
    else:
        try:
            return "R", json.dumps(result, default=_decimal_as_number, ensure_ascii=False).encode()
        except Exception as error:
            payload = error_payload(
                LoadError("Runtime.MarshalError", f"Unable to marshal response: {error}"), invocation["id"]
            )
    log_error(payload, as_json=as_json)
    return "E", json.dumps(payload).encode()


def _unmarshalled(event: str) -> Any:
    try:
        return json.loads(event)
    except Exception as error:
        raise LoadError("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def _set_up_logging(*, as_json: bool) -> LogFormatter:
    formatter = LogFormatter(as_json=as_json)
    sink = logging.StreamHandler(sys.stdout)
    sink.setFormatter(formatter)
    logging.getLogger().addHandler(sink)
    if level := os.environ.get("AWS_LAMBDA_LOG_LEVEL"):
        logging.getLogger().setLevel({"TRACE": "DEBUG", "FATAL": "CRITICAL", "WARN": "WARNING"}.get(level, level))
    return formatter


def _decimal_as_number(value: object) -> float:
    if type(value).__name__ == "Decimal":
        return float(value)  # type: ignore[arg-type]
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _stack(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    own = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    return traceback.format_list(own)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _read_exactly(descriptor: int, count: int) -> bytes | None:
    parts: list[bytes] = []
    while count:
        part = os.read(descriptor, min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _die_with_the_emulator(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
