"""What failed is listed with its reason and brought through, once, however often it is asked for."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack import Stack, new_lead, wait_for

Ask = Callable[..., dict[str, Any]]


def event_of(lead: dict[str, Any], lead_id: str | None = None) -> dict[str, Any]:
    """As EventBridge delivers it."""
    detail = {**lead, **({"leadId": lead_id} if lead_id else {})}
    source, detail_type = f"leadbridge.{lead['origin']}", "LeadReceived"
    return {"id": str(uuid.uuid4()), "source": source, "detail-type": detail_type, "detail": detail}


def aborted(stack: Stack, lead: dict[str, Any]) -> str:
    """A valid lead whose execution was aborted before it did anything; its id."""
    lead_id = str(uuid.uuid4())
    flow = stack.client("stepfunctions")
    started = flow.start_execution(
        stateMachineArn=stack.outputs["lead_flow_arn"], input=json.dumps(event_of(lead, lead_id))
    )
    flow.stop_execution(executionArn=started["executionArn"])
    assert stack.ended(lead_id)["status"] == "FAILED"
    return lead_id


def bury(stack: Stack, event: Any, **attributes: str) -> None:
    """Put an event into the dead-letter queue as EventBridge does."""
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs["dead_letter_queue_url"],
        MessageBody=event if isinstance(event, str) else json.dumps(event),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def found(ask: Ask, *options: str) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in ask("failed", *options)["findings"]}


def executions(stack: Stack, lead_id: str) -> list[str]:
    """Names of the executions whose input names the lead."""
    flow = stack.client("stepfunctions")
    listed = flow.list_executions(stateMachineArn=stack.outputs["lead_flow_arn"])["executions"]
    inputs = {each["name"]: flow.describe_execution(executionArn=each["executionArn"])["input"] for each in listed}
    return [name for name, text in inputs.items() if lead_id in text]


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
    assert "Say what to replay" in run("replay", *words, exits=1).stderr
