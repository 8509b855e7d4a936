"""Structured logs: one JSON object a line, of ids, codes and numbers, never personal data or secrets."""

import json
import os
import sys
from datetime import UTC, datetime


def info(message: str, **fields: object) -> None:
    _write("INFO", message, fields)


def warning(message: str, **fields: object) -> None:
    _write("WARNING", message, fields)


def error(message: str, **fields: object) -> None:
    _write("ERROR", message, fields)


def unexpected(message: str, exception: BaseException, **fields: object) -> None:
    """An error nobody planned for: its type and place, not its text, which may quote the payload."""
    trace = exception.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown"
    _write("ERROR", message, {**fields, "errorType": type(exception).__name__, "where": where})


def _write(level: str, message: str, fields: dict[str, object]) -> None:
    line = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
        "message": message,
        **{name: value for name, value in fields.items() if value is not None},
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
