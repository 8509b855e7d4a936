"""An import that is interrupted, killed, or run twice at once: nothing is sent twice, and nothing is lost."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.operations.import_on_fakes import FakeCloud
from tests.operations.leads import csv_file, new_leads
from tests.stack import ROOT, wait_for

LEADS = 25
INTERRUPTED = 130
POINTS = [
    "judge:3",
    "note:4",
    "put:1",
    "taken:1",
    "journal:1",
    "note:13",
    "put:2",
    "taken:2",
    "put:3",
    "journal:3",
]


class Process:
    """An import on a fake cloud, in a process of its own."""

    def __init__(self, folder: Path, file: Path, *words: str, point: str = "") -> None:
        self.state = folder / "cloud"
        for mark in (".reached", ".go"):
            Path(f"{self.state}{mark}").unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.operations.import_on_fakes", str(self.state), point]
        self._process = subprocess.Popen(
            [*command, "import", str(file), "--rate", "100000", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_reached(self) -> None:
        wait_for(lambda: Path(f"{self.state}.reached").exists() or None, 60, "the point")

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def go(self) -> None:
        Path(f"{self.state}.go").touch()

    def end(self, exits: int) -> str:
        """What it said."""
        said = "".join(self._process.communicate(timeout=90))
        assert self._process.returncode == exits, said
        assert "Traceback" not in said
        return said

    @property
    def cloud(self) -> FakeCloud:
        return FakeCloud(self.state)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(file: Path, *words: str, point: str = "") -> Process:
        started.append(Process(tmp_path, file, *words, point=point))
        return started[-1]

    yield begin
    for each in started:
        each._process.kill()
        each._process.communicate()


@pytest.mark.parametrize(
    ("point", "number"),
    [
        *((point, signal.SIGINT) for point in POINTS),
        *(
            (point, number)
            for number in (signal.SIGTERM, signal.SIGHUP)
            for point in ("judge:3", "note:4", "put:2")
        ),
    ],
)
def test_interrupt_wherever_it_comes_and_twice_leaves_no_note_and_the_next_run_sends_the_rest_once(
    start: Callable[..., Process], tmp_path: Path, point: str, number: signal.Signals
) -> None:
    file = csv_file(tmp_path / "leads.csv", new_leads(LEADS))
    process = start(file, point=point)
    process.wait_until_reached()
    process.signal(number)
    process.signal(signal.SIGINT)
    process.go()
    assert "carries on" in process.end(INTERRUPTED)
    assert process.cloud.stuck() == []
    before = len(process.cloud.events)
    assert before % 10 == 0 or before == LEADS
    again = start(file)
    again.end(0)
    assert len(again.cloud.events) == len(set(again.cloud.events)) == LEADS
    assert again.cloud.stuck() == []


@pytest.mark.parametrize("point", POINTS)
def test_kill_9_wherever_it_comes_the_next_run_of_the_same_file_brings_every_lead_through(
    start: Callable[..., Process], tmp_path: Path, point: str
) -> None:
    file = csv_file(tmp_path / "leads.csv", new_leads(LEADS))
    process = start(file, point=point)
    process.wait_until_reached()
    process.signal(signal.SIGKILL)
    process.end(-signal.SIGKILL)
    again = start(file)
    again.end(0)
    assert len(set(again.cloud.events)) == LEADS, "the same leads by the same ids"
    assert again.cloud.stuck() == []


def test_interrupt_while_it_waits_for_its_rate_ends_it_at_once(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "leads.csv", new_leads(LEADS))
    process = start(file, "--rate", "0.01")
    journal = tmp_path / "leads.csv.journal"
    wait_for(lambda: (journal.exists() and len(journal.read_text().splitlines()) == 11) or None, 60, "ten leads")
    process.signal(signal.SIGINT)
    assert "carries on" in process.end(INTERRUPTED)
    assert (len(process.cloud.events), process.cloud.stuck()) == (10, [])


def test_a_file_that_changes_while_it_is_sent_stops_the_import(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    leads = new_leads(LEADS)
    file = csv_file(tmp_path / "leads.csv", leads)
    process = start(file, point="put:1")
    process.wait_until_reached()
    more = csv_file(tmp_path / "new.csv", [*leads, *new_leads(5)])
    more.replace(file)
    process.go()
    assert "has changed" in process.end(1)
    assert len(process.cloud.events) == 10
    again = start(file)
    again.end(0)
    assert len(again.cloud.events) == len(set(again.cloud.events)) == LEADS + 5


def test_two_imports_of_a_file_at_once_send_it_once(start: Callable[..., Process], tmp_path: Path) -> None:
    file = csv_file(tmp_path / "leads.csv", [*new_leads(LEADS), *new_leads(1, mail="nobody")])
    first = start(file, point="put:2")
    first.wait_until_reached()
    command = [sys.executable, "-m", "tests.operations.import_on_fakes", str(tmp_path / "other"), "", "import"]
    second = subprocess.run(
        [*command, str(file)], cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
    )
    assert second.returncode == 1
    assert "another import of this file runs" in second.stderr
    assert not (tmp_path / "other").exists()
    first.go()
    first.end(1)
    assert len(first.cloud.events) == len(set(first.cloud.events)) == LEADS
    assert len(list(tmp_path.glob("*.rejected-*"))) == 1
