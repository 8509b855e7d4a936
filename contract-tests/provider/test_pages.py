"""What a page of another origin may ask of the public operations (CORS), and read of their answers."""

from typing import Any

import pytest
from support import contract, rut
from support.stack import Stack

PUBLIC = [name for name in contract.operations() if not contract.operation(name)["security"]]
ORIGIN = "https://www.example.com"


def words(value: str | None) -> set[str]:
    return {word.strip().lower() for word in (value or "").split(",")}


def open_to_the_page(headers: Any) -> bool:
    return headers.get("Access-Control-Allow-Origin") in ("*", ORIGIN)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_page_may_ask_before_it_sends(stack: Stack, name: str) -> None:
    method, path = contract.operations()[name]
    wanted = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type"}
    asked = stack.request("OPTIONS", path.format(leadId="x"), key=False, headers={"Origin": ORIGIN, **wanted})
    assert asked.status == 200
    assert open_to_the_page(asked.headers)
    assert method.lower() in words(asked.headers["Access-Control-Allow-Methods"])
    assert "content-type" in words(asked.headers["Access-Control-Allow-Headers"])


def test_a_page_reads_the_receipt_and_where_its_lead_is(stack: Stack) -> None:
    body = contract.example("submitLead", rut.new())
    response = stack.request("POST", "/leads", body, key=False, headers={"Origin": ORIGIN})
    lead_id = contract.hold("submitLead", response, 202)["leadId"]
    assert open_to_the_page(response.headers)
    assert {"location", "retry-after"} <= words(response.headers["Access-Control-Expose-Headers"])
    status = stack.request("GET", f"/leads/{lead_id}", key=False, headers={"Origin": ORIGIN})
    assert contract.hold("getLead", status, 200)
    assert open_to_the_page(status.headers)
    stack.await_leads([lead_id])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/leads", {}, 400),
        ("POST", "/leads", b"x" * 20_000, 413),
        ("GET", "/leads/none", None, 404),
        ("GET", "/nowhere", None, 404),
        ("POST", "/leads", b"x" * 11 * 1024 * 1024, 413),
    ],
)
def test_a_page_reads_a_refusal(stack: Stack, method: str, path: str, body: Any, status: int) -> None:
    response = stack.request(method, path, body, key=False, headers={"Origin": ORIGIN})
    assert response.status == status
    assert open_to_the_page(response.headers), "the page would see a network error instead"
