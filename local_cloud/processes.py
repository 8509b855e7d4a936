"""Servers that outlive the command that started them, told apart from strangers that got their process id."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from local_cloud.errors import NotAnswering
from local_cloud.home import read_json, write_private

T = TypeVar("T")

PATIENCE_SECONDS = 15.0
"""How long a server that lives may be silent: it may be starting, or busy."""

_PAUSE_SECONDS = 0.2
_PROC = Path("/proc")


@dataclasses.dataclass(frozen=True)
class Process:
    """A process by its id and the moment it started, which together are never reused.

    `marker` is a word of the command line that its children carry too.
    """

    pid: int
    started: str
    marker: str = ""

    def save(self, path: Path) -> None:
        write_private(path, json.dumps(dataclasses.asdict(self)) + "\n")

    @classmethod
    def load(cls, path: Path) -> Process | None:
        record = read_json(path)
        if record is None:
            return None
        try:
            return cls(pid=int(record["pid"]), started=str(record["started"]), marker=str(record["marker"]))
        except (KeyError, ValueError):
            return None

    def is_alive(self) -> bool:
        return start_of(self.pid) == self.started

    def signal(self, number: int) -> bool:
        """Send a signal to this very process; False when it is gone."""
        with _process_handle(self.pid) as handle:
            # With a handle on the process, it can't be replaced between this look and the signal.
            if not self.is_alive():
                return False
            try:
                if handle is None:
                    os.kill(self.pid, number)
                else:
                    signal.pidfd_send_signal(handle, number)
            except ProcessLookupError:
                return False
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until it ends, its ports and locks with it; False when it still runs after that time."""
        deadline = time.monotonic() + seconds
        with _process_handle(self.pid) as handle:
            if handle is not None and _look(self.pid).started == self.started:
                poller = select.poll()
                poller.register(handle, select.POLLIN)
                ended = bool(poller.poll(max(0, seconds) * 1000))
            else:
                while (ended := not self.is_alive()) is False and time.monotonic() < deadline:
                    time.sleep(0.02)
        exit_status(self)  # a child of this very process is reaped here
        return ended

    def stop(self, grace: float = 5.0) -> bool:
        """End it: SIGTERM, then SIGKILL after `grace` seconds. False when it was not running."""
        if not self.signal(signal.SIGTERM):
            self.wait(grace)  # it may be on its way out
            return False
        if not self.wait(grace):
            self.signal(signal.SIGKILL)
            self.wait(10)
        return True


def start_daemon(
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str],
    record: Path,
    marker: str = "",
) -> Process:
    """Start a server in a session of its own, its output in `log`, and write down who it is."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(log, "ab", opener=_private) as output:
        child = subprocess.Popen(  # noqa: S603 (the callers' own fixed commands)
            [os.fspath(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
        )
    # A child that ended before this look has no start any more: it is then never alive.
    process = Process(pid=child.pid, started=start_of(child.pid) or "ended", marker=marker)
    process.save(record)
    _children[process] = child
    return process


def find_server(record: Path, marker: str) -> Process | None:
    """The living server that the record names, else the one with this marker, which is then recorded again."""
    process = Process.load(record)
    if process is not None and process.is_alive():
        return process
    for found in find_marked(marker):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(found.pid) == found.pid:  # what it started itself is in its session
                found.save(record)
                return found
    return None


def await_answer(process: Process, ask: Callable[[], T | None], *, name: str, address: str, log: Path) -> T | None:
    """What `ask` brings back; None when the process has ended.

    Raises NotAnswering when it lives and is silent for PATIENCE_SECONDS: busy, stopped, or cut off.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := ask()) is None:
        if process.wait(_PAUSE_SECONDS):
            return None
        if time.monotonic() > deadline:
            raise NotAnswering(
                f"The {name} lives (process {process.pid}) and does not answer at {address}. It may be busy,"
                f" or stopped (`kill -CONT {process.pid}` wakes it): run the command again when it answers. Its"
                f" log is {log}. Nothing was stopped. If it is lost, end it with `kill -9 {process.pid}`, and `up`"
                " starts it anew."
            )
    return answer


def exit_status(process: Process) -> int | None:
    """How a process started by this one ended: its code, or minus the signal. None while it runs."""
    child = _children.get(process)
    return child.poll() if child is not None else None


def find_marked(marker: str) -> list[Process]:
    """The running processes whose command line has `marker` as a word."""
    if not marker:
        return []
    found = []
    for pid in _with_word(marker):
        if pid != os.getpid() and (started := start_of(pid)):
            found.append(Process(pid=pid, started=started, marker=marker))
    return found


def kill_marked(marker: str) -> int:
    """Kill what a dead server left behind; how many there were."""
    left = find_marked(marker)
    for process in left:
        process.signal(signal.SIGKILL)
    for process in left:
        process.wait(5)
    return len(left)


def kill_session(leader: Process) -> int:
    """Kill what is left of the session that the process began, itself included; how many there were."""
    if start_of(leader.pid) not in (None, leader.started):
        return 0  # its id is another's by now, and so the session has ended
    left = []
    for pid in _pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader.pid and (started := start_of(pid)):
                left.append(Process(pid=pid, started=started))
    for process in left:
        process.signal(signal.SIGKILL)
    for process in left:
        process.wait(5)
    return len(left)


def start_of(pid: int) -> str | None:
    """When the process started, in the system's own words; None when it is gone or a zombie."""
    look = _look(pid)
    return None if look.is_zombie else look.started


@dataclasses.dataclass(frozen=True)
class _Look:
    started: str | None = None
    # One of several threads' process is a zombie from its first thread's end on, and may hold its ports still.
    is_zombie: bool = False


def _look(pid: int) -> _Look:
    if (_PROC / "self" / "stat").exists():
        try:
            stat = (_PROC / str(pid) / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return _Look()
        # The name in brackets may hold spaces; after it come state (field 3) … start time (field 22).
        fields = stat.rpartition(")")[2].split()
        return _Look(f"{_boot()}:{fields[19]}", is_zombie=fields[0] in "ZX")
    state, _, started = _ps("-o", "stat=,lstart=", "-p", str(pid)).strip().partition(" ")
    return _Look(started.strip() or None, is_zombie=state.startswith("Z"))


def _boot() -> str:
    try:
        return (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
    except OSError:
        return ""


def _pids() -> list[int]:
    if (_PROC / "self" / "stat").exists():
        return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [int(line) for line in _ps("-ax", "-o", "pid=").split()]


def _with_word(word: str) -> Iterator[int]:
    if (_PROC / "self" / "cmdline").exists():
        wanted = f"\0{word}\0".encode()
        for pid in _pids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                if wanted in b"\0" + (_PROC / str(pid) / "cmdline").read_bytes() + b"\0":
                    yield pid
        return
    for line in _ps("-axww", "-o", "pid=,args=").splitlines():
        number, _, command = line.strip().partition(" ")
        if f" {word} " in f" {command} ":
            yield int(number)


def _ps(*arguments: str) -> str:
    command = ["ps", *arguments]
    # In one fixed zone and language: the start time that it prints is compared with an earlier one.
    env = {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env).stdout  # noqa: S603


@contextlib.contextmanager
def _process_handle(pid: int) -> Iterator[int | None]:
    handle = None
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


_children: dict[Process, subprocess.Popen[bytes]] = {}
