"""The one place where a program's errors end: a sentence, an exit code and, with `--json`, an object for scripts.

An error that is meant for the person carries its exit code as `exit_code`, and its text says what, where and what
to do; `details` are for the object only. docs/operations.md lists the codes. This module runs on any Python 3, to
tell who has an old one.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import io
import json
import os
import shlex
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from command_line import aws_errors

DONE, FAILED, UNUSABLE, UNEXPECTED, INTERRUPTED = 0, 1, 2, 3, 130
OLDEST_PYTHON = (3, 11)
TRACEBACK = "LEADBRIDGE_TRACEBACK"
ROOT = Path(__file__).resolve().parent.parent
_REMEDIES = {
    errno.EACCES: "Change its rights, or use another.",
    errno.EPERM: "Change its rights, or use another.",
    errno.EROFS: "Use a folder that can be written.",
    errno.ENOSPC: "Make room and run the command again.",
    errno.EDQUOT: "Make room and run the command again.",
}


class Unusable(Exception):
    """The command line, or what it names, can't be used; nothing was begun."""

    exit_code = UNUSABLE


class OutputLost(Exception):
    """Standard output can't be written."""

    exit_code = FAILED


class _StandardOutput(io.TextIOWrapper):
    """Tells its own errors from those of other files."""

    def write(self, text: str) -> int:
        with self._told():
            return super().write(text)

    def flush(self) -> None:
        with self._told():
            super().flush()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(
                f"standard output can't be written: {error.strerror}. What was done stays done; send the output"
                " elsewhere."
            ) from error


class Output(Protocol):
    def error(self, text: str) -> None: ...

    def result(self, value: Mapping[str, Any]) -> None: ...


class Plain:
    """The output of a program that has no console of its own."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json

    def error(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")

    def result(self, value: Mapping[str, Any]) -> None:
        if self._as_json:
            sys.stdout.write(json.dumps(value, indent=2) + "\n")


class Parser(argparse.ArgumentParser):
    """Raises Unusable instead of ending the program, also for arguments that are not UTF-8."""

    def error(self, message: str) -> Any:
        raise Unusable(f"{message}. See: {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        words: Sequence[str] = sys.argv[1:] if args is None else args
        for word in words:
            if not _is_utf8(word):
                raise Unusable(
                    f"the argument {os.fsencode(word)!r} is not UTF-8, or this Python does not read it so. Give"
                    " it as UTF-8, and unset PYTHONUTF8 and PYTHONCOERCECLOCALE."
                )
        return super().parse_known_args(args, namespace)


def wants_json(words: Sequence[str]) -> bool:
    """Whether `--json` is among the options, also as argparse lets it be shortened."""
    options = words[: words.index("--")] if "--" in words else words
    return any(len(word) > 2 and "--json".startswith(word) for word in options)


def between(low: float, high: float) -> Callable[[str], float]:
    """The type of an option that is a number in this range, which leaves NaN out, too."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:,.15g}")
        return value

    return number


def whole_between(low: int, high: int) -> Callable[[str], int]:
    """The type of an option that is a whole number in this range."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return value

    return number


def standard_input() -> str:
    """All of it. Raise Unusable when it is closed or not UTF-8."""
    if sys.stdin is None:
        raise Unusable("standard input is closed: give it what the command reads, such as with `< FILE`.")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise Unusable(f"standard input is not UTF-8 (byte {error.start}): convert it with iconv.") from None
    except OSError as error:
        raise Unusable(f"standard input can't be read: {error.strerror}. Give a file or a pipe.") from None


def start(module: str) -> int:
    """Run the `main()` of a program's module, its imports included; the exit code."""

    def work() -> int:
        _prepare()
        main: Callable[[], int] = importlib.import_module(module).main
        return main()

    return run(work, Plain(as_json=wants_json(sys.argv[1:])))


@contextlib.contextmanager
def imports() -> Iterator[None]:
    """Around the imports of a script, so that a package that is missing is told."""
    try:
        _prepare()
        yield
    except BaseException as error:
        sys.exit(_ended(_told(error, Plain(as_json=wants_json(sys.argv[1:])), "interrupted")))


