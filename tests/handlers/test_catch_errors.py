import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from handlers.orchestration import catch_errors, receive_lead
from handlers.orchestration.dead_letters import DeadLetterQueue
from handlers.shared.errors import InvalidLead, Unavailable
from handlers.shared.lead_table import LeadTable
from tests.handlers.failures import catch, failure
from tests.handlers.samples import PERSONAL, lead_event

Item = Callable[[str], dict[str, Any] | None]
Alerts = Callable[[], list[dict[str, str]]]
Letters = Callable[[], list[dict[str, Any]]]


REJECTED = failure("CreatePartner", "CrmRejected", "/create_partner answered 400 INVALID_REQUEST")


def complete(leads: LeadTable, lead_id: str, execution: str) -> None:
    leads.claim(lead_id, execution, "web")
    leads.progress(lead_id, execution, "benefit", final=True)


def test_a_failed_lead_is_recorded_with_its_state_its_reason_and_its_event(
    leads: LeadTable, alerts: Alerts, lead_id: str, item: Item
) -> None:
    leads.claim(lead_id, "one", "web")
    leads.progress(lead_id, "one", "client")
    event = lead_event(lead_id)
    assert catch(event, REJECTED) == {"leadId": lead_id}
    assert leads.status(lead_id) | {"updatedAt": ""} == {
        "leadId": lead_id,
        "status": "FAILED",
        "step": "client",
        "updatedAt": "",
        "error": {
            "step": "CreatePartner",
            "code": "CrmRejected",
            "description": "/create_partner answered 400 INVALID_REQUEST",
        },
    }
    kept = item(lead_id)
    assert kept is not None
    assert json.loads(kept["payload"]["S"]) == event
    assert alerts() == [{"leadId": lead_id, "state": "CreatePartner", "code": "CrmRejected"}]


def test_what_was_kept_can_go_through_the_flow_again(
    leads: LeadTable, alerts: Alerts, lead_id: str, item: Item
) -> None:
    receive_lead.handler({"event": lead_event(lead_id), "execution": "one"}, None)
    catch(lead_event(lead_id), REJECTED)
    kept = item(lead_id)
    assert kept is not None
    task = {"event": json.loads(kept["payload"]["S"]), "execution": "two"}
    assert not receive_lead.handler(task, None)["duplicate"]


@pytest.mark.parametrize("error", ["CrmUnavailable", "CrmRejected", "InvalidLead", "Unavailable"])
def test_our_own_errors_are_described_in_their_own_words(
    leads: LeadTable, alerts: Alerts, lead_id: str, error: str
) -> None:
    catch(lead_event(lead_id), failure("CreateClient", error, "our words"))
    assert leads.status(lead_id)["error"]["description"] == "our words"


@pytest.mark.parametrize(
    "error", ["KeyError", "Runtime.ExitError", "States.Timeout", "States.DataLimitExceeded", "Lambda.Unknown"]
)
def test_any_other_error_is_described_without_its_words(
    leads: LeadTable, alerts: Alerts, lead_id: str, error: str
) -> None:
    catch(lead_event(lead_id), failure("CreateClient", error, "'acooper@alice.com' 11111111-1"))
    description = leads.status(lead_id)["error"]["description"]
    assert description == f"The state CreateClient ended with {error}."


@pytest.mark.parametrize("cause", ["", "alice", "{}", "[]", "null", '{"errorMessage"'])
def test_a_cause_that_cannot_be_read_is_not_quoted(
    leads: LeadTable, alerts: Alerts, lead_id: str, cause: str
) -> None:
    catch(lead_event(lead_id), failure("CreateClient", "CrmRejected", cause=cause))
    assert leads.status(lead_id)["error"]["description"] == "The state gave no reason."


def test_an_invalid_lead_is_described_by_its_fields_only(leads: LeadTable, alerts: Alerts, lead_id: str) -> None:
    event = lead_event(lead_id, rut="22222222-1", phone="canary", mail="canary", extra="canary")
    with pytest.raises(InvalidLead) as refused:
        receive_lead.handler({"event": event, "execution": "one"}, None)
    catch(event, failure("ReceiveLead", "InvalidLead", str(refused.value)))
    status = json.dumps(leads.status(lead_id))
    assert "rut: must be" in status
    assert not [value for value in ("canary", "22222222", "alice") if value in status]


