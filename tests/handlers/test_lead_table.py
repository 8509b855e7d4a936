import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handlers.shared.errors import NotFound, Unavailable
from handlers.shared.lead_table import RETENTION_SECONDS, Failure, Issue, LeadTable
from tests.handlers.http_server import Reply, ScriptedServer
from tests.handlers.samples import PERSONAL, lead_event
from tests.handlers.servers import HOST, free_port

ClientAt = Callable[..., Any]
Item = Callable[[str], dict[str, Any] | None]
ERROR = Issue(step="CreatePartner", code="CrmUnavailable", description="/create_partner did not answer")
OTHER_ERROR = Issue(step="CreateClient", code="CrmRejected", description="/create_client answered 400")


def warning(step: str, code: str = "CONFLICT") -> Issue:
    return Issue(step=step, code=code, description=f"The CRM holds other data for this {step}.")


def text(item: Item, lead_id: str, *names: str) -> tuple[str, ...]:
    found = item(lead_id)
    assert found is not None
    return tuple(found[name]["S"] for name in names)


def attributes(item: Item, lead_id: str) -> set[str]:
    found = item(lead_id)
    assert found is not None
    return set(found)


def warnings(item: Item, lead_id: str) -> dict[str, dict[str, str]]:
    found = item(lead_id)
    assert found is not None
    return {
        step: {name: value["S"] for name, value in each["M"].items()}
        for step, each in found["warnings"]["M"].items()
    }


def complete(leads: LeadTable, lead_id: str, execution: str) -> None:
    assert leads.claim(lead_id, execution, "web")
    for step in ("client", "partner", "benefit"):
        assert leads.progress(lead_id, execution, step, final=step == "benefit")


def test_a_submitted_lead_can_be_claimed(leads: LeadTable, lead_id: str, item: Item) -> None:
    leads.submit(lead_id, "app")
    [created] = text(item, lead_id, "createdAt")
    assert leads.claim(lead_id, "one", "app")
    assert text(item, lead_id, "status", "step", "origin") == ("PROCESSING", "received", "app")
    assert text(item, lead_id, "claimedBy", "createdAt") == ("one", created)


def test_a_lead_from_elsewhere_can_be_claimed_without_having_been_submitted(
    leads: LeadTable, lead_id: str, item: Item
) -> None:
    assert leads.claim(lead_id, "one", "app")
    assert {"createdAt", "updatedAt", "origin"} <= attributes(item, lead_id)


def test_the_same_execution_may_claim_again(leads: LeadTable, lead_id: str) -> None:
    assert leads.claim(lead_id, "one", "web")
    assert leads.claim(lead_id, "one", "web"), "its first answer may have been lost"


def test_another_execution_may_not_claim_a_lead_in_progress(leads: LeadTable, lead_id: str, item: Item) -> None:
    assert leads.claim(lead_id, "one", "web")
    leads.progress(lead_id, "one", "client")
    before = item(lead_id)
    assert not leads.claim(lead_id, "two", "app")
    assert item(lead_id) == before, "a duplicate changes nothing"


@pytest.mark.parametrize("execution", ["one", "two"])
def test_a_completed_lead_cannot_be_claimed(leads: LeadTable, lead_id: str, item: Item, execution: str) -> None:
    complete(leads, lead_id, "one")
    before = item(lead_id)
    assert not leads.claim(lead_id, execution, "web")
    assert item(lead_id) == before


def test_of_many_executions_that_claim_at_once_one_gets_the_lead(leads: LeadTable, lead_id: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda number: leads.claim(lead_id, f"execution-{number}", "web"), range(8)))
    assert claims.count(True) == 1


def test_a_failed_lead_can_be_replayed_and_starts_without_its_past(
    leads: LeadTable, lead_id: str, item: Item
) -> None:
    leads.submit(lead_id, "web")
    [created] = text(item, lead_id, "createdAt")
    leads.claim(lead_id, "one", "web")
    leads.progress(lead_id, "one", "client", warning=warning("client"))
    assert leads.fail(lead_id, "one", ERROR, lead_event(lead_id)) is Failure.RECORDED
    assert leads.claim(lead_id, "two", "web")
    assert text(item, lead_id, "status", "step", "claimedBy", "createdAt") == (
        "PROCESSING",
        "received",
        "two",
        created,
    )
    assert not {"error", "failed", "warnings"} & attributes(item, lead_id)


def test_another_event_with_a_failed_leads_id_leaves_its_payload_for_the_replay(
    leads: LeadTable, lead_id: str, item: Item
) -> None:
    leads.claim(lead_id, "one", "web")
    leads.fail(lead_id, "one", ERROR, lead_event(lead_id))
    before = text(item, lead_id, "payload")
    leads.fail(lead_id, "two", OTHER_ERROR, {"detail": {"leadId": lead_id, "junk": True}})
    assert text(item, lead_id, "payload") == before
    leads.claim(lead_id, "three", "web")
    assert text(item, lead_id, "payload") == before, "kept until the lead is done"


