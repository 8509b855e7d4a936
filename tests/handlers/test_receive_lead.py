import json
from collections.abc import Callable
from typing import Any

import pytest

from handlers.orchestration import receive_lead
from handlers.shared.errors import InvalidLead, Unavailable
from handlers.shared.lead_table import Issue, LeadTable
from tests.handlers.samples import ALICE, BENEFIT, LEAD, PARTNER, PERSONAL, SPELLINGS, lead_event

Item = Callable[[str], dict[str, Any] | None]


def receive(event: object, execution: str = "one") -> dict[str, Any]:
    return receive_lead.handler({"event": event, "execution": execution}, None)


def test_a_lead_is_claimed_and_laid_out_for_each_step(leads: LeadTable, lead_id: str) -> None:
    result = receive(lead_event(lead_id))
    assert result == {
        "leadId": lead_id,
        "duplicate": False,
        "records": {"client": ALICE, "partner": PARTNER, "benefit": BENEFIT},
    }
    status = leads.status(lead_id)
    assert (status["status"], status["step"]) == ("PROCESSING", "received")


def test_what_is_laid_out_holds_to_the_contract_of_each_step(
    leads: LeadTable, lead_id: str, the_contract: Any
) -> None:
    records = receive(lead_event(lead_id))["records"]
    for step, schema in (("client", "Client"), ("partner", "Partner"), ("benefit", "Benefit")):
        the_contract.validate(schema, records[step])


def test_an_event_from_elsewhere_gets_its_own_id_for_the_lead(leads: LeadTable) -> None:
    event = lead_event() | {"id": "event-without-lead-id"}
    assert receive(event)["leadId"] == "event-without-lead-id"
    assert receive(event, "two")["duplicate"], "the same event again is the same lead"


def test_the_same_event_twice_ends_as_a_duplicate_that_did_nothing(
    leads: LeadTable, lead_id: str, item: Item
) -> None:
    receive(lead_event(lead_id))
    before = item(lead_id)
    assert receive(lead_event(lead_id), "two") == {"leadId": lead_id, "duplicate": True, "records": {}}
    assert item(lead_id) == before


def test_a_repeat_by_the_same_execution_is_no_duplicate(leads: LeadTable, lead_id: str) -> None:
    assert receive(lead_event(lead_id)) == receive(lead_event(lead_id))


def test_a_failed_lead_that_is_sent_again_goes_through_the_flow_again(leads: LeadTable, lead_id: str) -> None:
    receive(lead_event(lead_id))
    error = Issue(step="CreateClient", code="CrmUnavailable", description="no answer")
    leads.fail(lead_id, "one", error, lead_event(lead_id))
    assert not receive(lead_event(lead_id), "two")["duplicate"]


@pytest.mark.parametrize(("spelling", "canonical"), SPELLINGS)
def test_every_record_is_laid_out_under_the_canonical_rut(
    leads: LeadTable, lead_id: str, spelling: str, canonical: str
) -> None:
    records = receive(lead_event(lead_id, rut=spelling))["records"]
    assert [record["rut"] for record in records.values()] == [canonical] * 3


@pytest.mark.parametrize("phone", [54545454, "54545454", 54545454.0])
def test_a_phone_is_passed_on_as_it_came(leads: LeadTable, lead_id: str, phone: object) -> None:
    assert receive(lead_event(lead_id, phone=phone))["records"]["client"]["phone"] == phone


@pytest.mark.parametrize(
    "event",
    [
        lead_event("lead") | {"detail": None},
        lead_event("lead") | {"detail": []},
        lead_event("lead") | {"detail": "text"},
        {},
        lead_event("lead", rut="11111111-2"),
        lead_event("lead", name=None),
        lead_event("lead", extra=1),
        lead_event("lead", origin="mail"),
        lead_event(""),
        lead_event("x" * 65),
        lead_event("acooper@alice.com"),
        lead_event("lead", origin="app"),
        lead_event("lead") | {"source": "leadbridge.app"},
        lead_event("lead") | {"source": "web"},
        {name: value for name, value in lead_event("lead").items() if name != "source"},
        "alice",
        [lead_event("lead")],
        None,
    ],
    ids=range(18),
)
def test_an_event_that_is_no_lead_is_refused_without_a_word_of_its_data(
    leads: LeadTable, item: Item, event: object
) -> None:
    with pytest.raises(InvalidLead) as refused:
        receive(event)
    assert not [
        value for value in (*PERSONAL, "11111111-2") if value in str(refused.value).replace("11111111-1", "")
    ]
    assert item("lead") is None, "nothing is claimed for it"


@pytest.mark.parametrize("lead_id", [None, 7, True, ["lead"]])
def test_a_lead_id_that_is_no_text_is_refused(leads: LeadTable, lead_id: object) -> None:
    event = lead_event()
    event["detail"]["leadId"] = lead_id
    with pytest.raises(InvalidLead):
        receive(event)


def test_the_log_names_the_lead_and_no_person(
    leads: LeadTable, lead_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    receive(lead_event(lead_id))
    receive(lead_event(lead_id), "two")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["leadId"] for line in lines] == [lead_id, lead_id]
    assert not [value for value in PERSONAL if value in json.dumps(lines)]


def test_a_table_that_cannot_be_reached_is_an_error_that_the_flow_retries(
    leads: LeadTable, lead_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads, "_table", "no-such-table")
    with pytest.raises(Unavailable):
        receive(lead_event(lead_id))


def test_the_lead_of_the_samples_is_the_union_of_the_three_records() -> None:
    assert LEAD.keys() == {*ALICE, *PARTNER, *BENEFIT, "origin"}