@pytest.mark.parametrize(
    "wrong", ["", "x" * 65, "x" * 3_000, "acooper@alice.com", "alice cooper", 7, None, {"a": 1}], ids=ascii
)
def test_an_event_whose_lead_id_is_none_is_kept_under_the_events_own(
    leads: LeadTable, alerts: Alerts, item: Item, wrong: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table refuses some of these as keys, and the others would be said aloud in logs and alerts."""
    event_id = str(uuid.uuid4())
    event = lead_event() | {"id": event_id}
    event["detail"]["leadId"] = wrong
    assert catch(event, failure("ReceiveLead", "InvalidLead", "leadId: wrong")) == {"leadId": event_id}
    kept = item(event_id)
    assert kept is not None
    assert json.loads(kept["payload"]["S"]) == event, "the event is kept as it came"
    assert [alert["leadId"] for alert in alerts()] == [event_id]
    assert not [value for value in PERSONAL if value in capsys.readouterr().out]


@pytest.mark.parametrize(
    "event", ["alice", None, [], {}, {"id": ""}, {"id": 7, "detail": {"leadId": ""}}], ids=str
)
def test_an_execution_started_by_hand_with_anything_is_kept_under_its_own_name(
    leads: LeadTable, alerts: Alerts, item: Item, event: Any
) -> None:
    name = str(uuid.uuid4())
    execution = f"arn:aws:states:us-east-1:000000000000:execution:lead-flow:{name}"
    assert catch(event, failure("ReceiveLead", "InvalidLead", "no object"), execution) == {"leadId": name}
    kept = item(name)
    assert kept is not None
    assert json.loads(kept["payload"]["S"]) == event


@pytest.mark.parametrize("detail", [None, "alice", [1], {}])
def test_an_event_without_a_lead_is_kept_under_its_own_id(
    leads: LeadTable, alerts: Alerts, detail: object
) -> None:
    event_id = str(uuid.uuid4())
    event = lead_event() | {"id": event_id, "detail": detail}
    assert catch(event, failure("ReceiveLead", "InvalidLead", "no object")) == {"leadId": event_id}
    assert leads.status(event_id)["status"] == "FAILED"


def test_an_event_with_the_id_of_another_lead_is_a_dead_letter_and_leaves_that_lead_alone(
    leads: LeadTable, alerts: Alerts, letters: Letters, lead_id: str, item: Item
) -> None:
    event_id = str(uuid.uuid4())
    complete(leads, lead_id, "one")
    before = item(lead_id)
    event = lead_event(lead_id, rut="22222222-1") | {"id": event_id}
    catch(event, failure("ReceiveLead", "InvalidLead", "rut: wrong"), "two")
    assert item(lead_id) == before
    assert item(event_id) is None, "nobody ever gave a lead that id"
    (letter,) = letters()
    assert (letter["event"], letter["code"]) == (event, "IdOfAnotherLead")
    assert letter["reason"].endswith("ReceiveLead: InvalidLead: rut: wrong")
    assert alerts() == []


def test_an_event_with_anothers_id_that_is_nested_too_deeply_is_a_dead_letter_too(
    leads: LeadTable, alerts: Alerts, letters: Letters, lead_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(DeadLetterQueue, "put", lambda self, *words: sent.append(words))
    complete(leads, lead_id, "one")
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    catch(lead_event(lead_id, deep=deep), failure("ReceiveLead", "InvalidLead", "too deep"), "two")
    assert [words[1:3] for words in sent] == [("two", "IdOfAnotherLead")]


def test_a_dead_letter_of_an_event_too_deep_to_write_names_its_execution() -> None:
    class Queue:
        body = ""

        def send_message(self, **sent: Any) -> dict[str, str]:
            self.body = sent["MessageBody"]
            return {"MessageId": "1"}

    deep: Any = {}
    for _ in range(5_000):
        deep = {"detail": deep}
    queue = Queue()
    DeadLetterQueue(queue, "url").put(deep, "arn:of:the:execution", "IdOfAnotherLead", "why")
    assert queue.body == "the input of arn:of:the:execution"


def test_a_dead_letter_queue_that_cannot_be_reached_is_an_error_that_the_flow_retries(
    leads: LeadTable, alerts: Alerts, lead_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(leads, lead_id, "one")
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", "http://127.0.0.1/000000000000/none")
    with pytest.raises(Unavailable):
        catch(lead_event(lead_id, rut="22222222-1"), REJECTED, "two")


def test_an_execution_that_failed_after_it_had_completed_its_lead_leaves_no_failed_lead(
    leads: LeadTable, alerts: Alerts, lead_id: str, item: Item
) -> None:
    """The last step's answer was lost and its repeat failed: the rows are in the CRM all the same."""
    event_id = str(uuid.uuid4())
    complete(leads, lead_id, "one")
    before = item(lead_id)
    event = lead_event(lead_id) | {"id": event_id}
    assert catch(event, failure("CreateBenefit", "CrmUnavailable", "no answer")) == {"leadId": lead_id}
    assert item(lead_id) == before
    assert item(event_id) is None, "a lead that is done must not be listed for a replay"
    assert alerts() == []


def test_a_stale_execution_leaves_a_replay_alone(
    leads: LeadTable, alerts: Alerts, lead_id: str, item: Item
) -> None:
    leads.claim(lead_id, "one", "web")
    catch(lead_event(lead_id), REJECTED)
    leads.claim(lead_id, "two", "web")
    before = item(lead_id)
    catch(lead_event(lead_id) | {"id": str(uuid.uuid4())}, REJECTED, "one")
    assert item(lead_id) == before


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED"])
def test_an_interrupted_execution_leaves_a_failed_lead_that_can_be_replayed(
    leads: LeadTable, alerts: Alerts, lead_id: str, item: Item, status: str
) -> None:
    execution = f"arn:aws:states:us-east-1:000000000000:execution:lead-flow:{uuid.uuid4()}"
    leads.claim(lead_id, execution, "web")
    leads.progress(lead_id, execution, "client")
    event = lead_event(lead_id)
    change = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "id": "status-change",
        "detail": {"status": status, "executionArn": execution, "input": json.dumps(event)},
    }
    assert catch_errors.handler(change, None) == {"leadId": lead_id}
    found = leads.status(lead_id)
    assert (found["status"], found["step"]) == ("FAILED", "client")
    assert found["error"] == {
        "step": "LeadFlow",
        "code": f"Execution.{status}",
        "description": f"The state LeadFlow ended with Execution.{status}.",
    }
    kept = item(lead_id)
    assert kept is not None
    assert json.loads(kept["payload"]["S"]) == event
    assert alerts() == [{"leadId": lead_id, "state": "LeadFlow", "code": f"Execution.{status}"}]


