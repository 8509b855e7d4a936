"""A lead becomes rows in the CRM, whichever way it comes in."""

import json
import uuid
from io import StringIO

import pytest

from local_cloud import samples
from tests.stack import Stack, new_lead, wait_for


def test_a_lead_from_the_form_becomes_one_client_one_partner_and_one_benefit(stack: Stack) -> None:
    lead = new_lead(name="Ñandú 秀英", phone=54545454)
    status = stack.ended(stack.submit(lead))
    assert (status["status"], status["step"]) == ("COMPLETED", "benefit")
    assert stack.rows_of(lead["rut"]) == {
        "CLIENTS": ((lead["name"], lead["lastname"], "54545454", lead["mail"]),),
        "PARTNER": ((lead["store"],),),
        "BENEFIT": ((1,),),
    }


def test_the_lead_id_leads_from_the_form_to_each_row_and_each_log_line(stack: Stack) -> None:
    lead = new_lead()
    lead_id = stack.submit(lead)
    stack.ended(lead_id)
    for table in ("CLIENTS", "PARTNER", "BENEFIT"):
        assert stack.rows(f"SELECT lead_id FROM {table} WHERE rut = %s", lead["rut"]) == ((lead_id,),)
    logs = stack.client("logs")
    for function in ("intake-submit-lead", "flow-receive-lead", "flow-create-client", "api-create-benefit"):
        group = f"/aws/lambda/leadbridge-local-{function}"

        def lines(group: str = group) -> list[dict] | None:
            events = logs.filter_log_events(logGroupName=group, filterPattern=f'"{lead_id}"')["events"]
            return [json.loads(event["message"]) for event in events] or None

        assert all(line["leadId"] == lead_id for line in wait_for(lines, 10, f"a line of {lead_id} in {group}"))


def test_an_event_from_elsewhere_without_an_id_gets_the_events_own(stack: Stack) -> None:
    lead = new_lead(origin="app")
    event_id = stack.put_event(lead)
    assert stack.ended(event_id)["status"] == "COMPLETED"


def test_the_same_event_three_times_leaves_one_row_of_each(stack: Stack) -> None:
    lead = new_lead(origin="app")
    detail = {**lead, "leadId": str(uuid.uuid4())}
    for _ in range(3):
        stack.put_event(detail)
    assert stack.ended(detail["leadId"])["status"] == "COMPLETED"
    stack.put_event(detail)
    executions = _executions_of(stack, detail["leadId"], 4)
    assert {execution["status"] for execution in executions} == {"SUCCEEDED"}
    assert {table: len(rows) for table, rows in stack.rows_of(lead["rut"]).items()} == {
        "CLIENTS": 1,
        "PARTNER": 1,
        "BENEFIT": 1,
    }


def _executions_of(stack: Stack, lead_id: str, count: int) -> list[dict]:
    """The ended executions whose input names the lead."""
    flow = stack.client("stepfunctions")

    def look() -> list[dict] | None:
        listed = flow.list_executions(stateMachineArn=stack.outputs["lead_flow_arn"], maxResults=1000)[
            "executions"
        ]
        found = [flow.describe_execution(executionArn=each["executionArn"]) for each in listed]
        own = [each for each in found if lead_id in each["input"] and each["status"] != "RUNNING"]
        return own if len(own) == count else None

    return wait_for(look, 30, f"{count} ended executions of {lead_id}")


def test_a_client_with_other_data_keeps_its_row_and_the_lead_goes_on_with_a_warning(stack: Stack) -> None:
    first = new_lead()
    stack.ended(stack.submit(first))
    second = {**first, "name": "somebody else", "phone": "+56900000000"}
    lead_id = stack.submit(second)
    assert stack.ended(lead_id)["status"] == "COMPLETED"
    warnings = stack.recorded(lead_id)["warnings"].values()
    assert [(warning["step"], warning["code"]) for warning in warnings] == [("client", "CONFLICT")]
    assert stack.rows_of(first["rut"])["CLIENTS"][0][0] == first["name"], "the CRM's record stays"


def test_an_event_with_a_wrong_rut_ends_failed_with_the_state_and_the_reason(stack: Stack) -> None:
    detail = {**new_lead(origin="app"), "rut": "12345678-0", "leadId": str(uuid.uuid4())}
    stack.put_event(detail)
    status = stack.ended(detail["leadId"])
    assert status["status"] == "FAILED"
    assert status["error"]["step"] == "ReceiveLead"
    assert status["error"]["code"] == "InvalidLead"
    assert status["error"]["description"].startswith("rut:")
    assert "12345678" not in json.dumps(status), "a status holds no personal data"
    assert stack.rows_of("12345678-0") == {"CLIENTS": (), "PARTNER": (), "BENEFIT": ()}
    (execution,) = _executions_of(stack, detail["leadId"], 1)
    assert execution["status"] == "FAILED", "a failed lead never looks like a success"


@pytest.mark.parametrize(
    "detail", [{}, {"name": 1}, {"leadId": 7, **new_lead()}, {**new_lead(), "leadId": "x" * 65}]
)
def test_an_event_that_is_no_lead_ends_failed_under_the_events_id(stack: Stack, detail: dict) -> None:
    event_id = stack.put_event(detail)
    assert stack.ended(event_id)["status"] == "FAILED"


@pytest.mark.parametrize(
    ("source", "detail_type"),
    [("somebody.else", "LeadReceived"), ("leadbridge.app", "OrderPlaced"), ("leadbridge.fax", "LeadReceived")],
)
def test_a_stray_event_waits_in_the_dead_letter_queue(stack: Stack, source: str, detail_type: str) -> None:
    marker = str(uuid.uuid4())
    stack.put_event({"marker": marker}, source=source, detail_type=detail_type)
    queue = stack.client("sqs")

    def look() -> bool | None:
        answer = queue.receive_message(
            QueueUrl=stack.outputs["dead_letter_queue_url"], MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return True if any(marker in message["Body"] for message in answer.get("Messages", ())) else None

    assert wait_for(look, 10, "the event in the dead-letter queue")


def test_an_event_with_half_a_surrogate_pair_ends_failed_too(stack: Stack) -> None:
    event_id = stack.put_event({**new_lead(origin="app"), "name": "half \ud800"})
    assert stack.ended(event_id)["error"]["code"] == "InvalidLead"


def test_an_aborted_execution_leaves_a_failed_lead_and_not_a_silent_one(stack: Stack) -> None:
    flow = stack.client("stepfunctions")
    lead_id = str(uuid.uuid4())
    event = {
        "id": str(uuid.uuid4()),
        "source": "leadbridge.app",
        "detail-type": "LeadReceived",
        "detail": {**new_lead(origin="app"), "leadId": lead_id},
    }
    execution = flow.start_execution(stateMachineArn=stack.outputs["lead_flow_arn"], input=json.dumps(event))
    flow.stop_execution(executionArn=execution["executionArn"])
    status = stack.ended(lead_id)
    assert status["status"] in ("FAILED", "COMPLETED"), "either the abort came first, or the lead was done"
    if status["status"] == "FAILED":
        assert stack.recorded(lead_id)["error"]["code"] == "Execution.ABORTED"


def test_the_sample_leads_all_end_as_their_file_says(stack: Stack) -> None:
    out = StringIO()
    assert samples.send(stack.outputs, out), out.getvalue()
    assert "FAILED" in out.getvalue()
    assert "sent twice, done once" in out.getvalue()
    assert len(stack.rows("SELECT 1 FROM CLIENTS WHERE rut IN ('11111111-1', '8765432-K', '14141416-K')")) == 3
