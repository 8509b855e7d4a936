"""What every program owes whoever runs it when something goes wrong, and the ways in which AWS goes wrong."""

import argparse
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from command_line.boundary import FAILED, UNUSABLE
from tests.handlers.http_server import Reply, ScriptedServer
from tests.stack import ROOT

PRIVATE = ("ana.perez@example.com", "s3cr3t-key", "11111111-1")
DENIED = (
    f"User: arn:aws:iam::123456789012:user/{PRIVATE[0]} is not authorized to perform: dynamodb:GetItem on"
    " resource: arn:aws:dynamodb:us-east-1:123456789012:table/leads"
)
PAGE = f"<html><title>Log in</title>{PRIVATE[0]}</html>".encode()
ODD_NUMBERS = ("nan", "-1", "-inf", "1e999", "abc", "", "9" * 5000, "99999999d", "-5d", "0001-01-01T00:00+14:00")


def aws(status: int, code: str, message: str = "") -> Reply:
    return Reply.json(status, {"__type": f"com.amazonaws#{code}", "message": message}, x_amzn_requestid="r1")


# what answers -> its reply, None for nothing; the exit code; words of the sentence
AT_AWS: dict[str, tuple[Reply | None, int, str]] = {
    "denied rights": (aws(400, "AccessDeniedException", DENIED), FAILED, "denies|not its own"),
    "expired credentials": (aws(400, "ExpiredTokenException"), UNUSABLE, "Log in again|not its own"),
    "unknown credentials": (aws(400, "UnrecognizedClientException"), UNUSABLE, "Log in again|not its own"),
    "too many requests": (aws(400, "ThrottlingException", "Rate exceeded"), FAILED, "again|not its own"),
    "a fault of AWS": (aws(500, "InternalServerError"), FAILED, "again|not its own"),
    "an unknown resource": (aws(400, "ResourceNotFoundException", "none"), FAILED, "outputs|not its own"),
    "a proxy's refusal": (Reply(status=403, body=PAGE), FAILED, "PROXY"),
    "a proxy's outage": (Reply(status=502, body=b"Bad gateway"), FAILED, "PROXY"),
    "a login page": (Reply(status=200, body=PAGE, headers={"Content-Type": "text/html"}), FAILED, "PROXY"),
    "an empty success": (Reply(status=200), FAILED, "PROXY"),
    "somebody's JSON": (Reply.json(200, {}), FAILED, "PROXY|not its own"),
    "somebody's list": (Reply.json(200, []), FAILED, "PROXY"),
    "half an answer": (Reply(status=200, body=PAGE, cut=True), FAILED, "reached|not answer"),
    "nobody": (None, FAILED, "reached|not answer"),
}


@contextmanager
def answering(reply: Reply | None) -> Iterator[str]:
    """The address of a server that says only this."""
    if reply is None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{free.getsockname()[1]}"
        return
    with ScriptedServer([reply]).running() as server:
        yield server.url


def held_to(code: int, out: str, err: str, *, exits: int | Sequence[int], as_json: bool = True) -> str:
    """The sentence of an error, which is told as it must be."""
    said = out + err
    assert "Traceback" not in said, said
    assert code in ((exits,) if isinstance(exits, int) else exits), f"{code}: {said}"
    assert not [word for word in PRIVATE if word in said], said
    sentences = re.findall(r"^error: (.+)$", err, re.MULTILINE)
    assert len(sentences) == 1, said
    if as_json:
        assert err.rstrip().endswith(json.loads(out)["error"].rstrip()), said
    return str(sentences[0])


def process(*words: str, program: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", program, *words]
    given = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 50, "stdin": subprocess.DEVNULL}
    return subprocess.run(command, **{**given, **options})


def shell(line: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """`line` for sh; $PYTHON is this interpreter."""
    given = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 50, "stdin": subprocess.DEVNULL}
    return subprocess.run(["sh", "-c", line.replace("$PYTHON", sys.executable)], **{**given, **options})


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (sub,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return dict(sub.choices)


def required(parser: argparse.ArgumentParser, value: Callable[[argparse.Action], str]) -> list[str]:
    """A value for each positional argument and each required option."""
    words = []
    for action in parser._actions:
        if not action.option_strings:
            words.append(value(action))
        elif action.required:
            words.append(f"{action.option_strings[-1]}={value(action)}")
    return words


def odd_options(parser: argparse.ArgumentParser) -> list[str]:
    """Each option that takes a number or a time, with values that are none."""
    return [
        f"{action.option_strings[-1]}={text}"
        for action in parser._actions
        if action.option_strings and action.type not in (None, Path) and action.dest != "deployment"
        for text in ODD_NUMBERS
    ]


OLD = (
    'import runpy, sys; sys.version_info = (3, 9); sys.argv += ["--json"];'
    ' runpy.run_module("PROGRAM", run_name="__main__")'
)
# A program as a whole, in a process: what is done to it, as a line of the shell, and its exit code.
AROUND_A_PROGRAM: dict[str, tuple[str, int]] = {
    "standard output closed": ("$PYTHON -m PROGRAM WORDS >&-", UNUSABLE),
    "standard output full": ("PYTHONUNBUFFERED= $PYTHON -m PROGRAM WORDS --json >/dev/full", FAILED),
    "standard output full, unbuffered": ("PYTHONUNBUFFERED=1 $PYTHON -m PROGRAM WORDS --json >/dev/full", FAILED),
    "help on a full disk": ("PYTHONUNBUFFERED= $PYTHON -m PROGRAM --help >/dev/full", FAILED),
    "not UTF-8": ("$PYTHON -m PROGRAM WORDS --stack=\"$(printf '\\377')\" --json", UNUSABLE),
    "an unknown option": ("$PYTHON -m PROGRAM WORDS --nothing --json", UNUSABLE),
    "no command": ("$PYTHON -m PROGRAM --json", UNUSABLE),
    "a Python without the packages": ("$PYTHON -S -m PROGRAM WORDS --json", UNUSABLE),
    "an old Python": (f"$PYTHON -c '{OLD}'", UNUSABLE),
}
LOST = {"standard output closed", *(kind for kind in AROUND_A_PROGRAM if "full" in kind)}


def hold_around(kind: str, program: str, words: str) -> None:
    line, code = AROUND_A_PROGRAM[kind]
    done = shell(line.replace("PROGRAM", program).replace("WORDS", words))
    held_to(done.returncode, done.stdout, done.stderr, exits=code, as_json=kind not in LOST)
    assert "Exception ignored" not in done.stderr


def hold_interrupted(module: str, script: Sequence[str], folder: Path) -> None:
    """Ctrl-C while `module` is imported."""
    (folder / f"{module}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "HOME": str(folder)}
    command = [sys.executable, *script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50)
    assert done.returncode == 130, done.stderr
    assert done.stderr.startswith("interrupted"), done.stderr
    assert "Traceback" not in done.stderr


def private_fault(*_: Any, **__: Any) -> Any:
    raise KeyError(PRIVATE[0])


def hold_in_process(
    main: Callable[[Sequence[str]], int],
    words: Sequence[str],
    capsys: pytest.CaptureFixture[str],
    exits: int | Sequence[int],
) -> str:
    capsys.readouterr()
    code = main([*words, "--json"])
    out, err = capsys.readouterr()
    return held_to(code, out, err, exits=exits)
