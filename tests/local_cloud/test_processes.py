"""Processes are known by more than their id, and are ended for certain."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import processes
from local_cloud.home import is_free
from local_cloud.processes import Process, find_marked, kill_marked, kill_session, start_daemon, start_of
from tests.local_cloud.lab import eventually

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = (
    "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


# Its first thread is gone, which makes it a zombie to look at; another one holds a port for a second more.
HALF_GONE = """
import ctypes, os, socket, sys, threading, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
threading.Thread(target=lambda: (time.sleep(1.5), os._exit(0))).start()
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)
"""


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


@pytest.fixture(params=["proc", "ps"])
def each_source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to learn about processes: /proc, and `ps` where there is none."""
    if request.param == "ps":
        monkeypatch.setattr(processes, "_PROC", Path("/nonexistent"))


def daemon(tmp_path: Path, *command: str, marker: str = "") -> Process:
    words = command or tuple(SLEEP)
    return start_daemon(
        [*words, marker] if marker else words,
        log=tmp_path / "log",
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        record=tmp_path / "record.json",
        marker=marker,
    )


@pytest.mark.usefixtures("each_source")
def test_a_process_that_got_the_id_of_an_ended_one_is_never_signalled(bystander: subprocess.Popen[bytes]) -> None:
    recorded = Process(pid=bystander.pid, started="before the last boot")
    assert not recorded.is_alive()
    assert not recorded.stop()
    assert not recorded.signal(signal.SIGKILL)
    time.sleep(0.1)
    assert bystander.poll() is None


@pytest.mark.usefixtures("each_source")
def test_a_daemon_is_recorded_found_again_and_stopped(tmp_path: Path) -> None:
    started = daemon(tmp_path)
    again = Process.load(tmp_path / "record.json")
    assert again == started
    assert again.is_alive()
    assert again.stop()
    assert not again.is_alive()
    assert not again.stop(), "it is gone"


def test_a_daemon_has_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(tmp_path: Path) -> None:
    started = daemon(tmp_path)
    assert os.getsid(started.pid) == started.pid != os.getsid(0)
    started.stop()


def test_a_daemon_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    started = daemon(tmp_path, sys.executable, "-c", STUBBORN)
    assert eventually(lambda: "ready" in (tmp_path / "log").read_text())
    began = time.monotonic()
    assert started.stop(grace=0.3)
    assert 0.3 <= time.monotonic() - began < 5
    assert not started.is_alive()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="a thread's end is seen on Linux only")
def test_a_process_that_is_ending_has_given_up_its_port_when_it_counts_as_stopped(tmp_path: Path) -> None:
    ending = daemon(tmp_path, sys.executable, "-c", HALF_GONE)
    assert eventually(lambda: not ending.is_alive() and (tmp_path / "log").read_text())
    port = int((tmp_path / "log").read_text())
    assert not is_free(port)
    ending.stop()
    assert is_free(port)


@pytest.mark.usefixtures("each_source")
def test_an_ended_child_that_nobody_waited_for_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    assert eventually(lambda: start_of(child.pid) is None)
    child.wait()


@pytest.mark.usefixtures("each_source")
def test_leftovers_are_found_by_their_marker_and_killed(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    marker = f"leadbridge-test-{os.getpid()}-{time.monotonic_ns()}"
    one, two = daemon(tmp_path, marker=marker), daemon(tmp_path, marker=marker)
    assert eventually(lambda: {process.pid for process in find_marked(marker)} == {one.pid, two.pid})
    assert kill_marked(marker) == 2
    assert find_marked(marker) == []
    assert bystander.poll() is None


@pytest.mark.usefixtures("each_source")
def test_what_is_left_of_a_session_is_killed_though_its_leader_is_gone(tmp_path: Path) -> None:
    script = "sleep 300 & setsid sleep 301 & wait"
    leader = daemon(tmp_path, "sh", "-c", script)
    assert eventually(lambda: len(children_of(leader.pid)) == 2)
    sleeping, moved = sorted(children_of(leader.pid), key=lambda pid: os.getsid(pid) != leader.pid)
    leader.signal(signal.SIGKILL)
    leader.wait(5)
    try:
        assert kill_session(leader) == 1
        assert start_of(sleeping) is None
        assert start_of(moved), "a session of its own"
    finally:
        os.kill(moved, signal.SIGKILL)


def test_the_session_of_a_process_that_got_the_id_of_an_ended_one_is_left_alone(
    bystander: subprocess.Popen[bytes],
) -> None:
    assert kill_session(Process(pid=bystander.pid, started="before the last boot")) == 0
    assert bystander.poll() is None


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def test_a_record_that_makes_no_sense_is_no_process(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    assert Process.load(record) is None
    for text in ("", "[]", "{}", '{"pid": "x", "started": "", "marker": ""}'):
        record.write_text(text)
        assert Process.load(record) is None


def test_the_command_of_a_record_is_the_same_whoever_reads_it(tmp_path: Path) -> None:
    process = Process(pid=1, started="then", marker="m")
    process.save(tmp_path / "record.json")
    assert Process.load(tmp_path / "record.json") == dataclasses.replace(process)
    assert (tmp_path / "record.json").stat().st_mode & 0o777 == 0o600
