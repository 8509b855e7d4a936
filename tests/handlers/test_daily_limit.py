"""The leads of a day: exactly so many are taken, however many come at once, and the next day begins anew."""

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers.intake import submit_lead
from handlers.orchestration import measure_leads
from handlers.shared import day_count, fingerprint
from handlers.shared.contract import Contract
from handlers.shared.day_count import KEPT, KEY_PREFIX, DayCount
from handlers.shared.errors import DailyLimitReached, EventBusUnavailable, Unavailable
from handlers.shared.lead_table import LeadTable
from tests.handlers.http_server import Reply, ScriptedServer
from tests.handlers.samples import LEAD, message_of, post
from tests.handlers.servers import HOST, free_port

DAYS = itertools.count(step=10)
NOON = datetime(2031, 3, 9, 12, 0, 0, tzinfo=UTC)
AwsClient = Callable[[str], Any]


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Days of the test's own: the table is everybody's."""
    return Clock(NOON + timedelta(days=next(DAYS)))


@pytest.fixture
def count(leads: LeadTable, aws_client: AwsClient, lead_table_name: str, clock: Clock) -> DayCount:
    return DayCount(aws_client("dynamodb"), lead_table_name, clock)


class Bus(submit_lead.EventBus):
    """Takes every lead, or none."""

    def __init__(self, *, up: bool = True) -> None:
        self.up = up
        self.taken: list[str] = []

    def publish(self, lead_id: str, lead: dict[str, Any]) -> None:
        if not self.up:
            raise EventBusUnavailable("down")
        self.taken.append(lead_id)


def test_daily_limit_lets_exactly_so_many_through(count: DayCount, leads: LeadTable) -> None:
    bus = Bus()
    for _ in range(3):
        submit_lead.submit(dict(LEAD), leads, fingerprint.from_environment(), bus, count, 3)
    for _ in range(2):
        with pytest.raises(DailyLimitReached):
            submit_lead.submit(dict(LEAD), leads, fingerprint.from_environment(), bus, count, 3)
    assert (len(bus.taken), count.taken()) == (3, 3)


def test_daily_limit_is_exact_when_many_come_at_once(count: DayCount) -> None:
    def take(_number: int) -> bool:
        try:
            count.take(25)
        except DailyLimitReached:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(100))) == 25
    assert count.taken() == 25


def test_daily_limit_ends_with_the_day_in_utc(count: DayCount, clock: Clock) -> None:
    midnight = datetime.combine(clock.now.date() + timedelta(days=1), datetime.min.time(), UTC)
    clock.now = midnight - timedelta(milliseconds=1)
    count.take(1)
    with pytest.raises(DailyLimitReached) as refused:
        count.take(1)
    assert refused.value.retry_after == 1
    clock.now = midnight
    assert count.taken() == 0
    count.take(1)
    with pytest.raises(DailyLimitReached) as refused:
        count.take(1)
    assert refused.value.retry_after == 24 * 3600


def test_daily_limit_gives_a_lead_back_to_the_day_that_counted_it(
    count: DayCount, clock: Clock, leads: LeadTable
) -> None:
    class LateBus(Bus):
        def publish(self, lead_id: str, lead: dict[str, Any]) -> None:
            clock.now += timedelta(days=1)
            raise EventBusUnavailable("down")

    today = clock.now
    with pytest.raises(EventBusUnavailable):
        submit_lead.submit(dict(LEAD), leads, fingerprint.from_environment(), LateBus(), count, 1)
    assert count.taken() == 0
    clock.now = today
    assert count.taken() == 0


def test_daily_limit_does_not_count_what_was_not_accepted(
    count: DayCount, leads: LeadTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        with pytest.raises(EventBusUnavailable):
            submit_lead.submit(dict(LEAD), leads, fingerprint.from_environment(), Bus(up=False), count, 1)
    with monkeypatch.context() as broken:
        broken.setattr(leads, "_table", "no-such-table")
        with pytest.raises(Unavailable):
            submit_lead.submit(dict(LEAD), leads, fingerprint.from_environment(), Bus(), count, 1)
    assert count.taken() == 0
    submit_lead.submit(dict(LEAD), leads, fingerprint.from_environment(), Bus(), count, 1)


def test_daily_limit_counts_a_lead_that_the_flow_took_although_the_bus_seemed_silent(
    count: DayCount, leads: LeadTable
) -> None:
    class SilentBus(Bus):
        def publish(self, lead_id: str, lead: dict[str, Any]) -> None:
            assert leads.claim(lead_id, "execution", "web")
            raise EventBusUnavailable("no answer")

    with pytest.raises(EventBusUnavailable):
        submit_lead.submit(dict(LEAD), leads, fingerprint.from_environment(), SilentBus(), count, 5)
    assert count.taken() == 1


@pytest.fixture
def function(leads: LeadTable, monkeypatch: pytest.MonkeyPatch, count: DayCount) -> Bus:
    bus = Bus()
    monkeypatch.setattr(submit_lead, "_bus", lambda: bus)
    monkeypatch.setattr(day_count, "from_environment", lambda: count)
    monkeypatch.setenv("INTAKE_DAILY_LIMIT", "1")
    return bus


def test_daily_limit_is_answered_429_with_the_seconds_to_midnight(function: Bus) -> None:
    assert submit_lead.handler(post(LEAD), None)["statusCode"] == 202
    answer = submit_lead.handler(post(LEAD), None)
    code, sentence = message_of(answer, 429)
    assert (code, "tomorrow" in sentence) == ("DAILY_LIMIT_REACHED", True)
    assert answer["headers"]["Retry-After"] == str(12 * 3600)


def test_daily_limit_does_not_count_a_body_that_is_no_lead(function: Bus, count: DayCount) -> None:
    message_of(submit_lead.handler(post(LEAD | {"rut": "1-1"}), None), 400)
    message_of(submit_lead.handler(post(LEAD | {"extra": 1}), None), 400)
    assert count.taken() == 0


@pytest.mark.parametrize(
    "trouble", ["ProvisionedThroughputExceededException", "ThrottlingException", "AccessDeniedException"]
)
def test_daily_limit_whose_count_cannot_be_taken_lets_nothing_in(
    function: Bus,
    scripted: Callable[..., ScriptedServer],
    client_at: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    server = scripted(Reply.json(400, {"__type": trouble, "message": "no"}))
    throttled = DayCount(client_at("dynamodb", server.url), "leads")
    monkeypatch.setattr(day_count, "from_environment", lambda: throttled)
    message_of(submit_lead.handler(post(LEAD), None), 503)
    assert function.taken == []


def test_daily_limit_that_cannot_be_given_back_says_why_the_lead_was_not_taken(
    count: DayCount, leads: LeadTable, client_at: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    class Gone(Bus):
        def publish(self, lead_id: str, lead: dict[str, Any]) -> None:
            count._client = client_at("dynamodb", f"http://{HOST}:{free_port()}")
            raise EventBusUnavailable("down")

    with pytest.raises(EventBusUnavailable):
        submit_lead.submit(dict(LEAD), leads, fingerprint.from_environment(), Gone(), count, 5)
    assert "stays counted" in capsys.readouterr().out


def test_daily_limits_count_is_no_lead_and_expires(
    count: DayCount, clock: Clock, aws_client: AwsClient, lead_table_name: str, the_contract: Contract
) -> None:
    key = count.take(5)
    assert key == f"{KEY_PREFIX}{clock.now.date()}"
    assert not the_contract.holds("LeadId", key), "no event and no path can name it"
    item = aws_client("dynamodb").get_item(TableName=lead_table_name, Key={"leadId": {"S": key}})["Item"]
    assert set(item) == {"leadId", "taken", "expiresAt"}, "it is in none of the table's indexes"
    assert int(item["expiresAt"]["N"]) == int((clock.now + KEPT).timestamp())


def test_daily_count_is_measured(count: DayCount, leads: LeadTable, capsys: pytest.CaptureFixture[str]) -> None:
    assert measure_leads.measure_intake(count, leads) == 0
    count.take(5)
    capsys.readouterr()
    assert measure_leads.measure_intake(count, leads) == 1
    line = json.loads(capsys.readouterr().out)
    assert (line[measure_leads.TAKEN_TODAY], line["LeadTable"]) == (1, leads.name)
