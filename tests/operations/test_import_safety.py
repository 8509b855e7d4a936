"""Whatever a file, a disk or the cloud does: nothing is sent twice or lost, and nobody's file is touched."""

import errno
import json
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings

from command_line import boundary
from handlers.shared.rut import check_character
from operations import cli, importing
from operations.csv_records import CsvReader
from operations.errors import OperationsError
from operations.journal import Journal
from operations.rejects import Rejects
from tests.operations.hostile_files import FIELDS, LINE, csv_files
from tests.operations.import_on_fakes import FakeCloud
from tests.operations.leads import csv_file, new_leads
from tests.stack import new_lead

Run = Callable[..., Any]


def test_interrupt_while_the_bus_refuses_takes_the_notes_back(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        tries.append(len(Entries))
        os.kill(os.getpid(), signal.SIGINT)
        return {"Entries": [{"ErrorCode": "ThrottlingException"} for _ in Entries]}

    monkeypatch.setattr(fake, "put_events", refuse)
    monkeypatch.setattr(importing, "_FIRST_PAUSE", 10_000.0)
    said = run_on_fake(csv_file(tmp_path / "leads.csv", new_leads(15)), exits=boundary.INTERRUPTED)
    assert "carries on" in said["error"]
    assert (fake.notes, fake.events, tries) == ({}, [], [10])


def test_those_that_the_bus_took_are_written_down_when_it_refuses_the_others(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = fake.put_events

    def halve(Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        half = len(Entries) // 2
        taken = take(Entries[:half])["Entries"] if half else []
        return {"Entries": [*taken, *({"ErrorCode": "ThrottlingException"} for _ in Entries[half:])]}

    monkeypatch.setattr(importing, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(fake, "put_events", halve)
    file = csv_file(tmp_path / "leads.csv", new_leads(10))
    assert "did not take 1 leads" in run_on_fake(file, exits=1)["error"]
    assert fake.stuck() == []
    monkeypatch.setattr(fake, "put_events", take)
    assert run_on_fake(file)["counts"] == {"known": 9, "sent": 1}
    assert len(fake.events) == len(set(fake.events)) == 10


@pytest.mark.parametrize("method", ["put_item", "put_events"])
def test_a_cloud_that_goes_away_leaves_no_note_and_is_told(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    as_before = getattr(fake, method)
    calls = []

    def fail(**arguments: Any) -> Any:
        calls.append(method)
        if len(calls) > (13 if method == "put_item" else 1):
            raise EndpointConnectionError(endpoint_url="http://there")
        return as_before(**arguments)

    monkeypatch.setattr(fake, method, fail)
    file = csv_file(tmp_path / "leads.csv", new_leads(25))
    assert "can't be reached" in run_on_fake(file, exits=1)["error"]
    assert (len(fake.events), fake.stuck()) == (10, [])
    monkeypatch.setattr(fake, method, as_before)
    assert run_on_fake(file)["counts"] == {"known": 10, "sent": 15}
    assert len(set(fake.events)) == 25


def test_notes_that_cannot_be_taken_back_are_counted_and_the_next_run_sends_them(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="http://there")

    as_before = fake.put_events
    monkeypatch.setattr(fake, "put_events", away)
    monkeypatch.setattr(fake, "delete_item", away)
    file = csv_file(tmp_path / "leads.csv", new_leads(3))
    error = run_on_fake(file, exits=1)["error"]
    assert "3 leads are noted there as SUBMITTED" in error
    assert "dismiss" in error
    monkeypatch.setattr(fake, "put_events", as_before)
    assert run_on_fake(file)["counts"] == {"sent": 3}
    assert fake.stuck() == []


def test_nothing_is_sent_or_written_when_a_late_row_is_not_utf8(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "leads.csv", new_leads(400) + new_leads(1, mail="nobody"))
    data = file.read_bytes() + b"Nu\xf1ez,x\r\n"
    file.write_bytes(data)
    for words in ([], ["--dry-run"]):
        error = run_on_fake(file, *words, exits=1)["error"]
        assert f"byte 0xF1 in line 403 (byte offset {data.index(0xF1)})" in error
    assert (fake.notes, fake.events) == ({}, [])
    assert list(tmp_path.iterdir()) == [file]


def test_a_pipe_is_refused_with_a_sentence(run_on_fake: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "leads.csv"
    os.mkfifo(pipe)
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    for path in (pipe, folder, Path("-")):
        assert "save the rows to a file" in run_on_fake(path, exits=1)["error"]


def test_a_reject_file_that_somebody_corrects_is_never_touched(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "leads.csv", [*new_leads(2), *new_leads(2, mail="nobody")])
    first = Path(run_on_fake(file, exits=1)["rejectFile"])
    assert first.name == "leads.rejected-1.csv"
    assert run_on_fake(file, exits=1)["rejectFile"] == str(first), "it says the same"
    corrected = first.read_text().replace("nobody", "a@example.com", 1)
    first.write_text(corrected)
    second = Path(run_on_fake(file, exits=1)["rejectFile"])
    assert second.name == "leads.rejected-2.csv"
    answer = run_on_fake(first, exits=1)
    assert answer["counts"] == {"sent": 1, "rejected": 1}
    third = Path(answer["rejectFile"])
    assert third.name == "leads.rejected-3.csv"
    assert first.read_text() == corrected
    third.write_text(third.read_text().replace("nobody", "b@example.com"))
    assert run_on_fake(third)["counts"] == {"sent": 1}
    assert len(set(fake.events)) == 4


def test_a_row_of_a_broken_quote_is_corrected_in_the_reject_file(run_on_fake: Run, tmp_path: Path) -> None:
    file = csv_file(tmp_path / "leads.csv", new_leads(5, name="Ana"))
    lines = file.read_text().splitlines(keepends=True)
    lines[2] = '"' + lines[2]
    file.write_text("".join(lines))
    answer = run_on_fake(file, exits=1)
    assert answer["counts"] == {"sent": 4, "rejected": 1}
    rejects = Path(answer["rejectFile"])
    assert run_on_fake(rejects, exits=1)["counts"] == {"rejected": 1}, "it is not corrected yet"
    rejects.write_text(rejects.read_text().replace('"""Ana', '"Ana'))
    assert run_on_fake(rejects)["counts"] == {"sent": 1}


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_cannot_take_the_rejects_stops_it_before_anything_is_sent(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def full(_self: Rejects, file: Any) -> None:
        file.write(b"half")
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(Rejects, "_copy", full)
    file = csv_file(tmp_path / "leads.csv", [*new_leads(12), *new_leads(1, mail="nobody")])
    said = run_on_fake(file, exits=1)["error"]
    assert os.strerror(error) in said
    assert "Nothing was sent" in said
    assert (fake.events, list(tmp_path.glob("*.rejected*"))) == ([], [])


@pytest.mark.parametrize("mail", ["somebody@example.com", "nobody"])
def test_a_disk_that_cannot_take_what_is_judged_stops_it_before_anything_is_sent(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mail: str
) -> None:
    monkeypatch.setattr("operations.files._IN_MEMORY", 1000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    file = csv_file(tmp_path / "leads.csv", new_leads(100, mail=mail))
    assert "TMPDIR" in run_on_fake(file, exits=1)["error"]
    assert (fake.notes, list(tmp_path.iterdir())) == ({}, [file])


def test_a_disk_that_cannot_take_the_journal_is_told_and_no_lead_becomes_two(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = csv_file(tmp_path / "leads.csv", new_leads(25))
    append = Journal._append
    with monkeypatch.context() as patch:
        left = [2]

        def fill(self: Journal, text: str) -> None:
            left[0] -= 1
            append(self, text if left[0] >= 0 else text[: len(text) // 2])
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr(Journal, "_append", fill)
        said = run_on_fake(file, exits=1)["error"]
    assert "No space left" in said
    assert "run the same command again" in said
    assert (len(fake.events), fake.stuck()) == (20, [])
    run_on_fake(file)
    assert len(set(fake.events)) == 25


def test_a_journal_that_cannot_be_made_is_told_before_anything_is_sent(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "leads.csv", [*new_leads(1), *new_leads(1, mail="nobody")])
    for journal in (Path("/proc/none.journal"), tmp_path, tmp_path / "none" / "journal"):
        assert "Give --journal" in run_on_fake(file, "--journal", str(journal), exits=1)["error"]
    assert (fake.events, list(tmp_path.iterdir())) == ([], [file])


def test_the_journal_of_another_stack_or_a_file_of_somebody_stays_as_it_is(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "leads.csv", new_leads(2))
    journal = tmp_path / "journal"
    with Journal(journal, "elsewhere leads") as other:
        other.add(["one"])
    foreign = journal.read_bytes() + b"half a li"
    for content, words in (
        (foreign, "into elsewhere leads"),
        (b"my notes\nand mo", "not an import's"),
        (b"x", "not"),
    ):
        journal.write_bytes(content)
        assert words in run_on_fake(file, "--journal", str(journal), exits=1)["error"]
        assert journal.read_bytes() == content
    assert "not an import's journal" in run_on_fake(file, "--journal", str(file), exits=1)["error"]
    assert fake.events == []


@pytest.mark.parametrize("written_down", [0, 1, 3])
def test_a_journal_of_the_release_before_one_spelling_goes_on_with_its_own_ids(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path, written_down: int
) -> None:
    """It made them of the rows as they stand; what it sent last may not be written down."""
    given = [
        new_lead(rut="10000013-k"),
        new_lead(phone=54545454),
        {name: value for name, value in new_lead(rut="07654321-6").items() if name != "origin"},
    ]
    namespace = uuid.uuid4()
    sent = [
        str(uuid.uuid5(namespace, json.dumps({"origin": "web", **each}, sort_keys=True)))  # as 1.0 did
        for each in given
    ]
    file = tmp_path / "leads.jsonl"
    file.write_text("".join(f"{json.dumps(each)}\n" for each in given))
    header = json.dumps({"namespace": str(namespace), "stack": "nowhere leads"})
    file.with_name("leads.jsonl.journal").write_text("\n".join([header, *sent[:written_down], ""]))
    run_on_fake(file, "--origin", "web")
    assert fake.events == sent[written_down:], "no row is a second lead"
    assert run_on_fake(file, "--origin", "web")["counts"] == {"known": 3}


def test_a_journal_whose_first_line_was_cut_off_begins_anew(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    for content in ("", '{"name', '{"namespace": "0b9c'):
        journal.write_text(content)
        with Journal(journal, "here") as new:
            new.add(["one"])
        with Journal(journal, "here") as again:
            assert again.sent == {"one"}
    journal.write_text("{")
    with Journal(journal, "here"):
        pass
    journal.write_text("[")
    with pytest.raises(OperationsError, match="not an import's journal"):
        Journal(journal, "here")


def test_a_dry_run_judges_alike_and_needs_no_cloud(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = new_lead(wantsBenefit="yes")
    file = csv_file(tmp_path / "leads.csv", [lead, lead, *new_leads(3), *new_leads(2, mail="nobody")])
    with monkeypatch.context() as patch:
        patch.setattr(cli, "find", lambda place: pytest.fail(f"it looked for {place}"))
        dry = run_on_fake(file, "--dry-run", exits=1)
    assert dry["counts"] == {"valid": 4, "known": 1, "rejected": 2}
    assert run_on_fake(file, exits=1)["counts"] == {"sent": 4, "known": 1, "rejected": 2}
    assert len(fake.events) == 4


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(csv_files())
def test_whatever_the_file_holds_a_dry_run_and_two_runs_count_every_record(
    fake: FakeCloud,
    run_on_fake: Run,
    tmp_path_factory: pytest.TempPathFactory,
    file: tuple[str, str, Any],
) -> None:
    text, _, good = file
    path = tmp_path_factory.mktemp("hostile") / "leads.csv"
    path.write_bytes(text.encode())
    records = [each for each in CsvReader(LINE.findall(text), FIELDS, ()).records() if not each.skipped]
    before = len(fake.events)
    code = cli.main(["import", str(path), "--dry-run"])
    dry = run_on_fake(path, "--dry-run", exits=code)["counts"]
    assert sum(dry.values()) == len(records)
    once = run_on_fake(path, exits=code)["counts"]
    assert once == {("sent" if name == "valid" else name): count for name, count in dry.items()}
    assert len(fake.events) - before == len(set(fake.events[before:])) == once.get("sent", 0) >= len(good)
    twice = run_on_fake(path, exits=code)["counts"]
    assert (twice.get("sent", 0), twice.get("rejected", 0)) == (0, once.get("rejected", 0))


def test_rows_that_differ_in_the_spelling_of_the_rut_are_one_lead(
    fake: FakeCloud, run_on_fake: Run, tmp_path: Path
) -> None:
    digits = next(str(number) for number in range(10_000_000, 10_000_100) if check_character(str(number)) == "K")
    lead = new_lead(wantsBenefit="yes", rut=f"{digits}-K")
    file = csv_file(tmp_path / "leads.csv", [lead, {**lead, "rut": f"{digits}-k"}])
    assert run_on_fake(file)["counts"] == {"sent": 1, "known": 1}
    assert len(fake.events) == 1
