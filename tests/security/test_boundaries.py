"""What the public side refuses: other origins' reach, sizes, depths, others' ids, guesses."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from components import openapi
from tests.components.graph import ROOT, record
from tests.stack import Stack, new_lead, new_rut, wait_for

pytestmark = pytest.mark.timeout(120)

OPERATIONS = openapi.operations(openapi.load(ROOT / "openapi.yaml"))
PUBLIC = {"submitLead", "getLead"}
EVIL = "https://evil.example"
CREATING = {"/leads": False, "/create_client": True, "/create_partner": True, "/create_benefit": True}


def path_of(operation: str) -> str:
    return OPERATIONS[operation][1].replace("{leadId}", "nobody").replace("{rut}", "11111111-1")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_page_from_elsewhere_never_gets_credentials_and_only_public_operations(
    stack: Stack, operation: str
) -> None:
    method, path = OPERATIONS[operation][0], path_of(operation)
    asked = {
        "Origin": EVIL,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "x-api-key",
    }
    preflight = stack.request("OPTIONS", path, **asked)
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    assert "x-api-key" not in preflight.headers.get("Access-Control-Allow-Headers", "").lower(), (
        "no page has the key"
    )
    assert (preflight.status == 200) is (operation in PUBLIC)
    answer = stack.request(method, path, {} if method == "POST" else None, Origin=EVIL, key=True)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    if operation not in PUBLIC:
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_with_an_origin_configured_no_answer_allows_another() -> None:
    graph = record("dev", {"allowedOrigin": "https://form.example"})
    body = graph.one("aws:apigateway/restApi:RestApi").document("body")
    texts = [
        value
        for text in json.dumps(body).split('Access-Control-Allow-Origin": "')[1:]
        for value in [text.partition('"')[0]]
    ]
    assert texts
    assert set(texts) == {"'https://form.example'"}
    for name in ("intake-submit-lead", "intake-get-lead"):
        assert graph.function(name).inputs["environment"]["variables"]["ALLOWED_ORIGIN"] == "https://form.example"


@pytest.mark.parametrize("path", CREATING)
@pytest.mark.parametrize("size", [16 * 1024 + 1, 300 * 1024, 10 * 1024 * 1024 + 1])
def test_a_body_that_is_too_large_is_413(stack: Stack, path: str, size: int) -> None:
    answer = stack.request("POST", path, b'{"name": "' + b"x" * size + b'"}', key=CREATING[path])
    assert answer.status == 413, answer.data[:200]
    assert answer.json()["message"] == "BODY_TOO_LARGE"


@pytest.mark.parametrize("path", CREATING)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 8000 + b"]" * 8000,
        b'{"a":' * 2500 + b"1" + b"}" * 2500,
        b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"[" * 16_000,
        b'{"phone": ' + b"9" * 16_000 + b"}",
        b'{"phone": 1e' + b"9" * 300 + b"}",
        b'{"name": "' + b"\\u0041" * 2600 + b'"}',
    ],
    ids=["lists", "objects", "lists in a field", "never closed", "digits", "exponent", "escapes"],
)
def test_a_body_that_is_deep_or_swollen_is_400(stack: Stack, path: str, body: bytes) -> None:
    answer = stack.request("POST", path, body, key=CREATING[path])
    assert answer.status == 400, answer.data[:200]
    assert answer.json()["message"] == "INVALID_REQUEST"


@pytest.mark.parametrize("depth", [50, 900])
def test_a_deep_event_ends_failed_and_not_lost(stack: Stack, depth: int) -> None:
    nested: Any = 1
    for _ in range(depth):
        nested = {"a": nested}
    event_id = stack.put_event(new_lead(origin="app") | {"name": nested})
    assert stack.ended(event_id)["error"]["code"] == "InvalidLead"


def ended_executions(stack: Stack, events: list[str]) -> list[str]:
    """How the executions that these events started have ended."""
    flow = stack.client("stepfunctions")

    def look() -> list[str] | None:
        newest = flow.list_executions(stateMachineArn=stack.outputs["lead_flow_arn"], maxResults=50)["executions"]
        found = [flow.describe_execution(executionArn=each["executionArn"]) for each in newest]
        ends = [
            each["status"]
            for each in found
            if json.loads(each["input"])["id"] in events and each["status"] != "RUNNING"
        ]
        return ends if len(ends) == len(events) else None

    return list(wait_for(look, 40, f"{len(events)} executions to end"))


def test_an_event_with_anothers_lead_id_changes_neither_its_rows_nor_its_status(stack: Stack) -> None:
    mine = new_lead()
    lead_id = stack.submit(mine)
    before, rows = stack.ended(lead_id), stack.rows_of(mine["rut"])
    theirs = new_lead(origin="app", name="somebody else") | {"leadId": lead_id}
    forged = [theirs, theirs | {"rut": mine["rut"]}, theirs | {"rut": "1-1"}, {"leadId": lead_id}]
    events = [stack.put_event(detail) for detail in forged]
    assert sorted(ended_executions(stack, events)) == ["FAILED", "FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert stack.request("GET", f"/leads/{lead_id}").json() == before
    assert stack.rows_of(mine["rut"]) == rows
    assert stack.rows_of(theirs["rut"])["CLIENTS"] == (), "nor does its id carry other data in"


def test_a_call_with_anothers_lead_id_gains_nothing_by_it(stack: Stack) -> None:
    lead_id = stack.submit(new_lead())
    before = stack.ended(lead_id)
    client = {field: new_lead()[field] for field in ("name", "lastname", "mail", "phone")} | {"rut": new_rut()}
    assert stack.request("POST", "/create_client", client, key=True, **{"x-lead-id": lead_id}).status == 200
    assert stack.request("POST", "/create_client", client, **{"x-lead-id": lead_id}).status == 403
    assert stack.request("GET", f"/leads/{lead_id}").json() == before


def test_lead_ids_are_random_and_can_not_be_listed(stack: Stack) -> None:
    with ThreadPoolExecutor(2) as pool:
        ids = list(pool.map(lambda _: uuid.UUID(stack.submit(new_lead())), range(8)))
    assert {each.version for each in ids} == {4}, "122 random bits"
    assert len({each.int >> 96 for each in ids}) == len(ids), "no counter, clock or machine in front"
    assert len({each.int & (1 << 60) - 1 for each in ids}) == len(ids)
    for lead_id in ids:
        stack.ended(str(lead_id))
    listing = stack.request("GET", "/leads")
    assert (listing.status, listing.headers["Allow"]) == (405, "POST, OPTIONS")


def test_a_guess_is_answered_alike_whatever_was_guessed(stack: Stack) -> None:
    known = stack.submit(new_lead())
    stack.ended(known)
    guesses = [str(uuid.uuid4()), known[:-1], known.upper(), known[:-1] + ("0" if known[-1] != "0" else "1")]
    answers = [stack.request("GET", f"/leads/{guess}") for guess in guesses]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1, "and tells nothing about what there is"
    found = stack.request("GET", f"/leads/{known}").json()
    assert set(found) <= {"leadId", "status", "step", "updatedAt", "error"}