def test_of_two_replays_one_gets_the_lead(leads: LeadTable, lead_id: str) -> None:
    leads.claim(lead_id, "one", "web")
    leads.fail(lead_id, "one", ERROR, lead_event(lead_id))
    assert leads.claim(lead_id, "two", "web")
    assert not leads.claim(lead_id, "three", "web")


def test_the_last_step_completes_the_lead_and_may_be_repeated(leads: LeadTable, lead_id: str, item: Item) -> None:
    complete(leads, lead_id, "one")
    assert text(item, lead_id, "status", "step") == ("COMPLETED", "benefit")
    assert leads.progress(lead_id, "one", "benefit", final=True), "its first answer may have been lost"


def test_an_earlier_step_that_comes_late_does_not_open_a_completed_lead_again(
    leads: LeadTable, lead_id: str, item: Item
) -> None:
    complete(leads, lead_id, "one")
    assert not leads.progress(lead_id, "one", "client")
    assert text(item, lead_id, "status", "step") == ("COMPLETED", "benefit")


def test_an_execution_that_lost_its_lead_cannot_note_progress(leads: LeadTable, lead_id: str, item: Item) -> None:
    leads.claim(lead_id, "one", "web")
    leads.fail(lead_id, "one", ERROR, lead_event(lead_id))
    assert not leads.progress(lead_id, "one", "partner"), "the lead has failed"
    leads.claim(lead_id, "two", "web")
    before = item(lead_id)
    for final in (False, True):
        assert not leads.progress(lead_id, "one", "partner", final=final, warning=warning("partner"))
    assert item(lead_id) == before


def test_progress_of_an_unknown_lead_makes_none(leads: LeadTable, lead_id: str, item: Item) -> None:
    assert not leads.progress(lead_id, "one", "client")
    assert item(lead_id) is None


def test_each_step_keeps_its_own_warning_once(leads: LeadTable, lead_id: str, item: Item) -> None:
    leads.claim(lead_id, "one", "web")
    leads.progress(lead_id, "one", "client", warning=warning("client"))
    leads.progress(lead_id, "one", "client", warning=warning("client"))
    leads.progress(lead_id, "one", "partner")
    leads.progress(lead_id, "one", "benefit", final=True, warning=warning("benefit"))
    leads.progress(lead_id, "one", "benefit", final=True, warning=warning("benefit"))
    assert warnings(item, lead_id) == {step: warning(step).as_dict() for step in ("client", "benefit")}
    assert leads.status(lead_id)["status"] == "COMPLETED"


def test_a_failed_lead_keeps_its_payload_its_reason_and_its_place_in_the_index(
    leads: LeadTable, lead_id: str, item: Item
) -> None:
    leads.claim(lead_id, "one", "web")
    leads.progress(lead_id, "one", "client", warning=warning("client"))
    event = lead_event(lead_id, name="María 李 😀")
    assert leads.fail(lead_id, "one", ERROR, event) is Failure.RECORDED
    assert text(item, lead_id, "status", "step", "failed") == ("FAILED", "client", "yes")
    assert json.loads(text(item, lead_id, "payload")[0]) == event
    assert leads.status(lead_id)["error"] == ERROR.as_dict()
    assert warnings(item, lead_id) == {"client": warning("client").as_dict()}


def test_the_payload_is_gone_once_a_replay_has_completed(leads: LeadTable, lead_id: str, item: Item) -> None:
    leads.claim(lead_id, "one", "web")
    leads.fail(lead_id, "one", ERROR, lead_event(lead_id))
    assert any(value in json.dumps(item(lead_id)) for value in PERSONAL)
    complete(leads, lead_id, "two")
    assert not [value for value in PERSONAL if value in json.dumps(item(lead_id))]
    assert not {"failed", "payload", "error"} & attributes(item, lead_id)


def test_a_lead_fails_before_it_was_claimed(leads: LeadTable, lead_id: str, item: Item) -> None:
    leads.submit(lead_id, "web")
    assert leads.fail(lead_id, "one", ERROR, lead_event(lead_id)) is Failure.RECORDED
    assert text(item, lead_id, "status", "step") == ("FAILED", "submitted")


def test_a_lead_that_nobody_noted_fails_all_the_same(leads: LeadTable, lead_id: str) -> None:
    assert leads.fail(lead_id, "one", ERROR, lead_event(lead_id)) is Failure.RECORDED
    status = leads.status(lead_id)
    assert (status["status"], status["step"]) == ("FAILED", "submitted")


def test_a_failure_may_be_noted_again(leads: LeadTable, lead_id: str) -> None:
    leads.claim(lead_id, "one", "web")
    assert leads.fail(lead_id, "one", ERROR, lead_event(lead_id)) is Failure.RECORDED
    assert leads.fail(lead_id, "one", ERROR, lead_event(lead_id)) is Failure.RECORDED, "its answer may be lost"


