"""The operator's commands, run as an operator runs them, against the worker's deployed stack."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack import ROOT, LocalCloud

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def run(cloud: LocalCloud) -> Run:
    """`python -m operations …` for the deployed stack. Fails with what was said when the exit code is another."""

    def command(*words: str, exits: int = 0, stdin: str | None = None) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [sys.executable, "-m", "operations", *words, "--home", str(cloud.home)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=50,
        )
        assert done.returncode == exits, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return command


@pytest.fixture
def ask(run: Run) -> Callable[..., dict[str, Any]]:
    """The same with --json: the object that it prints."""
    return lambda *words, **options: json.loads(run(*words, "--json", **options).stdout)
