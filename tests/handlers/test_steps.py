import json
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from handlers.orchestration import create_benefit, create_client, create_partner, crm_client
from handlers.shared.errors import CrmRejected, CrmUnavailable
from handlers.shared.lead_table import LeadTable
from tests.handlers.http_server import Reply, ScriptedServer
from tests.handlers.samples import ALICE, BENEFIT, PARTNER, PERSONAL

Scripted = Callable[..., ScriptedServer]
STEPS: dict[str, tuple[ModuleType, dict[str, Any], str]] = {
    "client": (create_client, ALICE, "/create_client"),
    "partner": (create_partner, PARTNER, "/create_partner"),
    "benefit": (create_benefit, BENEFIT, "/create_benefit"),
}


def message(status: int, code: str) -> Reply:
    return Reply.json(status, {"statusCode": status, "message": code, "description": "A sentence."})


@pytest.fixture
def api(
    scripted: Scripted, leads: LeadTable, aws_client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ScriptedServer]]:
    """The CRM API as the steps' environment names it."""
    secret = aws_client("secretsmanager").create_secret(Name=f"key-{uuid.uuid4().hex}", SecretString="the-key")
    monkeypatch.setenv("CRM_API_KEY_SECRET_ARN", secret["ARN"])

    def start(*replies: Reply) -> ScriptedServer:
        server = scripted(*replies)
        monkeypatch.setenv("CRM_API_URL", server.url + "/local")
        return server

    yield start
    if crm_client.from_environment.cache_info().currsize:
        crm_client.from_environment()._pool.clear()


def run(step: str, lead_id: str, execution: str = "one", **changes: Any) -> dict[str, str]:
    module, record, _ = STEPS[step]
    task = {"leadId": lead_id, "execution": execution, "step": step, "final": step == "benefit", "record": record}
    result: dict[str, str] = module.handler(task | changes, None)
    return result


@pytest.mark.parametrize("step", STEPS)
def test_a_step_posts_its_record_to_its_operation_and_notes_how_far_the_lead_is(
    api: Callable[..., ScriptedServer], leads: LeadTable, lead_id: str, step: str
) -> None:
    server = api(message(200, "ROW_CREATED"))
    leads.claim(lead_id, "one", "web")
    assert run(step, lead_id) == {"step": step, "outcome": "ROW_CREATED"}
    [request] = server.requests
    _, record, path = STEPS[step]
    assert (request.path, json.loads(request.body)) == ("/local" + path, record)
    assert (request.headers["x-api-key"], request.headers["x-lead-id"]) == ("the-key", lead_id)
    status = leads.status(lead_id)
    assert (status["step"], status["status"]) == (step, "COMPLETED" if step == "benefit" else "PROCESSING")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_goes_on_over_a_conflict_and_the_table_says_so_once(
    api: Callable[..., ScriptedServer],
    leads: LeadTable,
    lead_id: str,
    step: str,
    item: Callable[[str], dict[str, Any] | None],
) -> None:
    api(message(409, "CONFLICT"))
    leads.claim(lead_id, "one", "web")
    for _ in range(2):
        assert run(step, lead_id)["outcome"] == "CONFLICT"
    assert leads.status(lead_id)["step"] == step
    recorded = item(lead_id) or {}
    [warning] = [each["M"] for each in recorded["warnings"]["M"].values()]
    assert (warning["step"]["S"], warning["code"]["S"]) == (step, "CONFLICT")
    assert not [value for value in PERSONAL if value in json.dumps(recorded)]


@pytest.mark.parametrize(("status", "error"), [(503, CrmUnavailable), (429, CrmUnavailable), (400, CrmRejected)])
def test_a_step_that_failed_raises_by_name_and_notes_nothing(
    api: Callable[..., ScriptedServer], leads: LeadTable, lead_id: str, status: int, error: type[Exception]
) -> None:
    api(message(status, "SOME_CODE"))
    leads.claim(lead_id, "one", "web")
    before = leads.status(lead_id)
    with pytest.raises(error) as raised:
        run("client", lead_id)
    assert type(raised.value).__name__ == error.__name__, "the state machine retries by the class's name"
    assert leads.status(lead_id) == before


def test_an_execution_that_lost_its_lead_changes_nothing_of_it(
    api: Callable[..., ScriptedServer], leads: LeadTable, lead_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api(message(409, "CONFLICT"))
    leads.claim(lead_id, "two", "web")
    before = leads.status(lead_id)
    run("benefit", lead_id, execution="one")
    assert leads.status(lead_id) == before
    assert "another execution" in capsys.readouterr().out


def test_a_warm_function_survives_a_rotation_of_the_key(
    api: Callable[..., ScriptedServer],
    leads: LeadTable,
    lead_id: str,
    aws_client: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = api(message(200, "ROW_CREATED"), message(403, "FORBIDDEN"), message(200, "ROW_CREATED"))
    leads.claim(lead_id, "one", "web")
    run("client", lead_id)
    arn = crm_client.settings.required("CRM_API_KEY_SECRET_ARN")
    aws_client("secretsmanager").put_secret_value(SecretId=arn, SecretString="a-new-key")
    run("partner", lead_id)
    assert [request.headers["x-api-key"] for request in server.requests] == ["the-key", "the-key", "a-new-key"]


def test_the_log_of_a_step_holds_ids_and_codes_only(
    api: Callable[..., ScriptedServer], leads: LeadTable, lead_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api(message(409, "CONFLICT"))
    leads.claim(lead_id, "one", "web")
    run("client", lead_id)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["leadId"] for line in lines} == {lead_id}
    assert not [value for value in (*PERSONAL, "the-key") if value in json.dumps(lines)]


@pytest.mark.parametrize(("status", "code"), [(503, "CRM_UNAVAILABLE"), (400, "CRM_REJECTED")])
def test_a_step_that_was_not_done_says_so_under_the_leads_id(
    status: int, code: str, api: Callable[..., ScriptedServer], lead_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api(message(status, "NO"))
    with pytest.raises((CrmUnavailable, CrmRejected)):
        run("client", lead_id)
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines() if "step not done" in text)
    assert (line["leadId"], line["step"], line["code"]) == (lead_id, "client", code)
    assert line["reason"] == f"/create_client answered {status} NO"