@pytest.mark.parametrize(("execution", "outcome"), [("one", Failure.KNOWN), ("two", Failure.FOREIGN)])
def test_a_failure_never_overwrites_a_completed_lead(
    leads: LeadTable, lead_id: str, item: Item, execution: str, outcome: Failure
) -> None:
    complete(leads, lead_id, "one")
    before = item(lead_id)
    assert leads.fail(lead_id, execution, ERROR, lead_event(lead_id)) is outcome
    assert item(lead_id) == before


def test_a_stale_execution_cannot_fail_a_lead_that_is_being_replayed(
    leads: LeadTable, lead_id: str, item: Item
) -> None:
    leads.claim(lead_id, "one", "web")
    leads.fail(lead_id, "one", ERROR, lead_event(lead_id))
    leads.claim(lead_id, "two", "web")
    before = item(lead_id)
    assert leads.fail(lead_id, "one", OTHER_ERROR, lead_event(lead_id)) is Failure.FOREIGN
    assert item(lead_id) == before


def test_a_lead_expires_except_while_it_waits_for_a_replay(leads: LeadTable, lead_id: str, item: Item) -> None:
    def remaining() -> int | None:
        found = item(lead_id)
        assert found is not None
        return int(found["expiresAt"]["N"]) - int(time.time()) if "expiresAt" in found else None

    def fresh() -> bool:
        left = remaining()
        return left is not None and RETENTION_SECONDS - 5 <= left <= RETENTION_SECONDS

    leads.submit(lead_id, "web")
    assert fresh()
    leads.claim(lead_id, "one", "web")
    assert fresh()
    leads.fail(lead_id, "one", ERROR, lead_event(lead_id))
    assert remaining() is None, "a failed lead is kept until somebody has looked after it"
    complete(leads, lead_id, "two")
    assert fresh()


def test_only_a_submitted_lead_can_be_withdrawn(leads: LeadTable, lead_id: str, item: Item) -> None:
    leads.submit(lead_id, "web")
    leads.withdraw(lead_id)
    assert item(lead_id) is None
    leads.withdraw(lead_id)
    leads.claim(lead_id, "one", "web")
    leads.withdraw(lead_id)
    assert text(item, lead_id, "status") == ("PROCESSING",)


def test_an_id_that_is_taken_cannot_be_submitted_again(leads: LeadTable, lead_id: str, item: Item) -> None:
    complete(leads, lead_id, "one")
    before = item(lead_id)
    with pytest.raises(Exception, match="conditional"):
        leads.submit(lead_id, "web")
    assert item(lead_id) == before


def test_a_submission_whose_first_answer_was_lost_is_no_conflict_with_itself(
    cloud: str, lead_id: str, item: Item, client_at: ClientAt, lead_table_name: str
) -> None:
    """The SDK repeats a write by itself when it got no answer; the first one may have been done."""
    client = client_at("dynamodb", cloud)
    answers = []

    def lose_the_first_answer(response: Any, **_: object) -> int | None:
        answers.append(response)
        return 0 if len(answers) == 1 else None

    client.meta.events.register_last("needs-retry.dynamodb.PutItem", lose_the_first_answer)
    LeadTable(client, lead_table_name).submit(lead_id, "web")
    assert len(answers) == 2
    assert text(item, lead_id, "status") == ("SUBMITTED",)


def test_an_unknown_lead_has_no_status(leads: LeadTable, lead_id: str) -> None:
    with pytest.raises(NotFound):
        leads.status(lead_id)


CALLS: dict[str, Callable[[LeadTable], object]] = {
    "submit": lambda leads: leads.submit("lead", "web"),
    "withdraw": lambda leads: leads.withdraw("lead"),
    "claim": lambda leads: leads.claim("lead", "one", "web"),
    "progress": lambda leads: leads.progress("lead", "one", "client", warning=warning("client")),
    "fail": lambda leads: leads.fail("lead", "one", ERROR, {}),
    "status": lambda leads: leads.status("lead"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_table_that_cannot_be_reached_is_unavailable(name: str, client_at: ClientAt) -> None:
    leads = LeadTable(client_at("dynamodb", f"http://{HOST}:{free_port()}"), "leads")
    with pytest.raises(Unavailable):
        CALLS[name](leads)


@pytest.mark.parametrize("name", CALLS)
def test_a_table_that_throttles_is_unavailable(
    name: str, client_at: ClientAt, scripted: Callable[..., ScriptedServer]
) -> None:
    throttled = Reply.json(
        400, {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}
    )
    leads = LeadTable(client_at("dynamodb", scripted(throttled).url), "leads")
    with pytest.raises(Unavailable):
        CALLS[name](leads)