def test_an_interrupted_execution_whose_input_was_left_out_is_recorded_under_its_own_name(
    leads: LeadTable, alerts: Alerts
) -> None:
    name = str(uuid.uuid4())
    execution = f"arn:aws:states:us-east-1:000000000000:execution:lead-flow:{name}"
    change = {
        "source": "aws.states",
        "id": "status-change",
        "detail": {"status": "ABORTED", "executionArn": execution, "input": None},
    }
    assert catch_errors.handler(change, None) == {"leadId": name}
    assert leads.status(name)["error"]["code"] == "Execution.ABORTED"


def test_an_execution_interrupted_after_its_lead_was_done_changes_nothing(
    leads: LeadTable, alerts: Alerts, lead_id: str, item: Item
) -> None:
    complete(leads, lead_id, "one")
    before = item(lead_id)
    change = {
        "source": "aws.states",
        "id": "status-change",
        "detail": {"status": "ABORTED", "executionArn": "one", "input": json.dumps(lead_event(lead_id))},
    }
    catch_errors.handler(change, None)
    assert item(lead_id) == before
    assert alerts() == []


def test_a_lead_that_cannot_be_announced_is_recorded_first_and_may_be_repeated(
    leads: LeadTable, alerts: Alerts, lead_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deaf:
        def raise_alert(self, subject: str, details: object) -> None:
            raise Unavailable("the topic of alerts can't be reached; try again later")

    with monkeypatch.context() as patch:
        patch.setattr(catch_errors, "_alerts", lambda: Deaf())
        with pytest.raises(Unavailable):
            catch(lead_event(lead_id), REJECTED)
    assert leads.status(lead_id)["status"] == "FAILED"
    catch(lead_event(lead_id), REJECTED)
    assert [alert["leadId"] for alert in alerts()] == [lead_id]


def test_a_topic_that_is_not_there_is_an_error_that_the_flow_retries(
    leads: LeadTable, letters: Letters, lead_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:none")
    with pytest.raises(Unavailable):
        catch(lead_event(lead_id), REJECTED)


def test_a_table_that_cannot_be_reached_is_an_error_that_the_flow_retries(
    leads: LeadTable, alerts: Alerts, lead_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads, "_table", "no-such-table")
    with pytest.raises(Unavailable):
        catch(lead_event(lead_id), REJECTED)
    assert alerts() == []
