"""The operator's commands against the worker's deployed stack."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from operations import cli
from operations.cli import main
from tests.operations.import_on_fakes import FakeCloud
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

    def command(
        *words: str, exits: int = 0, stdin: str = "", place: Sequence[str] = ("--home", str(cloud.home))
    ) -> subprocess.CompletedProcess:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with redirect_stdout(out), redirect_stderr(err):
            code = main([*words, *place])
        assert code == exits, out.getvalue() + err.getvalue()
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    return command


@pytest.fixture
def ask(run: Run) -> Callable[..., dict[str, Any]]:
    """The same with --json: the object that it prints."""
    return lambda *words, **options: json.loads(run(*words, "--json", **options).stdout)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    cloud = FakeCloud()
    monkeypatch.setattr(cli, "find", lambda _place: cloud)
    return cloud


@pytest.fixture
def run_on_fake(fake: FakeCloud, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """An import in this process: what it printed as JSON, or what it said where it failed."""

    def command(file: Path, *words: str, exits: int = 0) -> Any:
        capsys.readouterr()
        code = cli.main(["import", str(file), "--rate", "100000", "--json", *words])
        out, err = capsys.readouterr()
        assert code == exits, out + err
        return json.loads(out) if out else err

    return command
