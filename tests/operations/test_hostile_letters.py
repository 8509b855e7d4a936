"""What lies in the dead-letter queue was written by anybody: it is listed, and believed in nothing."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.operations.leads import aborted, bury, event_of
from tests.stack import Stack, new_lead, wait_for

Ask = Callable[..., dict[str, Any]]
Run = Callable[..., Any]
REASON = ("--reason", "a test")


def found(ask: Ask, *options: str) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in ask("failed", *options)["findings"]}


def report_of(stack: Stack, execution: str, **detail: str) -> dict[str, Any]:
    """As EventBridge reports an execution that was aborted."""
    machine = stack.outputs["lead_flow_arn"]
    return {
        "id": str(uuid.uuid4()),
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"stateMachineArn": machine, "executionArn": execution, "status": "ABORTED", **detail},
    }


def execution_of(stack: Stack, lead_id: str) -> str:
    key = {"leadId": {"S": lead_id}}
    item = stack.client("dynamodb").get_item(TableName=stack.outputs["lead_table_name"], Key=key)["Item"]
    return str(item["claimedBy"]["S"])


def forget(stack: Stack, lead_id: str) -> None:
    stack.client("dynamodb").delete_item(
        TableName=stack.outputs["lead_table_name"], Key={"leadId": {"S": lead_id}}
    )


def record_of(report: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    return {
        "version": "1.0",
        "timestamp": "2026-11-28T12:00:00.000Z",
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:anybodys:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": report,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "Unavailable", "errorMessage": "alice"},
    }


@pytest.fixture(autouse=True)
def emptied(stack: Stack) -> Iterator[None]:
    yield
    stack.client("sqs").purge_queue(QueueUrl=stack.outputs["dead_letter_queue_url"])


def test_what_catch_errors_could_not_take_is_listed_and_replayed_out_of_lambdas_record(
    stack: Stack, ask: Ask
) -> None:
    lead_id = aborted(stack, new_lead(origin="app"))
    report = report_of(stack, execution_of(stack, lead_id), input="{}")
    forget(stack, lead_id)
    bury(stack, record_of(report))
    entry = found(ask)[report["id"]]
    assert (entry["kind"], entry["error"], entry["replayable"]) == ("dead-letter", "RetriesExhausted", True)
    assert entry["description"] == "the function ended with Unavailable", "its message may quote the payload"
    (outcome,) = ask("replay", report["id"])["outcomes"]
    assert (outcome["id"], outcome["what"]) == (lead_id, "replayed")
    assert found(ask)[lead_id]["error"] == "Execution.ABORTED"
    assert report["id"] not in found(ask)


def test_the_emulator_keeps_an_asynchronous_call_that_fails(stack: Stack, ask: Ask) -> None:
    """As AWS does it for the rule; the emulator's own rules call a function once and forget."""
    function, report = stack.outputs["catch_errors_arn"], {"source": "aws.states", "id": str(uuid.uuid4())}
    report |= {"detail-type": "Step Functions Execution Status Change", "detail": {"status": "ABORTED"}}
    stack.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(report))
    entry = wait_for(lambda: found(ask).get(report["id"]), 40, "Lambda's record of it")
    assert (entry["error"], entry["replayable"]) == ("RetriesExhausted", False)


@pytest.mark.parametrize("target", ["arn:aws:lambda:us-east-1:000000000000:function:somebody-elses", ""])
def test_a_replay_calls_the_stacks_own_function_whatever_a_letter_names(
    stack: Stack, ask: Ask, target: str
) -> None:
    lead_id = aborted(stack, new_lead(origin="app"))
    execution = execution_of(stack, lead_id)
    forget(stack, lead_id)
    report = report_of(stack, execution, input=json.dumps(event_of(new_lead(), "forged")))
    bury(stack, report, **({"TARGET_ARN": target} if target else {}))
    (outcome,) = ask("replay", report["id"])["outcomes"]
    assert (outcome["id"], outcome["what"]) == (lead_id, "replayed"), "the execution's own input counts"
    assert found(ask)[lead_id]["error"] == "Execution.ABORTED"
    assert stack.request("GET", "/leads/forged").status == 404


