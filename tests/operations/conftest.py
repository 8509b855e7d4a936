"""The operator's commands against the worker's deployed stack."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest

from operations.cli import main
from tests.stack import ROOT, LocalCloud

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def start(cloud: LocalCloud) -> Callable[..., subprocess.Popen]:
    """`python -m operations …` for the deployed stack, in a process of its own."""

    def command(*words: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "operations", *words, "--home", str(cloud.home)]
        return subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return command


@pytest.fixture
def run(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same in this process. Fails with what was said when the exit code is another."""

    def command(*words: str, exits: int = 0, stdin: str = "") -> subprocess.CompletedProcess:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with redirect_stdout(out), redirect_stderr(err):
            code = main([*words, "--home", str(cloud.home)])
        assert code == exits, out.getvalue() + err.getvalue()
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    return command


@pytest.fixture
def ask(run: Run) -> Callable[..., dict[str, Any]]:
    """The same with --json: the object that it prints."""
    return lambda *words, **options: json.loads(run(*words, "--json", **options).stdout)
