"""Events on the bus, as other systems put them there, are one lead each, however often they come."""

import json
import time
from typing import Any

import pytest
from support import contract, database, journal, rut
from support.stack import ENDED, Stack

EXAMPLE_SOURCE = "leadbridge.app"


@pytest.fixture(autouse=True)
def reachable(stack: Stack) -> None:
    if not stack.outputs:
        pytest.skip("the event bus of a stage elsewhere is not this test's to write to")


def lead(**changes: Any) -> dict[str, Any]:
    return {**contract.example("submitLead", rut.new()), "origin": "app", **changes}


def put(stack: Stack, detail: Any, source: str = EXAMPLE_SOURCE) -> str:
    """The event's id."""
    entry = {
        "EventBusName": stack.outputs["event_bus_name"],
        "Source": source,
        "DetailType": "LeadReceived",
        "Detail": json.dumps(detail),
    }
    if "leadId" in detail:
        journal.add(journal.rows_of_lead(detail["leadId"], detail["rut"]))
    answer = stack.aws("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0
    event_id = str(answer["Entries"][0]["EventId"])
    if "leadId" not in detail:  # the event's id stands for it
        journal.add(journal.rows_of_lead(event_id, detail["rut"]))
    return event_id


def until(what: str, look: Any) -> Any:
    deadline = time.monotonic() + 40
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.1)
    return found


def ended(stack: Stack, lead_id: str) -> dict[str, Any]:
    def look() -> Any:
        response = stack.request("GET", f"/leads/{lead_id}", key=False)
        if response.status == 404:
            return None
        status = contract.hold("getLead", response, 200)
        return status if status["status"] in ENDED else None

    return dict(until(f"lead {lead_id} to end", look))


def executed(stack: Stack, event_id: str) -> str:
    """How the execution ended that an event started."""
    machines, flow = stack.aws("stepfunctions"), stack.outputs["lead_flow_arn"]

    def look() -> Any:
        for each in machines.list_executions(stateMachineArn=flow, maxResults=100)["executions"]:
            if each["status"] == "RUNNING":
                continue
            if event_id in machines.describe_execution(executionArn=each["executionArn"])["input"]:
                return each["status"]
        return None

    return str(until(f"the execution of event {event_id}", look))


def test_an_event_without_a_lead_id_is_a_lead_under_its_own(stack: Stack) -> None:
    detail = lead()
    event_id = put(stack, detail)
    assert (ended(stack, event_id)["status"], ended(stack, event_id)["step"]) == ("COMPLETED", "benefit")
    assert stack.request("GET", f"/clients/{detail['rut']}").json()["partner"] == {"store": detail["store"]}


@pytest.mark.parametrize("spell", [str.lower, "0{}".format, "000000000{}".format])
def test_an_event_with_another_spelling_of_the_rut_is_the_same_client(stack: Stack, spell: Any) -> None:
    key = next(each for each in iter(rut.new, None) if each.endswith("K"))
    for each in (key, spell(key)):
        assert ended(stack, put(stack, lead(rut=each)))["status"] == "COMPLETED"
    assert stack.request("GET", f"/clients/{spell(key)}").json()["rut"] == key
    assert len(database.rows(stack.outputs, "SELECT rut FROM CLIENTS WHERE rut LIKE %s", f"%{key[:-1]}%")) == 1


@pytest.mark.parametrize("origin", contract.DOCUMENT["components"]["schemas"]["Origin"]["enum"])
def test_a_lead_of_every_origin_reaches_the_crm(stack: Stack, origin: str) -> None:
    body = lead(origin=origin)
    receipt = contract.hold("submitLead", stack.request("POST", "/leads", body, key=False), 202)
    assert ended(stack, receipt["leadId"])["status"] == "COMPLETED"
    contract.hold("getClient", stack.request("GET", f"/clients/{body['rut']}"), 200)


def test_a_second_event_of_the_same_lead_does_nothing(stack: Stack) -> None:
    lead_id = journal.own("twice")
    put(stack, lead(leadId=lead_id))
    before = ended(stack, lead_id)
    assert before["status"] == "COMPLETED"
    other = lead(leadId=lead_id)
    assert executed(stack, put(stack, other)) == "SUCCEEDED", "a duplicate is no failure"
    assert ended(stack, lead_id) == before
    contract.hold("getClient", stack.request("GET", f"/clients/{other['rut']}"), 404)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rut": "123456-A"}, "rut"),
        ({"rut": "00000-0"}, "rut"),
        ({"mail": "nobody"}, "mail"),
        ({"wantsBenefit": "yes"}, "wantsBenefit"),
        ({"admin": True}, "unknown"),
        ({"name": "\ud800"}, "surrogate"),
        ({"origin": "web"}, "source"),
    ],
)
def test_an_event_that_is_no_lead_fails_before_anything_is_sent(
    stack: Stack, change: dict[str, Any], named: str
) -> None:
    event_id = put(stack, lead(**change))
    status = ended(stack, event_id)
    assert (status["status"], status["error"]["step"], status["error"]["code"]) == (
        "FAILED",
        "ReceiveLead",
        "InvalidLead",
    )
    assert named in status["error"]["description"]
    assert executed(stack, event_id) == "FAILED", "a lost lead must not show as a success"
