import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from handlers.intake import get_lead
from handlers.shared import lead_table
from handlers.shared.contract import Contract
from handlers.shared.lead_table import Issue, LeadTable
from tests.handlers.samples import PERSONAL, body_of, get, lead_event, message_of

INVALID = Issue(step="ReceiveLead", code="InvalidLead", description="rut: must be another one")
OTHER_FAILURES = (
    ("CreateClient", "CrmRejected", "/create_client answered 400 INVALID_REQUEST"),
    ("CreatePartner", "CrmRejected", "/create_partner answered 404 NOT_FOUND"),
    ("CreateBenefit", "CrmUnavailable", "/create_benefit answered 503 DATABASE_UNAVAILABLE"),
    ("ReceiveLead", "Unavailable", "the table of leads can't be reached"),
    ("LeadFlow", "Execution.ABORTED", "The state LeadFlow ended with Execution.ABORTED."),
    ("CreateClient", "KeyError", "The state CreateClient ended with KeyError."),
)
WARNING = Issue(step="client", code="CONFLICT", description="The CRM holds other data for this client.")


def status_of(lead_id: str, the_contract: Contract) -> dict[str, object]:
    body = body_of(get_lead.handler(get(leadId=lead_id), None), 200)
    the_contract.validate("LeadStatus", body)
    assert isinstance(body["updatedAt"], str)
    assert datetime.fromisoformat(body["updatedAt"]).tzinfo is not None
    assert body["updatedAt"].endswith("Z")
    return body


def test_a_lead_can_be_followed_to_its_end(leads: LeadTable, lead_id: str, the_contract: Contract) -> None:
    seen = []

    def look() -> None:
        body = status_of(lead_id, the_contract)
        assert set(body) == {"leadId", "status", "step", "updatedAt"}
        seen.append((body["status"], body["step"]))

    leads.submit(lead_id, "web")
    look()
    leads.claim(lead_id, "one", "web")
    look()
    for step in ("client", "partner", "benefit"):
        leads.progress(lead_id, "one", step, final=step == "benefit")
        look()
    assert seen == [
        ("SUBMITTED", "submitted"),
        ("PROCESSING", "received"),
        ("PROCESSING", "client"),
        ("PROCESSING", "partner"),
        ("COMPLETED", "benefit"),
    ]


def test_a_failed_lead_says_what_is_wrong_with_it_and_keeps_its_payload_to_itself(
    leads: LeadTable, lead_id: str, the_contract: Contract
) -> None:
    leads.claim(lead_id, "one", "web")
    leads.fail(lead_id, "one", INVALID, lead_event(lead_id))
    body = status_of(lead_id, the_contract)
    assert (body["status"], body["step"], body["error"]) == ("FAILED", "received", INVALID.as_dict())
    assert not [value for value in PERSONAL if value in json.dumps(body)], "anyone who has the id may ask"


def test_any_other_failure_is_told_alike_since_it_may_depend_on_what_the_crm_holds(
    leads: LeadTable, the_contract: Contract
) -> None:
    told = []
    for state, code, description in OTHER_FAILURES:
        lead_id = str(uuid.uuid4())
        leads.claim(lead_id, "one", "web")
        leads.fail(lead_id, "one", Issue(step=state, code=code, description=description), lead_event(lead_id))
        body = status_of(lead_id, the_contract)
        told.append({name: value for name, value in body.items() if name not in ("leadId", "updatedAt")})
        assert leads.status(lead_id)["error"]["description"] == description, "the operators' part stays"
    assert told == [told[0]] * len(OTHER_FAILURES)
    assert told[0]["error"]["code"] == "NotDelivered"


def test_what_the_crm_keeps_is_for_the_operators_alone(
    leads: LeadTable, lead_id: str, the_contract: Contract, item: Callable[[str], dict[str, Any] | None]
) -> None:
    leads.claim(lead_id, "one", "web")
    for step in ("client", "partner"):
        leads.progress(lead_id, "one", step, warning=WARNING)
        assert set(status_of(lead_id, the_contract)) == {"leadId", "status", "step", "updatedAt"}
    leads.progress(lead_id, "one", "benefit", final=True, warning=WARNING)
    assert set(status_of(lead_id, the_contract)) == {"leadId", "status", "step", "updatedAt"}
    assert set((item(lead_id) or {})["warnings"]["M"]) == {"client", "partner", "benefit"}


def test_a_status_tells_its_time_to_the_second(
    leads: LeadTable, lead_id: str, the_contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead_table, "now", lambda: "2026-11-30T22:15:01.987Z")
    leads.submit(lead_id, "web")
    assert status_of(lead_id, the_contract)["updatedAt"] == "2026-11-30T22:15:01Z"


def test_an_unknown_lead_is_404(leads: LeadTable, lead_id: str) -> None:
    assert message_of(get_lead.handler(get(leadId=lead_id), None), 404) == ("NOT_FOUND", "there is no such lead")


@pytest.mark.parametrize("wrong", ["a b", "x" * 65, "a\n", "", "a/b"], ids=ascii)
def test_what_cannot_be_an_id_is_400_without_a_look_at_the_table(wrong: str) -> None:
    assert message_of(get_lead.handler(get(leadId=wrong), None), 400)[0] == "INVALID_REQUEST"


def test_a_table_that_cannot_be_reached_is_503(
    leads: LeadTable, lead_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads, "_table", "no-such-table")
    assert message_of(get_lead.handler(get(leadId=lead_id), None), 503)[0] == "UNAVAILABLE"
