"""How the sample leads are followed, against a stand-in for the status operation."""

import pytest

from local_cloud import samples
from tests.handlers.http_server import Reply, ScriptedServer

UNKNOWN = Reply.json(404, {"statusCode": 404})
DONE = Reply.json(200, {"status": "COMPLETED"})


def follow(server: ScriptedServer) -> None:
    outputs = {
        "api_url": server.url,
        "event_bus_name": "bus",
        "aws_endpoint_url": server.url,
        "aws_access_key_id": "nobody-looks",
        "aws_secret_access_key": "nobody-looks",
        "region": "us-east-1",
        "lead_table_name": "leads",
    }
    samples.Sender(outputs)._follow("a-lead")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "POLL_SECONDS", 0)


def test_a_lead_that_the_bus_has_not_delivered_yet_is_waited_for() -> None:
    with ScriptedServer([UNKNOWN] * 3 * samples.ERRORS_IN_A_ROW + [DONE]).running() as server:
        follow(server)
        assert len(server.requests) == 3 * samples.ERRORS_IN_A_ROW + 1


def test_a_status_operation_that_keeps_failing_is_not_waited_for() -> None:
    with ScriptedServer([Reply.json(500, {})]).running() as server:
        with pytest.raises(samples.SampleNotTaken, match="answered 500"):
            follow(server)
        assert len(server.requests) == samples.ERRORS_IN_A_ROW
