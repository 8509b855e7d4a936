"""The contract's operations and refusals, on the deployed stack."""

from typing import Any

import pytest

from tests.stack import Stack, new_lead, new_rut

UNKNOWN_RUT = "99999999-9"


def client_of(lead: dict[str, Any]) -> dict[str, Any]:
    return {field: lead[field] for field in ("name", "lastname", "rut", "phone", "mail")}


def test_the_originals_payloads_are_accepted_as_they_are_and_read_back_together(stack: Stack) -> None:
    rut = new_rut()
    client = {"name": "alice", "lastname": "cooper", "rut": rut, "phone": 54545454, "mail": "acooper@alice.com"}
    assert stack.request("POST", "/create_client", client, key=True).json()["message"] == "CLIENT_CREATED"
    partner = {"rut": rut, "store": "ESTACION_CENTRAL"}
    assert stack.request("POST", "/create_partner", partner, key=True).json()["message"] == "PARTNER_CREATED"
    benefit = {"rut": rut, "wantsBenefit": True}
    assert stack.request("POST", "/create_benefit", benefit, key=True).json()["message"] == "BENEFIT_CREATED"
    assert stack.request("GET", f"/clients/{rut}", key=True).json() == {
        **client,
        "phone": "54545454",
        "partner": {"store": "ESTACION_CENTRAL"},
        "benefit": {"wantsBenefit": True},
    }


def test_repeating_a_request_is_safe_and_other_data_is_a_conflict(stack: Stack) -> None:
    client = client_of(new_lead(phone=54545454))
    assert stack.request("POST", "/create_client", client, key=True).json()["message"] == "CLIENT_CREATED"
    again = stack.request("POST", "/create_client", {**client, "phone": "54545454"}, key=True)
    assert (again.status, again.json()["message"]) == (200, "CLIENT_UNCHANGED"), "the phone is the same as text"
    other = stack.request("POST", "/create_client", {**client, "name": "bob"}, key=True)
    assert (other.status, other.json()["message"]) == (409, "CONFLICT")


@pytest.mark.parametrize("body", [{"store": "S1"}, {"wantsBenefit": True}])
def test_a_partner_or_benefit_without_its_client_is_not_found(stack: Stack, body: dict[str, Any]) -> None:
    path = "/create_partner" if "store" in body else "/create_benefit"
    assert stack.request("POST", path, {**body, "rut": UNKNOWN_RUT}, key=True).status == 404


@pytest.mark.parametrize("path", ["/create_client", "/create_partner", "/create_benefit"])
@pytest.mark.parametrize("headers", [{}, {"x-api-key": "no-such-key-no-such-key"}])
def test_the_crm_operations_want_the_key(stack: Stack, path: str, headers: dict[str, str]) -> None:
    response = stack.request("POST", path, {}, **headers)
    assert (response.status, response.json()["message"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("DELETE", "/leads", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/create_client", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/clients/11111111-1", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("POST", "/leads/x/y", 404, "NOT_FOUND"),
        ("GET", "/leads/not%20an%20id", 400, "INVALID_REQUEST"),
        ("GET", "/leads/no-such-lead", 404, "NOT_FOUND"),
    ],
)
def test_a_refusal_has_the_contracts_shape(stack: Stack, method: str, path: str, status: int, code: str) -> None:
    response = stack.request(method, path)
    body = response.json()
    assert (response.status, body["statusCode"], body["message"]) == (status, status, code)
    assert set(body) == {"statusCode", "message", "description"}
    if status == 405:
        assert response.headers["Allow"]
        typed = stack.request(method, path, b"a=b", **{"Content-Type": "application/x-www-form-urlencoded"})
        assert (typed.status, typed.headers["Allow"]) == (405, response.headers["Allow"])


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"name": NaN}', "application/json", 400),
        (b'{"name": "a", "name": "b"}', "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b"[" * 10_000 + b"]" * 10_000, "application/json", 413),
        (b"[" * 4_000 + b"]" * 4_000, "application/json", 400),
        (b'"' + b"x" * 20_000 + b'"', "application/json", 413),
        (b"<lead/>", "text/xml", 415),
        (b"{}", "application/json; charset=latin-1", 415),
        (b"", "application/json", 400),
    ],
)
def test_a_malformed_body_gets_a_documented_answer(
    stack: Stack, body: bytes, content_type: str, status: int
) -> None:
    response = stack.request("POST", "/leads", body, **{"Content-Type": content_type})
    assert response.status == status
    assert response.json()["statusCode"] == status


def test_a_wrong_payload_is_told_field_by_field(stack: Stack) -> None:
    lead = {**new_lead(), "rut": "12345678-0", "mail": "nobody", "surprise": 1}
    del lead["store"]
    response = stack.request("POST", "/leads", lead)
    assert response.status == 400
    description = response.json()["description"]
    assert all(part in description for part in ("rut: ", "mail: ", "store: is missing", "unknown, "))
    assert "nobody" not in description, "an error quotes no value"


def test_a_page_from_elsewhere_may_submit_and_follow_a_lead(stack: Stack) -> None:
    preflight = stack.request("OPTIONS", "/leads", Origin="https://form.example")
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    submitted = stack.request("POST", "/leads", new_lead(), Origin="https://form.example")
    assert submitted.headers["Access-Control-Allow-Origin"] == "*"
    location = submitted.headers["Location"]
    assert stack.request("GET", f"/{location}").json()["leadId"] == submitted.json()["leadId"]
    assert "Access-Control-Allow-Origin" not in stack.request("GET", "/clients/11111111-1", key=True).headers
