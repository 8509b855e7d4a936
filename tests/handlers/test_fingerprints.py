"""A lead's own event is told from another's by what nobody can guess a RUT from; items without it still work."""

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from handlers.orchestration import catch_errors, receive_lead
from handlers.shared import fingerprint
from handlers.shared.errors import Unavailable
from handlers.shared.fingerprint import Fingerprints
from handlers.shared.lead_table import LeadTable
from tests.handlers.failures import catch, failure, interrupted
from tests.handlers.samples import LEAD, lead_event

Item = Callable[[str], dict[str, Any] | None]
Alerts = Callable[[], list[dict[str, str]]]
Letters = Callable[[], list[dict[str, Any]]]
INVALID = failure("ReceiveLead", "InvalidLead", "rut: wrong")


def receive(event: Any, execution: str = "one") -> bool:
    """Whether the event is a duplicate."""
    return bool(receive_lead.handler({"event": event, "execution": execution}, None)["duplicate"])


def mark(lead_id: str, detail: Any) -> str:
    return fingerprint.from_environment().of(lead_id, detail).mac


@pytest.fixture
def as_of_an_earlier_release(
    leads: LeadTable, aws_client: Callable[[str], Any], lead_table_name: str
) -> Callable[..., None]:
    """Writes an item as the release before fingerprints did."""

    def write(lead_id: str, status: str, digest_of: Any = None, **more: str) -> None:
        texts = {"leadId": lead_id, "status": status, "step": "received", "origin": "web", "claimedBy": "old"}
        texts |= {"updatedAt": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z", **more}
        if digest_of is not None:
            texts["digest"] = hashlib.sha256(json.dumps(digest_of, sort_keys=True).encode()).hexdigest()
        if status == "SUBMITTED":
            del texts["claimedBy"]
        item = {name: {"S": text} for name, text in texts.items()}
        aws_client("dynamodb").put_item(TableName=lead_table_name, Item=item)

    return write


def test_the_fingerprint_is_the_datas_and_the_ids(leads: LeadTable) -> None:
    same = [
        mark("a", LEAD),
        mark("a", {**LEAD, "leadId": "a"}),
        mark("a", dict(reversed(LEAD.items()))),
        mark("a", {**LEAD, "phone": float(LEAD["phone"])}),
    ]
    assert len(set(same)) == 1, "by whatever event it comes"
    others = [
        mark("b", LEAD),
        mark("a", {**LEAD, "leadId": "b"}),
        mark("a", {**LEAD, "rut": "22222222-2"}),
        mark("a", {**LEAD, "phone": f"+{LEAD['phone']}"}),
        mark("a", {**LEAD, "rut": "11111111-2"}),
        mark("a", {**LEAD, "rut": "011111111-2"}),
        mark("a", {**LEAD, "extra": None}),
        *(mark("a", each) for each in (None, "", "null", [], {}, [[]], [{}], {"": []}, 0, False, [1, 2], [2, 1])),
    ]
    assert len({*others, same[0]}) == len(others) + 1


@pytest.mark.parametrize(
    "other",
    [
        {"rut": "020347783-K"},
        {"rut": "20347783-k"},
        {"rut": "0000020347783-k", "phone": 54545454},
        {"phone": 54545454},
        {"phone": 54545454.0},
    ],
    ids=str,
)
def test_a_lead_sent_again_in_another_spelling_is_a_duplicate(
    leads: LeadTable, alerts: Alerts, letters: Letters, lead_id: str, item: Item, other: dict[str, Any]
) -> None:
    event = lead_event(lead_id, rut="20347783-K", phone="54545454")
    again = lead_event(lead_id, **{"rut": "20347783-K", "phone": "54545454", **other})
    assert not receive(event)
    before = item(lead_id)
    assert receive(again, "two")
    catch_errors.handler(interrupted("three", json.dumps(again)), None)
    assert (item(lead_id), alerts(), letters()) == (before, [], [])


def test_numbers_are_compared_as_a_state_machine_hands_them_on(leads: LeadTable) -> None:
    assert mark("a", [12345678901234567890]) == mark("a", [12345678901234567000])
    assert mark("a", [10**400]) == mark("a", [10**401])
    assert mark("a", [0.5]) != mark("a", [0])


def test_nobody_without_the_key_can_try_ruts_out(
    leads: LeadTable, lead_id: str, item: Item, aws_client: Callable[[str], Any]
) -> None:
    receive(lead_event(lead_id))
    kept = item(lead_id) or {}
    created = aws_client("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]
    other = Fingerprints(aws_client("kms"), created["Arn"]).of(lead_id, LEAD)
    assert kept["fingerprint"]["S"] == mark(lead_id, LEAD)
    assert other.mac != kept["fingerprint"]["S"], "the key makes it, and it is not in the table"
    guesses = [{**LEAD, "leadId": lead_id}, LEAD, LEAD["rut"], [lead_id, LEAD]]
    for guess in guesses:
        text = json.dumps(guess, sort_keys=True).encode()
        assert hashlib.sha256(text).hexdigest() not in json.dumps(kept)
    for digest in fingerprint.from_environment().of(lead_id, LEAD).older:
        assert digest not in json.dumps(kept)


def test_the_fingerprint_stays_when_the_lead_is_done(leads: LeadTable, lead_id: str, item: Item) -> None:
    receive(lead_event(lead_id))
    leads.progress(lead_id, "one", "benefit", final=True)
    kept = item(lead_id) or {}
    assert (kept["status"]["S"], kept["fingerprint"]["S"]) == ("COMPLETED", mark(lead_id, LEAD))


def test_a_key_that_can_not_be_reached_is_an_error_that_the_flow_retries(
    leads: LeadTable, lead_id: str, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY_ARN", "arn:aws:kms:us-east-1:000000000000:key/none")
    with pytest.raises(Unavailable):
        receive(lead_event(lead_id))
    assert item(lead_id) is None


def test_a_report_that_comes_after_another_execution_finished_the_lead_does_nothing(
    leads: LeadTable, alerts: Alerts, letters: Letters, lead_id: str, item: Item
) -> None:
    """Aborted before it could claim; the event came once more and went through."""
    receive(lead_event(lead_id), "two")
    leads.progress(lead_id, "two", "benefit", final=True)
    before = item(lead_id)
    event = lead_event(lead_id) | {"id": str(uuid.uuid4())}
    for _ in range(3):
        assert catch_errors.handler(interrupted("one", json.dumps(event)), None) == {"leadId": lead_id}
    assert item(lead_id) == before
    assert item(event["id"]) is None
    assert (alerts(), letters()) == ([], [])


def test_a_valid_lead_with_another_leads_id_does_nothing_and_is_kept(
    leads: LeadTable, alerts: Alerts, letters: Letters, lead_id: str, item: Item
) -> None:
    receive(lead_event(lead_id))
    before = item(lead_id)
    other = lead_event(lead_id, name="bob") | {"id": str(uuid.uuid4())}
    assert receive(other, "two"), "a duplicate"
    assert item(lead_id) == before
    assert [each["event"] for each in letters()] == [other], "it is no duplicate: nobody else has its data"
    assert alerts() == []


def test_what_an_earlier_release_left_unfinished_is_brought_through(
    leads: LeadTable, lead_id: str, as_of_an_earlier_release: Callable[..., None], item: Item
) -> None:
    as_of_an_earlier_release(lead_id, "SUBMITTED")
    assert not receive(lead_event(lead_id))
    assert "fingerprint" in (item(lead_id) or {})


@pytest.mark.parametrize("with_id", [True, False])
def test_a_lead_that_an_earlier_release_failed_is_replayed(
    leads: LeadTable, lead_id: str, as_of_an_earlier_release: Callable[..., None], item: Item, with_id: bool
) -> None:
    """Its digest is of the event's detail, which may have had no id."""
    event = lead_event(lead_id)
    as_of_an_earlier_release(lead_id, "FAILED", event["detail"] if with_id else LEAD, failed="yes")
    assert not receive(event, "replay")
    kept = item(lead_id) or {}
    assert ("fingerprint" in kept, "digest" in kept) == (True, False), "RUTs can be tried out on a digest"


@pytest.mark.parametrize("phone", [54545454.0, 54545454])
def test_a_lead_with_an_earlier_releases_digest_is_known_however_its_numbers_come(
    leads: LeadTable, lead_id: str, as_of_an_earlier_release: Callable[..., None], phone: float
) -> None:
    as_of_an_earlier_release(lead_id, "FAILED", lead_event(lead_id, phone=54545454)["detail"], failed="yes")
    assert not receive(lead_event(lead_id, phone=phone), "replay")


def test_a_lead_that_an_earlier_release_failed_without_a_digest_is_replayed(
    leads: LeadTable, lead_id: str, as_of_an_earlier_release: Callable[..., None]
) -> None:
    as_of_an_earlier_release(lead_id, "FAILED", failed="yes")
    assert not receive(lead_event(lead_id), "replay")


def test_a_lead_that_an_earlier_release_claimed_fails_as_its_own(
    leads: LeadTable, alerts: Alerts, lead_id: str, as_of_an_earlier_release: Callable[..., None]
) -> None:
    as_of_an_earlier_release(lead_id, "PROCESSING", unfinished="yes")
    catch(lead_event(lead_id), failure("CreateClient", "CrmRejected", "no"), "old")
    assert leads.status(lead_id)["status"] == "FAILED"
    assert [each["leadId"] for each in alerts()] == [lead_id]


@pytest.mark.parametrize("status", ["PROCESSING", "FAILED"])
def test_a_report_about_a_lead_with_an_earlier_releases_digest_does_nothing(
    leads: LeadTable,
    alerts: Alerts,
    letters: Letters,
    lead_id: str,
    item: Item,
    as_of_an_earlier_release: Callable[..., None],
    status: str,
) -> None:
    event = lead_event(lead_id)
    as_of_an_earlier_release(lead_id, status, event["detail"])
    before = item(lead_id)
    catch_errors.handler(interrupted("one", json.dumps(event)), None)
    assert item(lead_id) == before
    assert (alerts(), letters()) == ([], [])


@pytest.mark.parametrize("status", ["PROCESSING", "COMPLETED"])
def test_a_report_about_a_lead_that_nothing_is_known_of_is_an_operators(
    leads: LeadTable,
    alerts: Alerts,
    letters: Letters,
    lead_id: str,
    item: Item,
    as_of_an_earlier_release: Callable[..., None],
    status: str,
) -> None:
    """It may be the lead's own or another's: it is not lost, and leaves no lead under an id of its own."""
    event = lead_event(lead_id) | {"id": str(uuid.uuid4())}
    as_of_an_earlier_release(lead_id, status)
    before = item(lead_id)
    catch_errors.handler(interrupted("one", json.dumps(event)), None)
    assert item(lead_id) == before
    assert item(event["id"]) is None
    assert [each["event"] for each in letters()] == [event]
    assert alerts() == []
    assert receive(event, "two"), "put on the bus again, it is a duplicate"
