"""A checkout and a home whose names hold what shells, option files and URLs read as something else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import ROOT, LocalCloud, Stack, copy_of_the_project, new_lead, steps

pytestmark = pytest.mark.timeout(180)

CHECKOUT = "mi proyecto ñ #1"
HOME = "mi casa ñ #1 'q' \"d\" $HOME %41 \\t `b` ;c:d ?e=f & {g}"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    folder = tmp_path_factory.mktemp("odd") / CHECKOUT
    folder.mkdir()
    root = copy_of_the_project(folder)
    (root / ".venv").symlink_to(Path(sys.executable).parents[1])
    cloud = LocalCloud(folder / HOME, root)
    yield cloud
    cloud.run("down", check=False)


def test_every_command_works_in_a_home_with_any_name(odd: LocalCloud) -> None:
    said = odd.run("up").stdout
    assert "CLIENTS 10" in said, "the samples went through its functions to its database"
    assert steps(odd.run("preview").stdout) == []
    stack = Stack(odd.outputs())
    assert stack.ended(stack.submit(new_lead()))["status"] == "COMPLETED"
    assert "step done" in odd.run("logs").stdout
    assert odd.run("doctor").returncode == 0
    operations = [sys.executable, "-m", "operations", "failed", "--json", "--home", str(odd.home)]
    listed = subprocess.run(operations, cwd=odd.root, capture_output=True, text=True, timeout=60)
    assert len(json.loads(listed.stdout)["findings"]) == 1, "the sample with a mistyped RUT"


def test_the_command_that_stops_it_can_be_pasted(odd: LocalCloud) -> None:
    said = odd.run("up", "--no-leads").stdout
    (command,) = [line.removeprefix("stop with").strip() for line in said.splitlines() if line.startswith("stop")]
    beside = sorted(odd.home.parent.iterdir())
    path = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", command], cwd=odd.root, env=path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert f"removed       {odd.home}" in done.stdout
    assert sorted(odd.home.parent.iterdir()) == [path for path in beside if path != odd.home]


def test_every_make_target_works_in_a_checkout_with_any_name(odd: LocalCloud) -> None:
    def make(*words: str) -> str:
        command = ["make", "--silent", "-o", ".venv/.ready", "-C", str(odd.root), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        assert "stop with     make down" in make("up")
        assert "no changes" in make("preview")
        assert json.loads(make("outputs"))["api_url"]
        assert "step done" in make("logs")
        assert "PROBLEM" not in make("doctor")
        assert "total" in make("cost")
    finally:
        assert "removed" in make("down")
    assert list((odd.root / ".leadbridge").iterdir()) == []


@pytest.mark.parametrize("target", ["up", "preview", "down", "outputs", "logs", "doctor", "cost"])
def test_no_make_target_runs_what_stands_in_a_stacks_name(tmp_path: Path, target: str) -> None:
    made = tmp_path / "made"
    command = ["make", "-o", ".venv/.ready", target, f"STACK=a'; touch {made}; '\"b"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "can't be a stack's name" in done.stderr
    assert not made.exists()


@pytest.mark.parametrize("name", ["a:b", "a\nb"])
def test_setup_says_that_no_environment_works_in_such_a_folder(tmp_path: Path, name: str) -> None:
    root = copy_of_the_project(tmp_path / name)
    done = subprocess.run(["tools/setup"], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "move the checkout" in done.stderr
    assert not (root / ".venv").exists()
