"""A deployment by the CLI that is stopped or killed in the middle."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PulumiCloud
from tests.stack import ROOT, Stack, new_lead, wait_for

pytestmark = pytest.mark.timeout(300)


def in_the_middle(cloud: PulumiCloud) -> subprocess.Popen[str]:
    """An `up` that has made its first role and has most before it."""
    command = [
        sys.executable,
        "-m",
        "local_cloud",
        "up",
        "--no-leads",
        "--engine",
        "cli",
        "--home",
        str(cloud.home),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for line in process.stdout:
        if "aws:iam:Role " in line and " created" in line:
            return process
    raise AssertionError("it ended before it made a role")


def processes_of(cloud: PulumiCloud) -> set[str]:
    """The programs that run for the home: the first words of their command lines."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if f"LEADBRIDGE_HOME={cloud.home}".encode() in environment:
            found.add(words[0].decode())
    return found


def test_a_stopped_deployment_is_recorded_and_carried_on(own: PulumiCloud) -> None:
    process = in_the_middle(own)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    made = len(own.resources())
    assert made > 0
    counts = own.up_counts()
    assert counts["same"] > 0, "it carried on"
    assert own.preview_steps() == []
    assert processes_of(own) == set()


def test_a_killed_deployment_is_begun_afresh_and_leaves_no_process(own: PulumiCloud) -> None:
    process = in_the_middle(own)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    said = own.run("up", "--no-leads", "--engine", "cli").stdout
    assert "a deployment was killed under the Pulumi CLI: started anew" in said
    wait_for(lambda: True if processes_of(own) == set() else None, 20, "the killed one's processes to end")
    stack = Stack(own.outputs())
    assert stack.ended(stack.submit(new_lead()))["status"] == "COMPLETED"
    assert own.preview_steps() == []
    assert process.stdout
    process.stdout.close()


def test_files_that_a_killed_cli_left_cut_off_stop_no_later_command(own: PulumiCloud) -> None:
    own.up_counts()
    left = [path for path in (own.home / "pulumi").rglob("*") if path.suffix in (".json", ".yaml", ".attrs")]
    assert any("stacks" in path.parts for path in left), "no checkpoint was left"
    for length in (0, 20):
        for path in left:
            if path.is_file():
                path.write_bytes(path.read_bytes()[:length])
        assert own.preview_steps() == []
    assert own.up_counts()["same"] > 0
