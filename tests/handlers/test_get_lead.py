import json
from datetime import datetime

import pytest

from handlers.intake import get_lead
from handlers.shared.contract import Contract
from handlers.shared.lead_table import Issue, LeadTable
from tests.handlers.samples import PERSONAL, body_of, get, lead_event, message_of

ERROR = Issue(step="CreateClient", code="CrmRejected", description="/create_client answered 400 INVALID_REQUEST")
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


def test_a_failed_lead_says_why_and_keeps_its_payload_to_itself(
    leads: LeadTable, lead_id: str, the_contract: Contract
) -> None:
    leads.claim(lead_id, "one", "web")
    leads.fail(lead_id, "one", ERROR, lead_event(lead_id))
    body = status_of(lead_id, the_contract)
    assert (body["status"], body["step"], body["error"]) == ("FAILED", "received", ERROR.as_dict())
    assert not [value for value in PERSONAL if value in json.dumps(body)], "anyone who has the id may ask"


def test_a_lead_that_the_crm_holds_otherwise_carries_a_warning(
    leads: LeadTable, lead_id: str, the_contract: Contract
) -> None:
    leads.claim(lead_id, "one", "web")
    leads.progress(lead_id, "one", "client", warning=WARNING)
    assert status_of(lead_id, the_contract)["warnings"] == [WARNING.as_dict()]


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
