"""The age of the oldest unfinished lead: only leads that have neither completed nor failed count."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest

from handlers.orchestration import measure_leads
from handlers.shared import lead_table, metrics
from handlers.shared.lead_table import Failure, Issue, LeadTable

STEPS = ("client", "partner", "benefit")
ISSUE = Issue(step="CreateClient", code="CrmRejected", description="/create_client answered 400")


@pytest.fixture
def leads(aws_client: Callable[[str], Any]) -> Iterator[LeadTable]:
    """A table of the test's own: whose oldest lead would it be?"""
    client = aws_client("dynamodb")
    name = "measured"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "leadId", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "S"} for each in ("leadId", "unfinished", "createdAt")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": lead_table.UNFINISHED_INDEX,
                "KeySchema": [
                    {"AttributeName": "unfinished", "KeyType": "HASH"},
                    {"AttributeName": "createdAt", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield LeadTable(client, name)
    client.delete_table(TableName=name)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets how many seconds ago it is, for what the table writes from then on."""

    def at(seconds_ago: float) -> None:
        then = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        text = then.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        monkeypatch.setattr(lead_table, "now", lambda: text)

    return at


def test_without_leads_nothing_is_old(leads: LeadTable) -> None:
    assert leads.oldest_unfinished_age() == 0


def test_the_oldest_counts_from_its_submission_whatever_it_has_gone_through(
    leads: LeadTable, clock: Callable[[float], None]
) -> None:
    clock(500)
    leads.submit("old", "web")
    clock(100)
    leads.submit("new", "web")
    assert leads.claim("old", "execution", "web")
    assert leads.progress("old", "execution", "client")
    assert 500 <= leads.oldest_unfinished_age() < 560


def test_a_lead_from_elsewhere_counts_from_its_claim(leads: LeadTable, clock: Callable[[float], None]) -> None:
    clock(300)
    assert leads.claim("elsewhere", "execution", "app")
    assert 300 <= leads.oldest_unfinished_age() < 360


@pytest.mark.parametrize("end", ["completed", "failed", "withdrawn"])
def test_a_lead_that_has_ended_does_not_count(leads: LeadTable, clock: Callable[[float], None], end: str) -> None:
    clock(500)
    leads.submit("ended", "web")
    if end == "withdrawn":
        leads.withdraw("ended")
    else:
        assert leads.claim("ended", "execution", "web")
    if end == "completed":
        for step in STEPS:
            assert leads.progress("ended", "execution", step, final=step == STEPS[-1])
    if end == "failed":
        assert leads.fail("ended", "execution", ISSUE, {}) is Failure.RECORDED
    assert leads.oldest_unfinished_age() == 0


def test_a_failed_lead_counts_again_while_it_is_replayed(leads: LeadTable, clock: Callable[[float], None]) -> None:
    clock(9000)
    leads.submit("replayed", "web")
    assert leads.claim("replayed", "first", "web")
    assert leads.fail("replayed", "first", ISSUE, {}) is Failure.RECORDED
    clock(60)
    assert leads.claim("replayed", "second", "web")
    assert leads.oldest_unfinished_age() >= 9000, "its sender has waited since then"


def test_the_metric_is_a_line_that_cloudwatch_understands(
    leads: LeadTable, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    clock(40)
    leads.submit("old", "web")
    age = measure_leads.measure(leads)
    [text] = capsys.readouterr().out.splitlines()
    line = json.loads(text)
    [declared] = line["_aws"]["CloudWatchMetrics"]
    assert line[measure_leads.OLDEST_UNFINISHED] == age >= 40
    assert declared == {
        "Namespace": metrics.NAMESPACE,
        "Dimensions": [["LeadTable"]],
        "Metrics": [{"Name": measure_leads.OLDEST_UNFINISHED, "Unit": "Seconds"}],
    }
    assert line["LeadTable"] == leads.name, "each dimension is a member of the line"
    assert abs(line["_aws"]["Timestamp"] / 1000 - datetime.now(UTC).timestamp()) < 60
    model = botocore.session.get_session().get_service_model("cloudwatch")
    assert "Seconds" in model.shape_for("StandardUnit").enum
    assert re.fullmatch(model.shape_for("Namespace").metadata["pattern"], metrics.NAMESPACE)