def run(work: Callable[[], int], output: Output, *, interrupted: str = "interrupted") -> int:
    """The exit code of `work`, or of what it raised, which is told. `interrupted`: the sentence for Ctrl-C."""
    try:
        code = _code_of(work)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has left
        code = FAILED
    except BaseException as error:
        code = _told(error, output, interrupted)
    return _ended(code)


def _code_of(work: Callable[[], int]) -> int:
    try:
        return work()
    except SystemExit as ended:  # argparse's --help
        return int(ended.code or DONE)


def _told(error: BaseException, output: Output, interrupted: str) -> int:
    code, text = explained(error)
    sentence = interrupted if isinstance(error, KeyboardInterrupt) else text
    with contextlib.suppress(OSError, OutputLost):  # nobody is there to be told
        if os.environ.get(TRACEBACK):
            traceback.print_exception(type(error), error, error.__traceback__)
        output.error(sentence if code == INTERRUPTED else f"error: {sentence}")
    try:
        output.result({"error": sentence, **getattr(error, "details", {})})
        sys.stdout.flush()
    except (OSError, OutputLost):
        return code or FAILED
    return code


def explained(error: BaseException) -> tuple[int, str]:
    """The exit code and the sentence of an error."""
    code = getattr(error, "exit_code", None)
    if code is not None:
        return int(code), str(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted"
    if isinstance(error, ModuleNotFoundError):  # importlib.metadata's PackageNotFoundError, too
        return UNUSABLE, (
            f"package {error.name} is missing for {sys.executable}. Use the project's Python, .venv/bin/python;"
            " `make setup` makes it."
        )
    if isinstance(error, OSError):
        return FAILED, _of_system(error)
    if isinstance(error, subprocess.CalledProcessError):
        said = (str(error.stderr or "").strip() or "nothing").splitlines()[-1]
        return FAILED, f"{shlex.join(map(str, error.cmd))} ended with {error.returncode}. It says: {said}"
    if isinstance(error, subprocess.TimeoutExpired):
        words = error.cmd if isinstance(error.cmd, list) else [error.cmd]
        return FAILED, f"{words[0]} has not ended after {error.timeout:.0f} s and was stopped. Try again."
    return aws_errors.explained(error) or (UNEXPECTED, _unexpected(error))


def _of_system(error: OSError) -> str:
    said = error.strerror or type(error).__name__
    if error.filename is not None:
        remedy = _REMEDIES.get(error.errno or 0, "")
        return f"{os.fsdecode(str(error.filename))}: {said}. {remedy}".rstrip()
    return f"the system refused: {said}. {_REMEDIES.get(error.errno or 0, '')}".rstrip()


def _unexpected(error: BaseException) -> str:
    """Without its text, which may hold anything."""
    ours = [
        f"{Path(frame.filename).relative_to(ROOT)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in Path(frame.filename).parts
    ]
    return (
        f"unexpected {type(error).__name__} at {ours[-1] if ours else 'an unknown place'}. This is a mistake in"
        f" the program: report it, with what {TRACEBACK}=1 adds. What was done before it stays done."
    )


def _prepare() -> None:
    """Before anything is imported or done: the Python and the standard streams must be usable."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise Unusable(
            f"Leadbridge needs Python {wanted} or newer; {sys.executable} is {sys.version.split()[0]}. Use the"
            " project's, .venv/bin/python; `make setup` makes it."
        )
    for number in range(3):  # else the next file that is opened becomes a standard stream
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for as long as the program runs
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        raise Unusable("standard output is closed. Send it to a file, or to /dev/null.")
    if type(sys.stdout) is io.TextIOWrapper:
        encoding, at_once = sys.stdout.encoding, sys.stdout.line_buffering or sys.stdout.write_through
        sys.stdout = sys.__stdout__ = _StandardOutput(  # type: ignore[misc]
            sys.stdout.detach(), encoding=encoding, errors="backslashreplace", line_buffering=at_once
        )
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")


def _ended(code: int) -> int:
    """Leave nothing that the interpreter would fail to write at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, OutputLost):
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
            code = code or FAILED
    return code


def _is_utf8(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
