"""The reason and the event of a failed lead are its own and the first ones, whatever is reported later."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from handlers.orchestration import catch_errors, receive_lead
from handlers.shared import fingerprint
from handlers.shared.errors import InvalidLead
from handlers.shared.lead_table import Failure, Issue, LeadTable
from tests.handlers.failures import catch, failure, interrupted
from tests.handlers.samples import lead_event

Item = Callable[[str], dict[str, Any] | None]
Alerts = Callable[[], list[dict[str, str]]]
Letters = Callable[[], list[dict[str, Any]]]

FIRST = Issue(step="CreatePartner", code="CrmUnavailable", description="/create_partner did not answer")
LATER = Issue(step="LeadFlow", code="Execution.FAILED", description="The state LeadFlow ended.")
INVALID = failure("ReceiveLead", "InvalidLead", "rut: wrong")


def kept(item: Item, lead_id: str) -> Any:
    found = item(lead_id)
    assert found is not None
    return json.loads(found["payload"]["S"])


def error_of(leads: LeadTable, lead_id: str) -> Any:
    return leads.status(lead_id)["error"]


@pytest.fixture
def failed(leads: LeadTable, lead_id: str) -> str:
    """A lead that execution one has claimed and failed."""
    event = lead_event(lead_id)
    mark = fingerprint.from_environment().of(lead_id, event["detail"])
    assert leads.claim(lead_id, "one", "web", mark)
    assert leads.fail(lead_id, "one", FIRST, event, mark) is Failure.RECORDED
    return lead_id


def test_the_first_reason_of_an_execution_stays(leads: LeadTable, failed: str, alerts: Alerts) -> None:
    catch_errors.handler(interrupted("one", json.dumps(lead_event(failed)), "FAILED"), None)
    assert error_of(leads, failed) == FIRST.as_dict()
    assert [alert["leadId"] for alert in alerts()] == [failed], "the first alert may not have gone out"


def test_an_event_that_is_no_lead_leaves_a_failed_lead_of_that_id_alone(
    failed: str, alerts: Alerts, letters: Letters, item: Item
) -> None:
    before = item(failed)
    event_id = str(uuid.uuid4())
    junk = lead_event(failed, rut="22222222-1") | {"id": event_id}
    catch(junk, INVALID, "two")
    assert item(failed) == before
    assert item(event_id) is None, "nobody ever gave a lead that id"
    assert [(letter["event"], letter["code"]) for letter in letters()] == [(junk, "IdOfAnotherLead")]
    assert alerts() == [], "no lead has failed"


def test_an_event_that_is_no_lead_does_not_stand_in_for_the_lead_of_that_id(
    leads: LeadTable, lead_id: str, alerts: Alerts, item: Item
) -> None:
    leads.submit(lead_id, "web")
    catch(lead_event(lead_id, rut="22222222-1"), INVALID, "two")
    leads.claim(lead_id, "one", "web")
    leads.fail(lead_id, "one", FIRST, lead_event(lead_id))
    assert kept(item, lead_id) == lead_event(lead_id), "a replay sends the lead, not what came before it"


@pytest.mark.parametrize("event_id", ["6a7e8feb-b491-4cf7-a9f1-bf3703467718", "another"])
def test_a_replay_that_fails_before_it_could_claim_gives_the_new_reason(
    leads: LeadTable, failed: str, alerts: Alerts, item: Item, event_id: str
) -> None:
    again = lead_event(failed) | {"id": event_id}
    assert catch(again, failure("ReceiveLead", "Unavailable", "the table can't be reached"), "two") == {
        "leadId": failed
    }
    assert error_of(leads, failed)["code"] == "Unavailable"
    assert item(event_id) is None


def test_a_claim_that_arrives_after_its_execution_has_ended_is_too_late(
    leads: LeadTable, failed: str, item: Item
) -> None:
    before = item(failed)
    assert not leads.claim(failed, "one", "web"), "nobody would ever bring it to an end"
    assert item(failed) == before


@pytest.mark.parametrize("filler", ["x", "ñ", "😀"])
def test_an_event_larger_than_an_item_leaves_a_failed_lead_all_the_same(
    leads: LeadTable, lead_id: str, alerts: Alerts, item: Item, filler: str
) -> None:
    event = lead_event(lead_id, canary=filler * (1_000_000 // len(filler.encode())))
    assert catch(event, INVALID) == {"leadId": lead_id}
    found = item(lead_id)
    assert found is not None
    assert (found["status"]["S"], "payload" in found) == ("FAILED", False), "its execution's input is kept by AWS"
    assert len(json.dumps(found, ensure_ascii=False).encode()) < 400_000


def test_a_dismissed_lead_can_neither_be_claimed_nor_fail_again(
    leads: LeadTable,
    failed: str,
    alerts: Alerts,
    item: Item,
    aws_client: Callable[[str], Any],
    lead_table_name: str,
) -> None:
    aws_client("dynamodb").update_item(
        TableName=lead_table_name,
        Key={"leadId": {"S": failed}},
        UpdateExpression="SET dismissed = :note REMOVE failed, payload",
        ExpressionAttributeValues={":note": {"M": {"by": {"S": "somebody"}}}},
    )
    before = item(failed)
    assert not leads.claim(failed, "two", "web")
    again = lead_event(failed) | {"id": "another"}
    assert catch(again, INVALID, "two") == {"leadId": failed}
    assert item(failed) == before
    assert item("another") is None


def test_a_failure_whose_event_is_not_known_keeps_the_event_of_before(
    leads: LeadTable, failed: str, item: Item
) -> None:
    leads.claim(failed, "two", "web")
    leads.fail(failed, "two", LATER, None)
    assert kept(item, failed) == lead_event(failed)


def deep(levels: int) -> str:
    event = json.dumps(lead_event() | {"detail": {"deep": "DEEP"}})
    return event.replace('"DEEP"', "[" * levels + "]" * levels)


@pytest.mark.parametrize("levels", [3_000, 100_000])
def test_an_interrupted_execution_of_an_event_too_deep_to_read_is_recorded(
    leads: LeadTable, alerts: Alerts, levels: int
) -> None:
    name = f"{uuid.uuid4()}_{uuid.uuid4()}"
    execution = f"arn:aws:states:us-east-1:000000000000:execution:lead-flow:{name}"
    assert catch_errors.handler(interrupted(execution, deep(levels), "FAILED"), None) == {"leadId": name[:64]}
    assert error_of(leads, name[:64])["code"] == "UnreadableEvent"
    assert [alert["leadId"] for alert in alerts()] == [name[:64]]


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def test_a_lead_nested_too_deeply_is_refused_and_recorded(
    leads: LeadTable, alerts: Alerts, lead_id: str, item: Item
) -> None:
    event = lead_event(lead_id, deep=nested(5_000))
    with pytest.raises(InvalidLead, match="nested too deeply"):
        receive_lead.handler({"event": event, "execution": "one"}, None)
    assert catch(event, failure("ReceiveLead", "InvalidLead", "nested too deeply")) == {"leadId": lead_id}
    assert "payload" not in (item(lead_id) or {})


def test_a_lead_is_unfinished_until_it_has_completed_or_failed(leads: LeadTable, lead_id: str, item: Item) -> None:
    def unfinished() -> bool:
        return "unfinished" in (item(lead_id) or {})

    leads.submit(lead_id, "web")
    assert unfinished()
    leads.claim(lead_id, "one", "web")
    assert unfinished()
    leads.fail(lead_id, "one", FIRST, lead_event(lead_id))
    assert not unfinished()
    leads.claim(lead_id, "two", "web")
    assert unfinished()
    leads.progress(lead_id, "two", "benefit", final=True)
    assert not unfinished()
    assert not {"digest", "payload", "failed"} & set(item(lead_id) or {})
