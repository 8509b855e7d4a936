"""Deployments that end before they are done. Each runs in a process of its own, so that it can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_cloud.engine import DeploymentInterrupted, StateLocked
from tests.engine.fakes import FakeCloud, Lab

REPOSITORY = Path(__file__).parents[2]

SLOW = """
import asyncio, os, pathlib, time
pathlib.Path("pid").write_text(str(os.getpid()))
first = Thing("first", name="first")
slow = Thing("slow", name="slow", of=first.arn)
def once_slow_is_being_created():
    while not pathlib.Path("../creating").exists():
        time.sleep(0.01)
    return "now"
Thing("queued", name="queued", when=asyncio.to_thread(once_slow_is_being_created))
Thing("last", name="last", of=slow.arn)
"""


class Deployment:
    def __init__(self, lab: Lab, command: str = "up") -> None:
        self.folder = lab.root.parent
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.deploy_once", str(self.folder), command],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, name: str) -> None:
        deadline = time.monotonic() + 20
        while not (self.folder / name).exists():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline, f"no {name}"
            time.sleep(0.01)

    def release(self) -> None:
        (self.folder / "release").touch()

    def end(self) -> str:
        return self.process.communicate(timeout=20)[0]

    def __enter__(self) -> Deployment:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def slow_lab(lab: Lab) -> Lab:
    lab.write(SLOW)
    return lab


def cloud_names(lab: Lab) -> list[str]:
    things = json.loads((lab.root.parent / "cloud.json").read_text())
    return sorted(thing["name"] for thing in things.values())


def assert_ends(pid: int) -> None:
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        status = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        if status == "Z":
            return
        assert time.monotonic() < deadline, "the program outlives its engine"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_and_records_what_is_in_flight_and_starts_nothing_new(
    slow_lab: Lab, number: int
) -> None:
    with Deployment(slow_lab) as deployment:
        deployment.wait_for("creating")
        deployment.process.send_signal(number)
        assert_ends(int((slow_lab.root / "pid").read_text()))
        assert deployment.process.poll() is None, "the creation in flight is waited for"
        deployment.release()
        output = deployment.end()
    assert deployment.process.returncode == 1
    assert "finishing what is in flight" in output
    assert "DeploymentInterrupted: stopped" in output
    assert "error" not in output
    assert slow_lab.resource("slow")["outputs"]["arn"].startswith("arn:")
    assert cloud_names(slow_lab) == ["first", "slow"], "what waited for its turn is not begun"
    assert not slow_lab.state_path.with_name("test.json.journal").exists()
    with Deployment(slow_lab) as second:
        assert "step same slow" in second.end()
    assert cloud_names(slow_lab) == ["first", "last", "queued", "slow"]


def test_a_second_signal_leaves_at_once_and_loses_nothing_that_was_recorded(slow_lab: Lab) -> None:
    with Deployment(slow_lab) as deployment:
        deployment.wait_for("creating")
        program = int((slow_lab.root / "pid").read_text())
        deployment.process.send_signal(signal.SIGINT)
        assert_ends(program)
        deployment.process.send_signal(signal.SIGINT)
        deployment.end()
    assert deployment.process.returncode == 130
    deployment.release()
    with Deployment(slow_lab) as second:
        assert "step same first" in second.end()


def test_after_a_kill_the_next_deployment_carries_on_from_the_journal(slow_lab: Lab) -> None:
    with Deployment(slow_lab) as deployment:
        deployment.wait_for("creating")
        program = int((slow_lab.root / "pid").read_text())
        deployment.process.kill()
        deployment.end()
    assert_ends(program)
    assert slow_lab.state_path.with_name("test.json.journal").exists()
    cloud = slow_lab.root.parent / "cloud.json"
    things = {key: thing for key, thing in json.loads(cloud.read_text()).items() if thing["name"] != "slow"}
    cloud.write_text(json.dumps(things))
    deployment.release()
    with Deployment(slow_lab) as second:
        output = second.end()
    assert second.process.returncode == 0, output
    assert "step same first" in output
    assert "warning fake:index:Thing 'slow': an earlier deployment was killed while it created this" in output
    assert "step create slow" in output
    assert cloud_names(slow_lab) == ["first", "last", "queued", "slow"]
    assert "pending_operations" not in slow_lab.state()["deployment"]
    with Deployment(slow_lab) as third:
        output = third.end()
    assert "warning" not in output, "told once"
    assert "step create" not in output


def test_a_thing_that_was_created_but_not_recorded_is_named_and_asked_for_again(slow_lab: Lab) -> None:
    with Deployment(slow_lab) as deployment:
        deployment.wait_for("creating")
        deployment.process.kill()
        deployment.end()
    with Deployment(slow_lab, "preview") as preview:
        assert "warning fake:index:Thing 'slow'" in preview.end(), "a preview tells, and records nothing"
    deployment.release()
    with Deployment(slow_lab) as second:
        output = second.end()
    assert "warning fake:index:Thing 'slow'" in output
    assert "'slow': create failed: CreateThing: slow already exists" in output, "the provider was asked again"


def test_what_was_being_created_and_is_no_longer_wanted_is_named_once(slow_lab: Lab) -> None:
    with Deployment(slow_lab) as deployment:
        deployment.wait_for("creating")
        deployment.process.kill()
        deployment.end()
    slow_lab.write("")
    with Deployment(slow_lab) as second:
        assert "warning fake:index:Thing 'slow'" in second.end()
    with Deployment(slow_lab) as third:
        assert "warning" not in third.end()


def test_a_program_that_is_busy_ends_with_its_engine(lab: Lab) -> None:
    lab.write(
        """
        import os, pathlib, time
        pathlib.Path("written").write_text(str(os.getpid()))
        pathlib.Path("written").rename("../pid")
        time.sleep(60)
        """
    )
    with Deployment(lab) as deployment:
        deployment.wait_for("pid")
        deployment.process.kill()
        deployment.end()
    assert_ends(int((deployment.folder / "pid").read_text()))


def test_two_deployments_at_once_are_refused_naming_the_first(slow_lab: Lab) -> None:
    with Deployment(slow_lab) as deployment:
        deployment.wait_for("creating")
        started = time.monotonic()
        for command in (slow_lab.engine().up, slow_lab.engine().preview, slow_lab.engine().destroy):
            with pytest.raises(StateLocked, match=f"process {deployment.process.pid} is deploying this stack"):
                command()
        assert time.monotonic() - started < 2, "at once"
        deployment.release()
        deployment.end()
    assert deployment.process.returncode == 0


def test_a_killed_owner_leaves_no_lock(slow_lab: Lab) -> None:
    with Deployment(slow_lab) as deployment:
        deployment.wait_for("creating")
        deployment.process.kill()
        deployment.end()
    slow_lab.cloud = FakeCloud(slow_lab.root.parent / "cloud.json")
    assert slow_lab.destroy().counts["delete"] >= 2


def test_a_destruction_that_is_stopped_keeps_the_record_of_what_is_left(lab: Lab) -> None:
    lab.up('a = Thing("a"); Thing("b", of=a.arn)')
    engine = lab.engine()
    lab.cloud.during = lambda operation, name: engine.stop() if (operation, name) == ("delete", "b") else None
    with pytest.raises(DeploymentInterrupted):
        engine.destroy()
    names = [one["urn"].rsplit("::", 1)[1] for one in lab.resources()]
    assert "a" in names
    assert "b" not in names
    lab.cloud.during = lambda operation, name: None
    lab.destroy()
    assert lab.cloud.things == {}


def test_the_handlers_of_signals_are_put_back(lab: Lab) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    lab.preview("")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_no_process_and_no_temporary_folder_is_left(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lab.up('import os, pathlib; pathlib.Path("pid").write_text(str(os.getpid()))')
    assert not os.path.exists(f"/proc/{(lab.root / 'pid').read_text()}")
    assert list(tmp_path.glob("leadbridge-*")) == []