def test_a_report_that_step_functions_does_not_confirm_is_not_handed_on(stack: Stack, ask: Ask) -> None:
    lead_id = stack.submit(new_lead())
    assert stack.ended(lead_id)["status"] == "COMPLETED"
    for execution in (execution_of(stack, lead_id), execution_of(stack, lead_id) + "-none"):
        report = report_of(stack, execution, input=json.dumps(event_of(new_lead(), lead_id)))
        bury(stack, report)
        (outcome,) = ask("replay", report["id"], exits=1)["outcomes"]
        assert outcome["what"] == "impossible"
        assert report["id"] in found(ask), "it stays where it was"
    assert stack.ended(lead_id)["status"] == "COMPLETED"


@pytest.mark.parametrize(
    "change",
    [
        {"stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:other"},
        {"executionArn": "arn:aws:states:us-east-1:000000000000:execution:other:one"},
        {"executionArn": {"a": 1}},
        {"executionArn": None},
    ],
)
def test_a_report_about_another_state_machine_is_no_report(stack: Stack, ask: Ask, change: Any) -> None:
    ours = stack.outputs["lead_flow_arn"].replace(":stateMachine:", ":execution:") + ":one"
    report = report_of(stack, ours)
    report["detail"] |= change
    bury(stack, report)
    assert not found(ask)[report["id"]]["replayable"]
    assert ask("replay", report["id"], exits=1)["counts"]["impossible"] == 1


def test_letters_that_claim_one_id_are_told_apart(stack: Stack, ask: Ask, run: Run) -> None:
    honest = event_of(new_lead(origin="app"), str(uuid.uuid4()))
    hostile = {**event_of(new_lead(origin="app")), "id": "x", "detail": {"leadId": honest["detail"]["leadId"]}}
    bury(stack, honest, ERROR_CODE="THROTTLED")
    bury(stack, hostile, ERROR_CODE="HOSTILE")
    listed = {each["error"]: each["id"] for each in ask("failed", "--kind", "dead-letter")["findings"]}
    assert len(set(listed.values())) == 2, "both are seen"
    for command in (("replay",), ("dismiss", *REASON)):
        said = run(*command, honest["detail"]["leadId"], exits=1).stderr
        assert "claim this id" in said
        assert listed["HOSTILE"] in said
    ask("dismiss", listed["HOSTILE"], *REASON)
    assert set(found(ask, "--kind", "dead-letter")) == {honest["detail"]["leadId"]}, "the other one is still there"
    ask("replay", honest["detail"]["leadId"], "--wait")
    assert stack.ended(honest["detail"]["leadId"])["status"] == "COMPLETED"


def test_the_same_event_twice_in_the_queue_is_one_letter(stack: Stack, ask: Ask) -> None:
    event = event_of(new_lead(origin="app"))
    for _ in range(2):
        bury(stack, event, ERROR_CODE="THROTTLED")
    assert [each["id"] for each in ask("failed", "--kind", "dead-letter")["findings"]] == [event["id"]]
    ask("dismiss", event["id"], *REASON)
    assert found(ask, "--kind", "dead-letter") == {}


def test_a_letter_with_the_id_of_a_failed_lead_hides_neither(stack: Stack, ask: Ask) -> None:
    lead_id = aborted(stack, new_lead(origin="app"))
    bury(stack, {**event_of(new_lead(origin="app"), lead_id), "id": "x"}, ERROR_CODE="HOSTILE")
    listed = {each["error"]: each["id"] for each in ask("failed")["findings"]}
    assert listed["Execution.ABORTED"] == lead_id
    assert listed["HOSTILE"] != lead_id
    ask("dismiss", lead_id, *REASON)
    assert listed["HOSTILE"] in found(ask), "the lead was meant"


def test_an_event_with_another_leads_id_is_listed_and_left_alone_until_it_is_named(stack: Stack, ask: Ask) -> None:
    lead_id = stack.submit(new_lead())
    assert stack.ended(lead_id)["status"] == "COMPLETED"
    event_id = stack.put_event({**new_lead(origin="app"), "leadId": lead_id})
    entry = wait_for(lambda: found(ask).get(event_id), 30, "the event in the queue")
    assert (entry["kind"], entry["error"]) == ("dead-letter", "IdOfAnotherLead")
    outcomes = {each["id"]: each["what"] for each in ask("replay", "--kind", "dead-letter")["outcomes"]}
    assert outcomes[event_id] == "unchanged"
    assert ask("dismiss", event_id, *REASON)["dismissed"] == [event_id]
    assert event_id not in found(ask)
    assert stack.ended(lead_id)["status"] == "COMPLETED"


