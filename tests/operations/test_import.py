"""A file of leads is sent once, whatever interrupts it and however often it is run again."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operations.errors import OperationsError
from operations.journal import Journal
from tests.operations.leads import csv_file, executions
from tests.stack import Stack, new_lead, wait_for

Ask = Callable[..., dict[str, Any]]


def json_lines(path: Path, leads: list[Any]) -> Path:
    path.write_text("".join(each if isinstance(each, str) else json.dumps(each) + "\n" for each in leads))
    return path


def sent(journal: Path) -> list[str]:
    return journal.read_text().splitlines()[1:]


def test_every_row_becomes_one_lead_and_a_second_run_sends_none(stack: Stack, ask: Ask, tmp_path: Path) -> None:
    leads = [new_lead(name='Ñandú; "秀英"', wantsBenefit="sí"), new_lead(wantsBenefit="no", phone="+56912345678")]
    path = csv_file(tmp_path / "leads.csv", leads, delimiter=";")
    first = ask("import", str(path))
    assert first["counts"] == {"sent": 2}
    lead_ids = sent(Path(first["journal"]))
    assert [stack.ended(lead_id)["status"] for lead_id in lead_ids] == ["COMPLETED", "COMPLETED"]
    assert stack.rows_of(leads[0]["rut"])["CLIENTS"][0][0] == leads[0]["name"]
    assert [stack.rows_of(lead["rut"])["BENEFIT"] for lead in leads] == [((1,),), ((0,),)]
    assert ask("import", str(path))["counts"] == {"known": 2}
    assert len(executions(stack, lead_ids[0])) == 1


def test_a_run_whose_journal_lost_its_last_lines_sends_the_same_leads_again_to_no_effect(
    stack: Stack, ask: Ask, tmp_path: Path
) -> None:
    path = json_lines(tmp_path / "leads.jsonl", [lead := new_lead()])
    journal = Path(ask("import", str(path))["journal"])
    (lead_id,) = sent(journal)
    stack.ended(lead_id)
    text = journal.read_text()
    journal.write_text(text[:-10])
    assert ask("import", str(path))["counts"] == {"sent": 1}
    assert sent(journal) == [lead_id], "the same lead, not another one"
    wait_for(lambda: len(executions(stack, lead_id)) == 2 or None, 20, "the second event")
    assert stack.ended(lead_id)["status"] == "COMPLETED"
    assert len(stack.rows_of(lead["rut"])["CLIENTS"]) == 1


def test_rows_that_are_no_leads_are_told_with_line_and_reason_and_the_others_are_sent(
    stack: Stack, ask: Ask, tmp_path: Path
) -> None:
    path = json_lines(
        tmp_path / "leads.jsonl",
        [
            new_lead(),
            "{not json\n",
            "\n",
            new_lead(rut="11111111-2"),
            [1],
            new_lead(extra="x"),
            "[" * 5000 + "]" * 5000 + "\n",
        ],
    )
    answer = ask("import", str(path), exits=1)
    assert answer["counts"] == {"sent": 1, "rejected": 5}
    rejected = [json.loads(line) for line in Path(answer["rejectFile"]).read_text().splitlines()]
    assert [each["_line"] for each in rejected] == [2, 4, 5, 6, 7]
    reasons = [each["_reason"] for each in rejected]
    for reason, words in zip(reasons, ("JSON", "rut:", "object", "unknown", "nested"), strict=True):
        assert words in reason
    assert Path(answer["rejectFile"]).stat().st_mode & 0o077 == 0, "it holds personal data"
    dry = ask("import", str(path), "--dry-run", exits=1)
    assert (dry["counts"], [each["reason"] for each in dry["rejected"]]) == ({"valid": 1, "rejected": 5}, reasons)


def test_a_corrected_reject_file_can_be_imported(stack: Stack, ask: Ask, tmp_path: Path) -> None:
    lead = new_lead()
    path = csv_file(tmp_path / "leads.csv", [{**lead, "mail": "nobody"}])
    rejects = Path(ask("import", str(path), exits=1)["rejectFile"])
    rejects.write_text(rejects.read_text().replace("nobody", "somebody@example.com"))
    answer = ask("import", str(rejects))
    assert answer["counts"] == {"sent": 1}
    assert stack.ended(*sent(Path(answer["journal"])))["status"] == "COMPLETED"


def test_a_dry_run_writes_and_sends_nothing(ask: Ask, tmp_path: Path) -> None:
    path = csv_file(tmp_path / "leads.csv", [new_lead(), new_lead(rut="1-1")])
    ask("import", str(path), "--dry-run", exits=1)
    assert list(tmp_path.iterdir()) == [path]


def test_an_import_that_is_interrupted_carries_on(
    stack: Stack, ask: Ask, start: Callable[..., subprocess.Popen], tmp_path: Path
) -> None:
    path = csv_file(tmp_path / "leads.csv", [new_lead() for _ in range(45)])
    journal = tmp_path / "leads.csv.journal"
    process = start("import", str(path), "--rate", "20")
    wait_for(lambda: True if journal.exists() and sent(journal) else None, 40, "the first leads to be sent")
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=30)
    assert process.returncode == 130, said + errors
    assert "carries on" in errors
    before = len(sent(journal))
    assert 0 < before < 45
    again = ask("import", str(path), "--rate", "200")
    assert again["counts"] == {"known": before, "sent": 45 - before}
    assert {stack.ended(lead_id)["status"] for lead_id in sent(journal)} == {"COMPLETED"}
    assert len(set(sent(journal))) == 45


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("leads.csv", "name,lastname,rut\nx,y,z\n", "lacks phone"),
        ("leads.csv", "", "lacks name"),
        ("leads.csv", "name,lastname,rut,phone,mail,store,wantsBenefit\n", "--origin"),
        ("leads.csv", "name,name,lastname,rut,phone,mail,store,wantsBenefit,origin,fax\n", "unknown fax"),
        ("leads.xlsx", "x", "rename it"),
    ],
)
def test_a_file_that_is_no_list_of_leads_is_refused_before_anything_is_sent(
    run: Callable[..., subprocess.CompletedProcess], tmp_path: Path, name: str, text: str, words: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    for more in ([], ["--dry-run"]):
        assert words in run("import", str(path), *more, exits=1).stderr


def test_a_file_in_another_encoding_is_refused(
    run: Callable[..., subprocess.CompletedProcess], tmp_path: Path
) -> None:
    path = csv_file(tmp_path / "leads.csv", [new_lead(name="x")])
    path.write_bytes(path.read_bytes().replace(b"\r\nx", b"\r\n\xd1and\xfa"))
    assert "UTF-8" in run("import", str(path), "--dry-run", exits=1).stderr
    assert "can't be read" in run("import", str(tmp_path / "none.csv"), "--dry-run", exits=1).stderr


def test_two_imports_of_a_file_at_once_are_one_too_many(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path, "here"), pytest.raises(OperationsError, match="another import"):
        Journal(path, "here")
    with Journal(path, "here"):
        pass


def test_a_journal_belongs_to_its_stack(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path, "here") as journal:
        journal.add(["one"])
    with pytest.raises(OperationsError, match="into here"):
        Journal(path, "there")
    path.write_text("something else\n")
    with pytest.raises(OperationsError, match="not an import's journal"):
        Journal(path, "here")
    assert path.read_text() == "something else\n"
