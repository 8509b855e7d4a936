"""An answer of AWS that nobody can read is as good as none: nothing goes on as if the work were done."""

from collections.abc import Callable
from typing import Any

import pytest

from handlers.intake.submit_lead import EventBus
from handlers.orchestration.catch_errors import TopicAlerts
from handlers.shared.errors import EventBusUnavailable, Unavailable
from handlers.shared.lead_table import LeadTable
from handlers.shared.secrets import ManagedSecret
from tests.handlers.http_server import Reply, ScriptedServer

ClientAt = Callable[..., Any]
ARN = "arn:aws:sns:us-east-1:000000000000:alerts"
LEAD = {"origin": "web"}

CALLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "the bus takes a lead": ("events", lambda client: EventBus(client, "leads").publish("1", LEAD)),
    "a lead is claimed": ("dynamodb", lambda client: LeadTable(client, "leads").claim("1", "one", "web")),
    "a step is noted": ("dynamodb", lambda client: LeadTable(client, "leads").progress("1", "one", "client")),
    "a secret is read": ("secretsmanager", lambda client: ManagedSecret(client, "secret", str).get()),
    "an alert is raised": ("sns", lambda client: TopicAlerts(client, ARN).raise_alert("subject", {})),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html/>", b"\x00{not json"])
def test_an_answer_that_says_nothing_is_unavailable(
    call: str, body: bytes, scripted: Callable[..., ScriptedServer], client_at: ClientAt
) -> None:
    service, ask = CALLS[call]
    server = scripted(Reply(status=200, body=body))
    with pytest.raises((Unavailable, EventBusUnavailable)):
        ask(client_at(service, server.url))
