"""What the commands write: summary lines for a person, one JSON object for a program."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, TextIO

_SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-", "read": ">"}
_CLEAR_LINE = "\r\033[K"


class Console:
    """With `as_json`, standard output carries only the object at the end; the rest goes to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.stream: TextIO = sys.stderr if as_json else sys.stdout
        self.on_terminal = self.stream.isatty()
        self._lock = threading.Lock()
        self._unfinished = False

    def say(self, text: str) -> None:
        with self._lock:
            self._write(f"{text.rstrip()}\n")

    def progress(self, text: str) -> None:
        """A passing note on a terminal: the next line takes its place."""
        if self.on_terminal:
            with self._lock:
                self._write(text)
                self._unfinished = True

    def error(self, text: str) -> None:
        with self._lock:
            if self._unfinished:
                self._write("")
            sys.stderr.write(f"{text.rstrip()}\n")

    def result(self, value: Mapping[str, Any]) -> None:
        if self.as_json:
            sys.stdout.write(json.dumps(value, indent=2, sort_keys=True) + "\n")
            sys.stdout.flush()

    def _write(self, text: str) -> None:
        self.stream.write((_CLEAR_LINE if self._unfinished else "") + text)
        self.stream.flush()
        self._unfinished = False


class StepReporter:
    """Shows a deployment's steps: what changes, as it changes; nothing for what stays the same."""

    def __init__(self, console: Console, what: str, *, every_step: bool) -> None:
        self._console = console
        self._what = what
        self._every_step = every_step
        self._counts: Counter[str] = Counter()

    def step(self, op: str, type_: str, name: str, detail: str) -> None:
        if op in ("same", "read"):
            return
        self._counts[op] += 1
        # On a terminal, a first deployment's many creations pass by in one line.
        if op == "create" and self._console.on_terminal and not self._every_step:
            self._console.progress(summary_line(self._what, f"{self._counts[op]} created …"))
        else:
            self._console.say(f"  {_SIGNS.get(op, '?')} {op:<7} {type_} {name} {detail}")

    def message(self, severity: str, text: str) -> None:
        if severity in ("warning", "error"):
            self._console.error(f"{severity}: {text}")
        else:
            self._console.say(f"  {text}")


def summary_line(what: str, text: str, seconds: float | None = None) -> str:
    return f"{what:<14}{text:<42}" + (f" {seconds:5.1f} s" if seconds is not None else "")


def counted(counts: Mapping[str, int], done: bool) -> str:
    """ "46 created, 2 updated", or what a preview would do; "no changes" when that is so."""
    words = (
        ("created", "updated", "replaced", "deleted")
        if done
        else ("to create", "to update", "to replace", "to delete")
    )
    parts = [
        f"{counts[op]} {word}"
        for op, word in zip(("create", "update", "replace", "delete"), words, strict=True)
        if counts.get(op)
    ]
    return ", ".join(parts) or "no changes"
