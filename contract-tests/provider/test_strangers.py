"""Anybody may send a lead with anybody's RUT: what they see tells nothing about the client in the CRM."""

import json
from typing import Any

import pytest
from support import contract, rut
from support.stack import Answer, Stack

# What differs between two requests of the same kind, and between two leads.
OF_THE_REQUEST = {"date", "x-amz-request-id", "x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id", "location"}
OF_THE_LEAD = {"leadId", "updatedAt"}
# What the CRM holds already of the client whose RUT somebody sends; None: there is no such client.
HELD: dict[str, dict[str, Any] | None] = {
    "nothing": None,
    "the same": {},
    "another name": {"name": "somebody", "lastname": "else"},
    "another mail": {"mail": "another@example.com"},
    "another phone": {"phone": "+56900000000"},
    "another store": {"store": "OTHER_STORE"},
    "another benefit": {"wantsBenefit": False},
    "other data throughout": {
        "name": "somebody",
        "lastname": "else",
        "mail": "another@example.com",
        "phone": "+56900000000",
        "store": "OTHER_STORE",
        "wantsBenefit": False,
    },
}


def put_into_crm(stack: Stack, lead: dict[str, Any]) -> None:
    for name in ("createClient", "createPartner", "createBenefit"):
        record = {field: lead[field] for field in contract.example(name, lead["rut"])}
        contract.hold(name, stack.request("POST", contract.operations()[name][1], record), 200)


def seen(answer: Answer) -> Any:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    body = {name: value for name, value in answer.json().items() if name not in OF_THE_LEAD}
    return answer.status, {n: v for n, v in headers.items() if n not in OF_THE_REQUEST}, body


def all_that_a_stranger_sees(stack: Stack, lead: dict[str, Any]) -> Any:
    """Of a lead, from its submission to its end."""
    receipt = stack.request("POST", "/leads", lead, key=False)
    lead_id = contract.hold("submitLead", receipt, 202)["leadId"]
    stack.await_leads([lead_id])
    status = stack.request("GET", f"/leads/{lead_id}", key=False)
    contract.hold("getLead", status, 200)
    assert status.json()["updatedAt"][19:] == "Z", "to the second: finer times tell a new row from an old one"
    refused = stack.request("GET", f"/clients/{lead['rut']}", key=False)
    return [seen(receipt), seen(status), seen(refused)]


@pytest.mark.parametrize("held", HELD)
def test_what_a_stranger_sees_of_a_lead_does_not_depend_on_the_crm(stack: Stack, held: str) -> None:
    unknown = contract.example("submitLead", rut.new())
    lead = contract.example("submitLead", rut.new())
    changes = HELD[held]
    if changes is not None:
        put_into_crm(stack, lead | changes)
    views = [all_that_a_stranger_sees(stack, each) for each in (lead, unknown)]
    assert views[0] == views[1]
    _, _, status = views[0][1]
    assert status == {"status": "COMPLETED", "step": "benefit"}


def test_a_lead_that_is_refused_is_refused_alike_for_a_client_of_the_crm(stack: Stack) -> None:
    known = contract.example("submitLead", rut.new())
    put_into_crm(stack, known)
    answers = [
        stack.request("POST", "/leads", {**lead, "store": "?"}, key=False)
        for lead in (known, contract.example("submitLead", rut.new()))
    ]
    assert seen(answers[0]) == seen(answers[1])
    assert known["mail"] not in json.dumps(seen(answers[0]))
