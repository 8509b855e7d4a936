"""What failed is listed with its reason and brought through, once, however often it is asked for."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from operations.executions import Execution
from operations.leads import Lead
from operations.replay import Replayer
from tests.operations.leads import aborted, bury, event_of, executions, held_up, lost, submitted
from tests.stack import Stack, new_lead, wait_for

Ask = Callable[..., dict[str, Any]]


def found(ask: Ask, *options: str) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in ask("failed", *options)["findings"]}


def test_a_failed_lead_is_listed_with_its_reason_and_replayed_to_its_end(stack: Stack, ask: Ask) -> None:
    lead = new_lead(origin="app")
    lead_id = aborted(stack, lead)
    entry = found(ask)[lead_id]
    assert (entry["kind"], entry["state"], entry["error"]) == ("failed", "LeadFlow", "Execution.ABORTED")
    assert ask("replay", lead_id, "--wait")["counts"]["replayed"] == 1
    assert lead_id not in found(ask)
    assert {table: len(rows) for table, rows in stack.rows_of(lead["rut"]).items()} == {
        "CLIENTS": 1,
        "PARTNER": 1,
        "BENEFIT": 1,
    }


def test_a_dry_run_changes_nothing(stack: Stack, ask: Ask) -> None:
    lead_id = aborted(stack, new_lead(origin="app"))
    before = executions(stack, lead_id)
    assert [each["what"] for each in ask("replay", lead_id, "--dry-run")["outcomes"]] == ["replayed"]
    assert executions(stack, lead_id) == before
    assert lead_id in found(ask)


def test_a_second_replay_changes_nothing(stack: Stack, ask: Ask) -> None:
    lead_id = aborted(stack, new_lead(origin="app"))
    ask("replay", lead_id, "--wait")
    before = executions(stack, lead_id)
    (outcome,) = ask("replay", lead_id)["outcomes"]
    assert (outcome["what"], outcome["note"]) == ("unchanged", "it is COMPLETED")
    assert executions(stack, lead_id) == before


def test_two_operators_at_once_start_one_execution(
    stack: Stack, ask: Ask, start: Callable[..., subprocess.Popen]
) -> None:
    lead = new_lead(origin="app")
    lead_id = aborted(stack, lead)
    with held_up(stack, lead["rut"]):
        processes = [start("replay", lead_id, "--json") for _ in range(2)]
        counts = [json.loads(process.communicate(timeout=50)[0])["counts"] for process in processes]
    assert sorted((each["replayed"], each["unchanged"]) for each in counts) == [(0, 1), (1, 0)]
    assert stack.ended(lead_id)["status"] in ("FAILED", "COMPLETED")
    ended = wait_for(
        lambda: ask("status", lead_id) if ask("status", lead_id)["status"] == "COMPLETED" else None, 40, "it"
    )
    assert ended["step"] == "benefit"
    assert len(executions(stack, lead_id)) == 2, "the aborted one and its replay"


def test_thousands_of_failed_leads_are_listed_to_the_last(stack: Stack, ask: Ask, run: Callable[..., Any]) -> None:
    table, client = stack.outputs["lead_table_name"], stack.client("dynamodb")
    lead_ids = [f"many-{number:04}" for number in range(1_500)]

    def write(requests: list[dict[str, Any]]) -> None:
        for at in range(0, len(requests), 25):
            answer = client.batch_write_item(RequestItems={table: requests[at : at + 25]})
            assert not answer["UnprocessedItems"]

    def item(lead_id: str) -> dict[str, Any]:
        texts = {
            "leadId": lead_id,
            "status": "FAILED",
            "step": "received",
            "failed": "yes",
            "updatedAt": f"2020-01-01T00:00:00.{lead_id[-3:]}Z",
            "payload": "x" * 2_000,
        }
        error = {"step": {"S": "CreateClient"}, "code": {"S": "CrmUnavailable"}, "description": {"S": "no answer"}}
        return {name: {"S": value} for name, value in texts.items()} | {"error": {"M": error}}

    write([{"PutRequest": {"Item": item(lead_id)}} for lead_id in lead_ids])
    try:
        listed = ask("failed", "--kind", "failed", "--until", "2020-01-02")
        assert {each["id"] for each in listed["findings"]} == set(lead_ids)
        assert ask("failed", "--until", "2020-01-02", "--state", "CreatePartner")["findings"] == []
        some = ask("failed", "--kind", "failed", "--since", "2020-01-01T00:00:00.900", "--until", "2020-01-02")
        assert len(some["findings"]) == 100
    finally:
        write([{"DeleteRequest": {"Key": {"leadId": {"S": lead_id}}}} for lead_id in lead_ids])


def test_a_dead_letter_is_listed_again_and_again_and_replayed_once(stack: Stack, ask: Ask) -> None:
    lead = new_lead(origin="app")
    event = event_of(lead)
    bury(stack, event, ERROR_CODE="THROTTLED", ERROR_MESSAGE="too many executions")
    for _ in range(2):
        entry = found(ask)[event["id"]]
        assert (entry["kind"], entry["error"]) == ("dead-letter", "THROTTLED"), "listing loses nothing"
    ask("replay", event["id"], "--wait")
    assert event["id"] not in found(ask)
    assert stack.ended(event["id"])["status"] == "COMPLETED", (
        "the lead has the id that its event would have given it"
    )


def test_a_lead_whose_execution_is_gone_is_stuck_and_brought_through(stack: Stack, ask: Ask) -> None:
    lead = new_lead(origin="app")
    lead_id = lost(stack, lead)
    assert lead_id not in found(ask), "it may still move"
    entry = found(ask, "--stuck-after", "0")[lead_id]
    assert (entry["kind"], entry["error"], entry["replayable"]) == ("stuck", "Execution.ABORTED", True)
    assert "replay" in ask("status", lead_id)["next"]
    assert ask("replay", lead_id, "--wait")["counts"]["replayed"] == 1
    assert stack.ended(lead_id)["status"] == "COMPLETED"
    assert lead_id not in found(ask, "--stuck-after", "0")


def test_a_lead_whose_execution_runs_is_left_alone(stack: Stack, ask: Ask) -> None:
    lead = new_lead(origin="app")
    lead_id = aborted(stack, lead)
    with held_up(stack, lead["rut"]):
        ask("replay", lead_id)
        wait_for(
            lambda: ask("status", lead_id)["status"] == "PROCESSING" or None, 20, "the replay to claim the lead"
        )
        entry = found(ask, "--stuck-after", "0")[lead_id]
        assert (entry["error"], entry["replayable"]) == ("StillRunning", False)
        for words in ([lead_id], ["--state", "LeadFlow", "--error", "StillRunning", "--stuck-after", "0"]):
            assert {each["what"] for each in ask("replay", *words)["outcomes"]} == {"unchanged"}
    assert stack.ended(lead_id)["status"] == "COMPLETED"
    assert len(executions(stack, lead_id)) == 2


def test_a_lead_that_never_started_is_stuck_with_a_way_out(stack: Stack, ask: Ask) -> None:
    lead_id = submitted(stack)
    entry = found(ask)[lead_id]
    assert (entry["kind"], entry["error"]) == ("stuck", "NotStarted")
    assert "archive" in entry["description"]


def test_an_event_that_is_no_lead_stays_in_the_queue_with_the_reason(stack: Stack, ask: Ask) -> None:
    event_id = stack.put_event({"marker": 1}, source="somebody.else")
    entry = wait_for(lambda: found(ask).get(event_id), 20, "the stray event in the queue")
    assert not entry["replayable"]
    assert "somebody.else" in entry["description"]
    (outcome,) = ask("replay", event_id, exits=1)["outcomes"]
    assert outcome["what"] == "impossible"
    assert event_id in found(ask)


@pytest.mark.parametrize("words", [[], ["x", "--all"], ["--all", "x"]])
def test_what_to_replay_has_to_be_said(run: Callable[..., Any], words: list[str]) -> None:
    assert "Say what to replay" in run("replay", *words, exits=2).stderr


def test_a_rate_of_nothing_is_refused(run: Callable[..., Any]) -> None:
    assert "not a number from" in run("replay", "--all", "--rate", "0", exits=2).stderr


def test_a_lead_that_moves_on_while_it_is_looked_at_is_left_alone(
    stack: Stack, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = lost(stack, new_lead(origin="app"))
    before = executions(stack, lead_id)

    def taken_meanwhile(self: Replayer, lead: Lead, execution: Execution) -> Lead:
        return replace(lead, execution="arn:aws:states:us-east-1:000000000000:execution:flow:another")

    monkeypatch.setattr(Replayer, "_released", taken_meanwhile)
    (outcome,) = ask("replay", lead_id)["outcomes"]
    assert outcome["what"] == "unchanged"
    assert executions(stack, lead_id) == before
