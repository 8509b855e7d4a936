"""What each function does that needs a right: True when it was done. One line for each right in the stack."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tests.security.functions import Function
from tests.stack import Stack, new_lead, new_rut

EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:leadbridge-local-flow:exercise"

Exercise = Callable[[Stack, Function], bool]


def submits(stack: Stack, function: Function) -> bool:
    return stack.request("POST", "/leads", new_lead()).status == 202


def withdraws(stack: Stack, function: Function) -> bool:
    """A lead that the bus does not take leaves nothing behind."""
    before = _submitted(stack)
    status = stack.request("POST", "/leads", new_lead()).status
    return status == 503 and not _submitted(stack) - before


def tells_the_status(stack: Stack, function: Function) -> bool:
    lead_id = f"exercise-{uuid.uuid4()}"
    texts = {
        "leadId": lead_id,
        "status": "SUBMITTED",
        "step": "submitted",
        "updatedAt": "2026-11-28T12:00:00.000Z",
    }
    item = {name: {"S": text} for name, text in texts.items()}
    stack.client("dynamodb").put_item(TableName=stack.outputs["lead_table_name"], Item=item)
    return stack.request("GET", f"/leads/{lead_id}").status == 200


def receives(stack: Stack, function: Function) -> bool:
    return function.invoke({"event": _event(), "execution": EXECUTION})


def receives_anothers(stack: Stack, function: Function) -> bool:
    """Another lead with the id of one that was claimed."""
    first = {"event": _event(), "execution": EXECUTION}
    other = {**first["event"], "detail": {**first["event"]["detail"], "name": "somebody else"}}
    return function.invoke(first) and function.invoke({"event": other, "execution": f"{EXECUTION}-2"})


def catches(stack: Stack, function: Function) -> bool:
    failure = {"state": "CreateClient", "error": "CrmRejected", "cause": '{"errorMessage": "refused"}'}
    return function.invoke({"event": _event(), "execution": EXECUTION, "failure": failure})


def buries(stack: Stack, function: Function) -> bool:
    """A refused event with the id of a lead whose data are others."""
    failure = {"state": "ReceiveLead", "error": "InvalidLead", "cause": '{"errorMessage": "refused"}'}
    first = {"event": _event(), "execution": EXECUTION, "failure": failure}
    other = {**first["event"], "detail": {**first["event"]["detail"], "name": "somebody else"}}
    return function.invoke(first) and function.invoke({**first, "event": other, "execution": f"{EXECUTION}-2"})


def measures(stack: Stack, function: Function) -> bool:
    return function.invoke({})


def steps_over_a_conflict(stack: Stack, function: Function) -> bool:
    """From the start, with the API's key to read, to the end, with a warning to note."""
    lead = new_lead()
    for path, record in _records(lead).items():
        assert stack.request("POST", path, record, key=True).status == 200
    step = function.name.rpartition("-")[2]
    other = {**lead, "name": "somebody else", "store": "OTHER", "wantsBenefit": not lead["wantsBenefit"]}
    task = {
        "leadId": str(uuid.uuid4()),
        "execution": EXECUTION,
        "step": step,
        "final": step == "benefit",
        "record": _records(other)[f"/create_{step}"],
    }
    function.start_afresh()
    return function.invoke(task)


def answers(stack: Stack, function: Function) -> bool:
    """A new worker, which must read its password: 200 for what is right, 404 for what is not there."""
    lead = new_lead()
    function.start_afresh()
    step = function.name.rpartition("-")[2]
    if function.name == "api-get-client":
        return stack.request("GET", f"/clients/{new_rut()}", key=True).status == 404
    expected = 200 if step == "client" else 404
    return stack.request("POST", f"/create_{step}", _records(lead)[f"/create_{step}"], key=True).status == expected


def migrates(stack: Stack, function: Function) -> bool:
    """As at the first deployment: the secret of the backends' user has no value yet."""
    secrets, secret = stack.client("secretsmanager"), function.setting("DATABASE_SECRET_ARN")
    for version, stages in secrets.describe_secret(SecretId=secret)["VersionIdsToStages"].items():
        if "AWSCURRENT" in stages:
            secrets.update_secret_version_stage(
                SecretId=secret, VersionStage="AWSCURRENT", RemoveFromVersionId=version
            )
    return function.invoke({}) and "SecretString" in secrets.get_secret_value(SecretId=secret)


EXERCISES: Mapping[str, Mapping[str, Exercise]] = {
    "intake-submit-lead": {
        "dynamodb:PutItem": submits,
        "dynamodb:UpdateItem": submits,
        "events:PutEvents": submits,
        "dynamodb:DeleteItem": withdraws,
        "kms:GenerateMac": submits,
    },
    "intake-get-lead": {"dynamodb:GetItem": tells_the_status},
    "form": {},
    "lead-age": {"dynamodb:Query": measures, "dynamodb:GetItem": measures},
    "flow-receive-lead": {
        **dict.fromkeys(("dynamodb:UpdateItem", "kms:GenerateMac"), receives),
        "sqs:SendMessage": receives_anothers,
    },
    "flow-catch-errors": {
        **dict.fromkeys(("dynamodb:UpdateItem", "kms:GenerateMac", "sns:Publish"), catches),
        "sqs:SendMessage": buries,
    },
    **{
        f"flow-create-{step}": dict.fromkeys(
            ("dynamodb:GetItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue"), steps_over_a_conflict
        )
        for step in ("client", "partner", "benefit")
    },
    **{
        f"api-{operation}": {"secretsmanager:GetSecretValue": answers}
        for operation in ("create-client", "create-partner", "create-benefit", "get-client")
    },
    "api-migrations": dict.fromkeys(("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"), migrates),
}
# What must be forbidden besides, for the right to be used at all: a withdrawal follows a refusal of the bus.
FORBIDDEN_BESIDES = {withdraws: "events:PutEvents"}


def _submitted(stack: Stack) -> set[str]:
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=stack.outputs["lead_table_name"],
            FilterExpression="#status = :submitted",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":submitted": {"S": "SUBMITTED"}},
        )
    )
    return {item["leadId"]["S"] for page in pages for item in page["Items"]}


def _event() -> dict[str, Any]:
    lead = {**new_lead(origin="app"), "leadId": str(uuid.uuid4())}
    return {"id": str(uuid.uuid4()), "source": "leadbridge.app", "detail-type": "LeadReceived", "detail": lead}


def _records(lead: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    fields = {
        "/create_client": ("rut", "name", "lastname", "phone", "mail"),
        "/create_partner": ("rut", "store"),
        "/create_benefit": ("rut", "wantsBenefit"),
    }
    return {path: {name: lead[name] for name in names} for path, names in fields.items()}