MALFORMED = [
    "[]",
    "null",
    '{"detail": {}}',
    json.dumps({"id": {"a": 1}, "source": "leadbridge.app", "detail-type": "LeadReceived", "detail": {}}),
    json.dumps({"id": "1", "source": ["leadbridge.app"], "detail-type": "LeadReceived", "detail": {}}),
    json.dumps({"id": "1", "source": "leadbridge.app", "detail-type": 5, "detail": {}}),
    json.dumps({"id": "1", "source": "leadbridge.a", "detail-type": "LeadReceived", "detail": {}, "resources": 5}),
    '{"id": "1", "source": "leadbridge.app", "detail-type": "LeadReceived", "detail": {"a": NaN}}',
    f'{{"id": "1", "source": "x", "detail-type": "LeadReceived", "detail": {{"a": {"[" * 999}{"]" * 999}}}}}',
    '{"requestContext": {"condition": {"a": 1}}, "requestPayload": 7}',
    '{"requestContext": {}, "responsePayload": []}',
]


@pytest.mark.parametrize("lead_id", [{"S": "x"}, "no id", None])
def test_a_letter_whose_lead_id_is_none_is_followed_by_the_id_that_its_lead_gets(
    stack: Stack, ask: Ask, lead_id: object
) -> None:
    bury(stack, event_of(new_lead()) | {"detail": {**new_lead(), "leadId": lead_id}})
    answer = ask("replay", "--all", "--kind", "dead-letter", "--wait", exits=1)
    (outcome,) = answer["outcomes"]
    assert found(ask)[outcome["id"]]["error"] == "InvalidLead"


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_a_message_of_no_known_form_is_listed_by_its_own_id_and_stops_nothing(
    stack: Stack, ask: Ask, body: str
) -> None:
    lead = event_of(new_lead(origin="app"))
    bury(stack, body)
    bury(stack, lead, ERROR_CODE="THROTTLED")
    (other,) = set(found(ask, "--kind", "dead-letter")) - {lead["id"]}
    outcomes = ask("replay", "--kind", "dead-letter", exits=1)["outcomes"]
    assert {each["id"]: each["what"] for each in outcomes} == {other: "impossible", lead["id"]: "replayed"}
    assert ask("dismiss", other, *REASON)["dismissed"] == [other]


STEERING = "\x1b[2J\x1b]0;owned\x07\u202e\r\n\ud800\x9b1A"


def test_what_a_letter_says_can_not_steer_the_terminal(stack: Stack, ask: Ask, run: Run) -> None:
    bury(stack, {"id": STEERING, "source": STEERING, "detail-type": STEERING, "detail": {}})
    bury(stack, {**event_of(new_lead(origin="app")), "id": STEERING, "detail": {"leadId": STEERING}})
    lines = run("failed", "--kind", "dead-letter").stdout.splitlines()
    assert len(lines) == 4, "one for each, their number, and what to do"
    for words in (("failed",), ("replay", "--kind", "dead-letter", "--dry-run"), ("failed", "--json")):
        said = run(*words, exits=1 if words[0] == "replay" else 0)
        assert not [each for each in said.stdout + said.stderr if each != "\n" and not each.isprintable()]
    for finding in ask("failed", "--kind", "dead-letter")["findings"]:
        assert ask("dismiss", finding["id"], *REASON)["dismissed"] == [finding["id"]]


def test_a_stack_of_an_earlier_version_says_what_to_do(stack: Stack, tmp_path: Path, run: Run) -> None:
    lead_id = aborted(stack, new_lead(origin="app"))
    report = report_of(stack, execution_of(stack, lead_id))
    bury(stack, report)
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({k: v for k, v in stack.outputs.items() if k != "catch_errors_arn"}))
    said = run("replay", report["id"], exits=1, place=("--outputs", str(outputs))).stderr
    assert "lack catch_errors_arn" in said
    assert "Deploy it with this version" in said
