"""The interpreter of Lambda functions is made once for all homes, whole or not at all."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_cloud import lambda_interpreter
from local_cloud.errors import LocalCloudError


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("# nothing\n")
    return path


def test_it_has_boto3_and_nothing_but_what_boto3_needs(lambda_python: Path) -> None:
    script = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    listed = subprocess.run([lambda_python, "-c", script], capture_output=True, text=True, check=True).stdout
    assert listed.split() == ["boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"]


def test_it_is_made_once_by_two_at_once_and_then_found(tmp_path: Path, requirements: Path) -> None:
    said: list[str] = []

    def ensure(_: int) -> Path:
        return lambda_interpreter.ensure(requirements=requirements, folder=tmp_path / "venvs", say=said.append)

    with ThreadPoolExecutor(3) as pool:
        made = set(pool.map(ensure, range(3)))
    assert len(made) == 1
    assert len(said) == 1
    python = made.pop()
    began = python.stat().st_ctime_ns
    assert ensure(0) == python
    assert python.stat().st_ctime_ns == began
    subprocess.run([python, "-c", "import json"], check=True)


def test_it_is_made_anew_when_the_requirements_change(tmp_path: Path, requirements: Path) -> None:
    before = lambda_interpreter.ensure(requirements=requirements, folder=tmp_path / "venvs")
    requirements.write_text("# nothing yet\n")
    after = lambda_interpreter.ensure(requirements=requirements, folder=tmp_path / "venvs")
    assert before != after
    assert before.exists(), "a running cloud may still use it"


def test_a_failure_says_which_command_failed_and_leaves_nothing_half_made(
    tmp_path: Path, requirements: Path
) -> None:
    requirements.write_text("./no-such-package\n")
    with pytest.raises(
        LocalCloudError, match=r"(?s)could not be made from .*pip install.*says:\n.*no-such-package"
    ):
        lambda_interpreter.ensure(requirements=requirements, folder=tmp_path / "venvs")
    requirements.write_text("# nothing\n")
    assert lambda_interpreter.ensure(requirements=requirements, folder=tmp_path / "venvs").exists()


def test_it_can_be_made_without_uv(tmp_path: Path, requirements: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_interpreter.importlib.util, "find_spec", lambda name: None)
    python = lambda_interpreter.ensure(requirements=requirements, folder=tmp_path / "venvs")
    subprocess.run([python, "-c", "import json"], check=True)


def test_missing_requirements_are_named(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match=r"absent\.txt is missing"):
        lambda_interpreter.ensure(requirements=tmp_path / "absent.txt", folder=tmp_path / "venvs")
