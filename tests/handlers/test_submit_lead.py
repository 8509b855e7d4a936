import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from handlers.intake import submit_lead
from handlers.shared import day_count, fingerprint
from handlers.shared.errors import EventBusUnavailable
from handlers.shared.lead_table import RETENTION_SECONDS, LeadTable
from tests.handlers.http_server import Reply, ScriptedServer
from tests.handlers.samples import LEAD, PERSONAL, SPELLINGS, body_of, message_of, post
from tests.handlers.servers import HOST, free_port

AwsClient = Callable[[str], Any]
ClientAt = Callable[..., Any]
Item = Callable[[str], dict[str, Any] | None]


def submit(leads: LeadTable, bus: submit_lead.EventBus) -> str:
    return submit_lead.submit(
        dict(LEAD), leads, fingerprint.from_environment(), bus, day_count.from_environment(), 1_000_000
    )


@pytest.fixture
def queue(aws_client: AwsClient, monkeypatch: pytest.MonkeyPatch) -> str:
    """Takes every event of a bus of this test's own; the functions know the bus."""
    name = f"bus-{uuid.uuid4().hex[:8]}"
    events, sqs = aws_client("events"), aws_client("sqs")
    events.create_event_bus(Name=name)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": [{"prefix": "leadbridge."}]})
    events.put_rule(Name=name, EventBusName=name, EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
    monkeypatch.setenv("EVENT_BUS_NAME", name)
    return str(url)


def events_in(aws_client: AwsClient, queue: str, wait: int) -> list[dict[str, Any]]:
    answer = aws_client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=wait, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.mark.parametrize("origin", ["web", "app"])
def test_an_accepted_lead_is_noted_and_is_on_the_bus(
    leads: LeadTable, queue: str, aws_client: AwsClient, item: Item, origin: str
) -> None:
    before = time.time()
    answer = submit_lead.handler(post(LEAD | {"origin": origin}), None)
    receipt = body_of(answer, 202)
    assert set(receipt) == {"leadId", "status"}
    assert receipt["status"] == "SUBMITTED"
    lead_id = receipt["leadId"]
    assert uuid.UUID(lead_id).version == 4, "who can guess an id can follow another's lead"
    assert answer["headers"]["Location"] == f"leads/{lead_id}"

    [event] = events_in(aws_client, queue, 5)
    assert event["source"] == f"leadbridge.{origin}"
    assert event["detail-type"] == "LeadReceived"
    assert event["detail"] == LEAD | {"origin": origin, "leadId": lead_id}

    noted = item(lead_id)
    assert noted is not None
    assert (noted["status"]["S"], noted["step"]["S"], noted["origin"]["S"]) == ("SUBMITTED", "submitted", origin)
    assert before + RETENTION_SECONDS - 1 <= int(noted["expiresAt"]["N"]) <= time.time() + RETENTION_SECONDS
    assert not [value for value in PERSONAL if value in json.dumps(noted)], "the lead's data is not kept here"


@pytest.mark.parametrize(("spelling", "canonical"), SPELLINGS)
def test_the_lead_on_the_bus_has_the_canonical_rut(
    leads: LeadTable, queue: str, aws_client: AwsClient, spelling: str, canonical: str
) -> None:
    body_of(submit_lead.handler(post(LEAD | {"rut": spelling}), None), 202)
    [event] = events_in(aws_client, queue, 5)
    assert event["detail"]["rut"] == canonical


def test_each_submission_is_a_lead_of_its_own(leads: LeadTable, queue: str) -> None:
    first, second = (body_of(submit_lead.handler(post(LEAD), None), 202)["leadId"] for _ in range(2))
    assert first != second


def test_names_of_any_script_arrive_on_the_bus_unchanged(
    leads: LeadTable, queue: str, aws_client: AwsClient
) -> None:
    names = {"name": "María José 李 😀", "lastname": 'O\'Neill "the \\ best"'}
    body_of(submit_lead.handler(post(LEAD | names), None), 202)
    [event] = events_in(aws_client, queue, 5)
    assert {field: event["detail"][field] for field in names} == names


@pytest.mark.parametrize("change", [{"rut": "11111111-2"}, {"leadId": "mine"}, {"extra": 1}], ids=str)
def test_an_invalid_lead_is_400_and_leaves_nothing(
    leads: LeadTable, queue: str, aws_client: AwsClient, change: dict[str, Any]
) -> None:
    code, _ = message_of(submit_lead.handler(post(LEAD | change), None), 400)
    assert code == "INVALID_REQUEST"
    assert events_in(aws_client, queue, 0) == []


@pytest.mark.parametrize(
    "refusal",
    [
        Reply.json(200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}),
        Reply.json(400, {"__type": "ThrottlingException", "message": "slow down"}),
        Reply.json(400, {"__type": "AccessDeniedException", "message": "no"}),
        Reply.json(500, {"__type": "InternalFailure"}),
        Reply(hold=True),
        Reply(body=b'{"FailedEntryCount": 0, "Entries": [{}]}', cut=True),
    ],
    ids=["failed entry", "throttled", "denied", "500", "silent", "cut"],
)
def test_a_lead_that_the_bus_did_not_take_is_forgotten(
    leads: LeadTable,
    scripted: Callable[..., ScriptedServer],
    aws_client: AwsClient,
    lead_table_name: str,
    client_at: ClientAt,
    refusal: Reply,
) -> None:
    day_count.from_environment().take(1_000_000)  # the day's count is there
    before = aws_client("dynamodb").scan(TableName=lead_table_name, ConsistentRead=True)["Count"]
    server = scripted(refusal)
    with pytest.raises(EventBusUnavailable):
        submit(leads, submit_lead.EventBus(client_at("events", server.url), "leads"))
    [request] = server.requests
    lead_id = json.loads(json.loads(request.body)["Entries"][0]["Detail"])["leadId"]
    assert request.headers["x-amz-target"] == "AWSEvents.PutEvents"
    after = aws_client("dynamodb").scan(TableName=lead_table_name, ConsistentRead=True)
    assert (after["Count"], lead_id in json.dumps(after["Items"])) == (before, False)


