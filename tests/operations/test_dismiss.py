"""What can never pass is taken off the list, and stays known with who did it and why."""

import json
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

from handlers.shared import lead_table
from handlers.shared.lead_table import LeadTable
from operations.leads import Leads
from operations.stack import Place, find
from tests.operations.leads import bury, executions, submitted
from tests.stack import LocalCloud, Stack, new_lead, wait_for

Ask = Callable[..., dict[str, Any]]


def listed(ask: Ask) -> set[str]:
    return {each["id"] for each in ask("failed")["findings"]}


def item(stack: Stack, lead_id: str) -> dict[str, Any]:
    key = {"leadId": {"S": lead_id}}
    return stack.client("dynamodb").get_item(TableName=stack.outputs["lead_table_name"], Key=key)["Item"]


def test_a_dismissed_lead_is_off_the_list_for_good(stack: Stack, ask: Ask) -> None:
    detail = {**new_lead(origin="app"), "rut": "12345678-0", "leadId": str(uuid.uuid4())}
    lead_id = detail["leadId"]
    stack.put_event(detail)
    assert stack.ended(lead_id)["error"]["code"] == "InvalidLead"
    assert "submit it corrected" in ask("status", lead_id)["next"]
    assert ask("dismiss", lead_id, "--reason", "sent again, corrected")["dismissed"] == [lead_id]
    assert lead_id not in listed(ask)
    status = ask("status", lead_id)
    assert (status["status"], status["error"]["code"]) == ("FAILED", "InvalidLead"), "it did fail"
    assert status["dismissed"]["reason"] == "sent again, corrected"
    assert status["dismissed"]["by"]
    assert "12345678" not in json.dumps(item(stack, lead_id)), "no personal data of it is kept"
    assert "expiresAt" in item(stack, lead_id)
    (outcome,) = ask("replay", lead_id, exits=1)["outcomes"]
    assert outcome["what"] == "impossible"
    stack.put_event(detail)
    wait_for(lambda: len(executions(stack, lead_id)) == 2 or None, 20, "the same event again")
    assert lead_id not in listed(ask)


def test_a_lead_that_has_not_failed_cannot_be_dismissed(stack: Stack, ask: Ask) -> None:
    lead_id = stack.submit(new_lead())
    stack.ended(lead_id)
    for other in (lead_id, "nobody"):
        assert ask("dismiss", other, "--reason", "x", exits=1)["refused"] == [other]


def unfinished(stack: Stack) -> set[str]:
    """What the alarm on the age of leads looks at."""
    pages = stack.client("dynamodb").get_paginator("query")
    found = pages.paginate(
        TableName=stack.outputs["lead_table_name"],
        IndexName=lead_table.UNFINISHED_INDEX,
        KeyConditionExpression="unfinished = :yes",
        ExpressionAttributeValues={":yes": {"S": "yes"}},
    )
    return {each["leadId"]["S"] for page in found for each in page["Items"]}


def test_a_lead_that_never_began_is_listed_with_a_way_out_and_rings_no_alarm_once_dismissed(
    stack: Stack, ask: Ask
) -> None:
    lead_id = submitted(stack)
    (finding,) = (each for each in ask("failed", "--kind", "stuck")["findings"] if each["id"] == lead_id)
    assert "dismiss" in finding["description"]
    assert lead_id in unfinished(stack)
    assert ask("dismiss", lead_id, "--reason", "the import was killed")["dismissed"] == [lead_id]
    assert lead_id not in listed(ask) | unfinished(stack)
    assert ask("status", lead_id)["dismissed"]["reason"] == "the import was killed"
    assert "expiresAt" in item(stack, lead_id)


def test_a_lead_that_begins_while_it_is_dismissed_stays(stack: Stack, cloud: LocalCloud) -> None:
    lead_id = submitted(stack)
    with closing(find(Place(home=cloud.home))) as place:
        leads = Leads(place)
        seen = leads.get(lead_id)
        assert seen is not None
        table = LeadTable(stack.client("dynamodb"), stack.outputs["lead_table_name"])
        assert table.claim(lead_id, "an execution", "web")
        assert not leads.dismiss_unstarted(seen, "somebody", "too late")
        assert "dismissed" not in item(stack, lead_id)
        assert lead_id in unfinished(stack)
        for step in ("client", "partner", "benefit"):
            assert table.progress(lead_id, "an execution", step, final=step == "benefit")


def test_a_dismissed_lead_whose_event_arrives_after_all_goes_on_as_any_other(stack: Stack, ask: Ask) -> None:
    done, refused = submitted(stack), submitted(stack)
    ask("dismiss", done, refused, "--reason", "never began")
    stack.put_event({**new_lead(origin="app"), "leadId": done})
    stack.put_event({**new_lead(origin="app", rut="12345678-0"), "leadId": refused})
    assert stack.ended(done)["status"] == "COMPLETED"
    assert "dismissed" not in item(stack, done)
    assert stack.ended(refused)["status"] == "FAILED"
    assert refused in listed(ask)
    assert ask("dismiss", refused, "--reason", "a wrong RUT")["dismissed"] == [refused]


def test_a_dead_letter_that_is_no_lead_can_be_dismissed(stack: Stack, ask: Ask) -> None:
    event_id, other_id = str(uuid.uuid4()), str(uuid.uuid4())
    for each in (event_id, other_id):
        bury(stack, {"id": each, "source": "some.shop", "detail-type": "OrderPlaced", "detail": {}})
    assert {event_id, other_id} <= listed(ask)
    assert ask("dismiss", event_id, "--reason", "not ours")["dismissed"] == [event_id]
    assert event_id not in listed(ask)
    assert other_id in listed(ask)


def test_a_message_that_is_no_event_is_listed_and_can_be_dismissed(stack: Stack, ask: Ask) -> None:
    before = listed(ask)
    bury(stack, "neither JSON nor an event")
    (message_id,) = listed(ask) - before
    ask("dismiss", message_id, "--reason", "a test message")
    assert message_id not in listed(ask)


def test_an_event_nested_too_deeply_is_listed_and_can_only_be_dismissed(stack: Stack, ask: Ask) -> None:
    marker = f"deep-{uuid.uuid4().hex}"
    entry = {
        "EventBusName": stack.outputs["event_bus_name"],
        "Source": "leadbridge.app",
        "DetailType": "LeadReceived",
        "Detail": f'{{"{marker}": {"[" * 5_000}{"]" * 5_000}}}',
    }
    before = listed(ask)
    stack.client("events").put_events(Entries=[entry])
    (lead_id,) = wait_for(lambda: listed(ask) - before or None, 30, "the event to be listed")
    assert ask("status", lead_id)["error"]["code"] == "UnreadableEvent"
    assert len(executions(stack, marker)) == 1
    (outcome,) = ask("replay", lead_id, exits=1)["outcomes"]
    assert outcome["what"] == "impossible"
    assert len(executions(stack, marker)) == 1, "it would only be recorded once more"
    ask("dismiss", lead_id, "--reason", "a hostile event")
    assert listed(ask) == before


def test_a_reason_is_needed(run: Callable[..., Any]) -> None:
    assert "--reason is empty" in run("dismiss", "x", "--reason", " ", exits=2).stderr
