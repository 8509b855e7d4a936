"""What the commands write: lines for a person, one JSON object for a program."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

_LAYOUT = frozenset("\n\t")
_CLEAR_LINE = "\r\033[K"
_EVERY_SECONDS = 2.0


def printable(text: str, *, layout: frozenset[str] = frozenset()) -> str:
    """Without what would steer a terminal or can't be printed: what is shown was written by others."""
    return "".join(each if each.isprintable() or each in layout else "\ufffd" for each in text)


class Console:
    """With `as_json`, standard output carries only the object at the end; the rest goes to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._stream: TextIO = sys.stderr if as_json else sys.stdout
        self._on_terminal = self._stream.isatty()
        self._last_progress = time.monotonic()
        self._unfinished = False

    def say(self, text: str) -> None:
        self._stream.write((_CLEAR_LINE if self._unfinished else "") + _lines(text) + "\n")
        self._stream.flush()
        self._unfinished = False

    def progress(self, text: str) -> None:
        """A passing note: one line that changes on a terminal, elsewhere a line every other second."""
        now = time.monotonic()
        if now - self._last_progress < (0.1 if self._on_terminal else _EVERY_SECONDS):
            return
        self._last_progress = now
        if self._on_terminal:
            self._stream.write(_CLEAR_LINE + printable(text))
            self._stream.flush()
            self._unfinished = True
        else:
            self.say(text)

    def error(self, text: str) -> None:
        if self._unfinished:
            self._stream.write(_CLEAR_LINE)
            self._unfinished = False
        sys.stderr.write(_lines(text) + "\n")

    def result(self, value: Mapping[str, Any]) -> None:
        if self.as_json:
            sys.stdout.write(json.dumps(value, indent=2) + "\n")
            sys.stdout.flush()


def _lines(text: str) -> str:
    return printable(text.rstrip(), layout=_LAYOUT)