def test_an_unreachable_bus_is_503_with_nothing_left_and_nothing_personal_said(
    leads: LeadTable,
    aws_client: AwsClient,
    lead_table_name: str,
    client_at: ClientAt,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nowhere = submit_lead.EventBus(client_at("events", f"http://{HOST}:{free_port()}"), "leads")
    monkeypatch.setattr(submit_lead, "_bus", lambda: nowhere)
    day_count.from_environment().take(1_000_000)  # the day's count is there
    before = aws_client("dynamodb").scan(TableName=lead_table_name)["Count"]
    answer = submit_lead.handler(post(LEAD), None)
    assert message_of(answer, 503)[0] == "EVENT_BUS_UNAVAILABLE"
    assert aws_client("dynamodb").scan(TableName=lead_table_name)["Count"] == before
    said = answer["body"] + "".join(capsys.readouterr())
    assert not [value for value in (*PERSONAL, HOST) if value in said]


def test_a_table_that_cannot_be_reached_is_503_and_the_bus_hears_nothing(
    leads: LeadTable, queue: str, aws_client: AwsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads, "_table", "no-such-table")
    assert message_of(submit_lead.handler(post(LEAD), None), 503)[0] == "UNAVAILABLE"
    assert events_in(aws_client, queue, 0) == []


def test_a_lead_that_the_flow_took_although_the_bus_seemed_silent_is_kept(
    leads: LeadTable, scripted: Callable[..., ScriptedServer], item: Item
) -> None:
    class LateBus(submit_lead.EventBus):
        """The event got through, its answer did not."""

        def publish(self, lead_id: str, lead: dict[str, Any]) -> None:
            self.lead_id = lead_id
            assert leads.claim(lead_id, "execution", "web")
            raise EventBusUnavailable("no answer")

    bus = LateBus(None, "leads")
    with pytest.raises(EventBusUnavailable):
        submit(leads, bus)
    noted = item(bus.lead_id)
    assert noted is not None
    assert noted["status"]["S"] == "PROCESSING"


def test_the_log_holds_the_id_and_nothing_personal(
    leads: LeadTable, queue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt = body_of(submit_lead.handler(post(LEAD), None), 202)
    [line] = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert line["leadId"] == receipt["leadId"]
    assert not [value for value in PERSONAL if value in json.dumps(line)]


def test_a_missing_setting_is_a_500_that_names_it_in_the_log_only(
    leads: LeadTable, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = submit_lead.handler(post(LEAD), None)
    message_of(answer, 500)
    assert "EVENT_BUS_NAME" not in answer["body"]
    assert "MissingSetting" in capsys.readouterr().out


def test_the_location_is_as_the_contract_says(leads: LeadTable, queue: str) -> None:
    answer = submit_lead.handler(post(LEAD), None)
    assert re.fullmatch(r"leads/[A-Za-z0-9_-]{1,64}", answer["headers"]["Location"])
