"""What openapi.yaml says in words only."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pymysql
import pytest
from support import contract, rut
from support.stack import Stack

CREATING = ("createClient", "createPartner", "createBenefit")
# operationId -> a field and another value for it
OTHER_DATA = {
    "createClient": ("name", "bob"),
    "createPartner": ("store", "S2"),
    "createBenefit": ("wantsBenefit", False),
}
INTERNALS = (
    "Traceback",
    'File "',
    "/var/",
    "handlers",
    "pymysql",
    "MySQL",
    "MariaDB",
    "INSERT",
    "SELECT",
    "boto",
    "Error:",
    "Lock wait",
    "transaction",
)
INTERNALS += ("arn:aws", "127.0.0.1", "localhost", "errorType", "stackTrace", "requestId")


def path_of(name: str) -> str:
    return contract.operations()[name][1]


def post(stack: Stack, name: str, body: Any, **headers: str) -> Any:
    return stack.request("POST", path_of(name), body, headers=headers)


def get_client(stack: Stack, key: str) -> Any:
    return stack.request("GET", f"/clients/{key}")


@pytest.fixture
def client(stack: Stack) -> str:
    """The RUT of a client that was just created."""
    key = rut.new()
    contract.hold("createClient", post(stack, "createClient", contract.example("createClient", key)), 200)
    return key


def with_k() -> str:
    return next(found for found in iter(rut.new, None) if found.endswith("K"))


@pytest.mark.parametrize("name", CREATING)
def test_the_same_again_is_accepted_and_other_data_is_a_conflict_that_changes_nothing(
    stack: Stack, client: str, name: str
) -> None:
    body = contract.example(name, client)
    first = contract.hold(name, post(stack, name, body), 200)
    assert first["message"].endswith("_UNCHANGED" if name == "createClient" else "_CREATED")
    assert contract.hold(name, post(stack, name, body), 200)["message"].endswith("_UNCHANGED")
    before = contract.hold("getClient", get_client(stack, client), 200)
    field, other = OTHER_DATA[name]
    conflict = contract.hold(name, post(stack, name, {**body, field: other}), 409)
    assert not [value for value in body.values() if isinstance(value, str) and value in conflict["description"]]
    assert get_client(stack, client).json() == before


def test_a_new_client_is_created_and_read_back(stack: Stack) -> None:
    body = contract.example("createClient", rut.new())
    assert contract.hold("createClient", post(stack, "createClient", body), 200)["message"] == "CLIENT_CREATED"
    read = contract.hold("getClient", get_client(stack, body["rut"]), 200)
    assert read == {**body, "phone": str(body["phone"])}, "a phone is always text here"


def test_a_client_is_read_with_its_partner_and_its_benefit(stack: Stack, client: str) -> None:
    post(stack, "createPartner", {"rut": client, "store": "S1"})
    post(stack, "createBenefit", {"rut": client, "wantsBenefit": False})
    read = contract.hold("getClient", get_client(stack, client), 200)
    assert (read["partner"], read["benefit"]) == ({"store": "S1"}, {"wantsBenefit": False})


def test_a_phone_as_a_number_is_the_phone_as_text(stack: Stack) -> None:
    body = {**contract.example("createClient", rut.new()), "phone": 54545454}
    post(stack, "createClient", body)
    again = contract.hold("createClient", post(stack, "createClient", {**body, "phone": "54545454"}), 200)
    assert again["message"] == "CLIENT_UNCHANGED"


def test_a_k_is_stored_as_a_capital_and_names_the_same_client_in_both_cases(stack: Stack) -> None:
    key = with_k()
    body = contract.example("createClient", key.lower())
    assert contract.hold("createClient", post(stack, "createClient", body), 200)["message"] == "CLIENT_CREATED"
    for spelling in (key, key.lower()):
        assert contract.hold("getClient", get_client(stack, spelling), 200)["rut"] == key
    upper = contract.hold("createClient", post(stack, "createClient", {**body, "rut": key}), 200)
    assert upper["message"] == "CLIENT_UNCHANGED"
    contract.hold("createPartner", post(stack, "createPartner", {"rut": key.lower(), "store": "S1"}), 200)
    assert get_client(stack, key).json()["partner"] == {"store": "S1"}


@pytest.mark.parametrize("padding", ["0", "000000000"])
def test_leading_zeros_name_the_same_client_and_are_answered_without(stack: Stack, padding: str) -> None:
    key = with_k()
    padded = padding + key.lower()
    for name in CREATING:
        created = contract.hold(name, post(stack, name, contract.example(name, padded)), 200)
        assert created["message"].endswith("_CREATED")
        again = contract.hold(name, post(stack, name, contract.example(name, key)), 200)
        assert again["message"].endswith("_UNCHANGED")
    for spelling in (key, padded):
        assert contract.hold("getClient", get_client(stack, spelling), 200)["rut"] == key
    lead_id = post(stack, "submitLead", {**contract.example("submitLead", padded), "store": "S2"}).json()["leadId"]
    stack.await_leads([lead_id])
    assert get_client(stack, key).json()["partner"] != {"store": "S2"}, "the first row stays"


@pytest.mark.parametrize("name", [*CREATING, "submitLead"])
def test_a_rut_with_any_other_check_character_is_refused_and_nothing_is_written(stack: Stack, name: str) -> None:
    key = rut.new()
    for character in set("0123456789K") - {key[-1]}:
        wrong = key[:-1] + character
        refused = contract.hold(name, post(stack, name, contract.example(name, wrong)), 400)
        assert "rut" in refused["description"]
        assert wrong not in refused["description"], "an error quotes no value"
        contract.hold("getClient", get_client(stack, wrong), 400)
    contract.hold("getClient", get_client(stack, key), 404)


@pytest.mark.parametrize("name", ["createPartner", "createBenefit"])
def test_what_belongs_to_a_client_needs_the_client(stack: Stack, name: str) -> None:
    key = rut.new()
    contract.hold(name, post(stack, name, contract.example(name, key)), 404)
    contract.hold("getClient", get_client(stack, key), 404)


def test_a_lead_is_found_at_its_location_until_it_has_ended_in_the_crm(stack: Stack) -> None:
    body = contract.example("submitLead", rut.new())
    response = stack.request("POST", "/leads", body, key=False)
    receipt = contract.hold("submitLead", response, 202)
    found = stack.request("GET", f"/{response.headers['Location']}", key=False)
    assert contract.hold("getLead", found, 200)["leadId"] == receipt["leadId"]
    stack.await_leads([receipt["leadId"]])
    ended = contract.hold("getLead", stack.request("GET", f"/leads/{receipt['leadId']}", key=False), 200)
    assert (ended["status"], ended["step"]) == ("COMPLETED", "benefit")
    assert datetime.fromisoformat(ended["updatedAt"]).tzinfo, "RFC 3339 asks for a zone"
    client = contract.hold("getClient", get_client(stack, body["rut"]), 200)
    assert client["partner"] == {"store": body["store"]}
    assert client["benefit"] == {"wantsBenefit": body["wantsBenefit"]}


def test_each_submission_is_a_lead_of_its_own(stack: Stack) -> None:
    body = contract.example("submitLead", rut.new())
    ids = [post(stack, "submitLead", body).json()["leadId"] for _ in range(3)]
    assert len(set(ids)) == 3
    stack.await_leads(ids)


@pytest.mark.parametrize("name", CREATING)
def test_a_lead_id_that_is_none_is_refused(stack: Stack, client: str, name: str) -> None:
    body = contract.example(name, client)
    headers = {"X-Lead-Id": "not an id"}
    contract.hold(name, post(stack, name, body, **headers), 400)
    headers = {"X-Lead-Id": "an-id_1"}
    contract.hold(name, post(stack, name, body, **headers), 200)


@pytest.fixture
def hold_row(stack: Stack) -> Iterator[Callable[[str], None]]:
    """Keeps the database from answering about one RUT: a row under it is being written, and never is."""
    if not stack.outputs:
        pytest.skip("the database of a stage elsewhere is out of reach: nothing can make it busy")
    connections = []

    def hold(key: str) -> None:
        account = dict(stack.outputs["database"])
        connection = pymysql.connect(database=account.pop("name"), **account)
        connections.append(connection)
        with connection.cursor() as cursor:
            values = (key, "held", "held", "1234567", "held@example.com")
            cursor.execute(
                "INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES (%s, %s, %s, %s, %s)", values
            )

    yield hold
    for connection in connections:
        connection.rollback()
        connection.close()


@pytest.mark.parametrize("name", CREATING)
def test_a_busy_database_is_a_503_that_says_when_to_come_back(
    stack: Stack, hold_row: Callable[[str], None], name: str
) -> None:
    key = rut.new()
    hold_row(key)
    response = post(stack, name, contract.example(name, key))
    contract.hold(name, response, 503)
    assert int(response.headers["Retry-After"]) > 0
    assert not [word for word in INTERNALS if word in response.data.decode()]


def refusals() -> Iterator[tuple[str, str, bytes | None]]:
    """(method, path, body) of requests that are refused in each of the ways."""
    for name in (*CREATING, "submitLead"):
        good = contract.example(name, rut.NOBODY)
        for body in (b"", b"{", b"null", b'"text"', json.dumps({**good, "rut": "canary"}).encode()):
            yield "POST", path_of(name), body
        yield "POST", path_of(name), json.dumps({**good, "other": "canary"}).encode()
        yield "DELETE", path_of(name), None
    for path in ("/clients/canary", "/leads/canary.", f"/clients/{rut.NOBODY}", "/leads/none", "/canary"):
        yield "GET", path, None


@pytest.mark.parametrize(("method", "path", "body"), list(refusals()))
def test_no_refusal_tells_of_the_inside_or_quotes_what_was_sent(
    stack: Stack, method: str, path: str, body: bytes | None
) -> None:
    response = stack.request(method, path, body)
    assert 400 <= response.status < 500, response.data
    everything = response.data.decode() + "".join(f"{name}: {value}\n" for name, value in response.headers.items())
    assert not [word for word in (*INTERNALS, "canary") if word in everything]
