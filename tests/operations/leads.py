"""Leads in trouble, made on a deployed stack."""

import csv
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.stack import Stack, new_lead


def event_of(lead: dict[str, Any], lead_id: str | None = None) -> dict[str, Any]:
    """As EventBridge delivers it."""
    detail = {**lead, **({"leadId": lead_id} if lead_id else {})}
    source, detail_type = f"leadbridge.{lead['origin']}", "LeadReceived"
    return {"id": str(uuid.uuid4()), "source": source, "detail-type": detail_type, "detail": detail}


def aborted(stack: Stack, lead: dict[str, Any]) -> str:
    """A valid lead whose execution was aborted; its id."""
    lead_id = str(uuid.uuid4())
    flow = stack.client("stepfunctions")
    started = flow.start_execution(
        stateMachineArn=stack.outputs["lead_flow_arn"], input=json.dumps(event_of(lead, lead_id))
    )
    flow.stop_execution(executionArn=started["executionArn"])
    assert stack.ended(lead_id)["status"] == "FAILED"
    return lead_id


def lost(stack: Stack, lead: dict[str, Any]) -> str:
    """A lead whose aborted execution nobody has noted: it looks as if it were under way."""
    lead_id = aborted(stack, lead)
    stack.client("dynamodb").update_item(
        TableName=stack.outputs["lead_table_name"],
        Key={"leadId": {"S": lead_id}},
        UpdateExpression="SET #status = :processing, unfinished = :yes REMOVE failed, payload, digest, #error",
        ExpressionAttributeNames={"#status": "status", "#error": "error"},
        ExpressionAttributeValues={":processing": {"S": "PROCESSING"}, ":yes": {"S": "yes"}},
    )
    return lead_id


def submitted(stack: Stack) -> str:
    """A lead that was noted, and whose event never arrived."""
    lead_id, now = str(uuid.uuid4()), "2026-01-01T00:00:00.000Z"
    item = {
        "leadId": lead_id,
        "status": "SUBMITTED",
        "step": "submitted",
        "unfinished": "yes",
        "createdAt": now,
        "updatedAt": now,
    }
    stack.client("dynamodb").put_item(
        TableName=stack.outputs["lead_table_name"], Item={name: {"S": value} for name, value in item.items()}
    )
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


def executions(stack: Stack, lead_id: str) -> list[str]:
    """Names of the executions whose input names the lead."""
    flow = stack.client("stepfunctions")
    listed = flow.list_executions(stateMachineArn=stack.outputs["lead_flow_arn"])["executions"]
    inputs = {each["name"]: flow.describe_execution(executionArn=each["executionArn"])["input"] for each in listed}
    return [name for name, text in inputs.items() if lead_id in text]


@contextmanager
def held_up(stack: Stack, rut: str) -> Iterator[None]:
    """Another transaction holds the client's row: the flow waits and retries."""
    with stack.connection() as connection, connection.cursor() as cursor:
        row = (rut, "x", "x", "5555555", "x@example.com")
        cursor.execute("INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES (%s, %s, %s, %s, %s)", row)
        yield
        connection.rollback()


def csv_file(path: Path, leads: list[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(leads[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(leads)
    return path


def new_leads(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [new_lead(wantsBenefit="yes", **changes) for _ in range(count)]
