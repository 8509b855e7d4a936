"""The longest and oddest that the contract allows is taken, stored whole and read back as it was sent."""

from collections.abc import Iterator
from typing import Any

import pytest
from support import contract, database, rut
from support.stack import Stack

SCHEMAS: dict[str, Any] = contract.DOCUMENT["components"]["schemas"]
LETTERS = {
    "ASCII": "a",
    "accents": "ñ",
    "Cyrillic": "ж",
    "Chinese": "李",
    "beyond the basic plane": "😀",
    "combined": "e\u0301",
    "quotes": "O'\"`\\;",
    "percent signs": "%s{}",
}


def longest(schema: str, alphabet: str) -> str:
    size = int(SCHEMAS[schema]["maxLength"])
    return (alphabet * size)[:size]


def longest_mail() -> str:
    """A local part of 64, the rest a domain of labels of 63; capitals stay capitals."""
    size = int(SCHEMAS["Mail"]["maxLength"])
    local = "Aa.Bb+Cc-Dd_Ee!#$%&'*/=?^`{|}~".ljust(64, "z")
    domain = ".".join(["d" * 63] * 4)[: size - len(local) - 1].rstrip(".-")
    return f"{local}@{domain}".ljust(size, "d")


def phones() -> Iterator[Any]:
    text, number = SCHEMAS["Phone"]["oneOf"]
    yield "+" + "9" * (text["maxLength"] - 1)
    yield "0" * 7
    yield from (number["minimum"], number["maximum"])


def taken(stack: Stack, **fields: Any) -> dict[str, Any]:
    """The client as it is read back, after a repeat that changed nothing."""
    body = {**contract.example("createClient", rut.new()), **fields}
    for message in ("CLIENT_CREATED", "CLIENT_UNCHANGED"):
        answer = contract.hold("createClient", stack.request("POST", "/create_client", body), 200)
        assert answer["message"] == message
    return dict(contract.hold("getClient", stack.request("GET", f"/clients/{body['rut']}"), 200))


@pytest.mark.parametrize("letters", LETTERS)
@pytest.mark.parametrize("field", ["name", "lastname"])
def test_the_longest_name_of_any_script_is_stored_whole(stack: Stack, field: str, letters: str) -> None:
    name = longest("Name", LETTERS[letters])
    assert taken(stack, **{field: name})[field] == name


@pytest.mark.parametrize("field", ["name", "lastname"])
def test_a_name_of_one_letter_is_a_name(stack: Stack, field: str) -> None:
    assert taken(stack, **{field: "李"})[field] == "李"


def test_the_longest_mail_is_stored_whole(stack: Stack) -> None:
    assert taken(stack, mail=longest_mail())["mail"] == longest_mail()


@pytest.mark.parametrize("phone", list(phones()))
def test_the_longest_and_the_shortest_phone_are_stored_whole(stack: Stack, phone: Any) -> None:
    assert taken(stack, phone=phone)["phone"] == str(phone)


def test_two_clients_may_have_all_but_the_rut_in_common(stack: Stack) -> None:
    assert taken(stack)["rut"] != taken(stack)["rut"]


@pytest.mark.parametrize("digits", range(5, 10))
def test_a_rut_has_five_to_nine_digits_and_any_leading_zeros(stack: Stack, digits: int) -> None:
    key = rut.of(rut.new()[:digits])
    longest = "0" * (SCHEMAS["Rut"]["maxLength"] - len(key)) + key
    body = contract.example("createClient", longest)
    assert stack.request("POST", "/create_client", body).status in (200, 409), "another test may have had it"
    for spelling in (key, "0" + key, longest):
        answer = stack.request("GET", f"/clients/{spelling}")
        assert contract.hold("getClient", answer, 200)["rut"] == key
    contract.hold("createClient", stack.request("POST", "/create_client", {**body, "rut": "0" + longest}), 400)


def test_the_longest_store_is_stored_whole_and_may_have_two_partners(stack: Stack) -> None:
    store = longest("Store", "Aa0_")
    for _ in range(2):
        key = taken(stack)["rut"]
        body = {"rut": key, "store": store}
        contract.hold("createPartner", stack.request("POST", "/create_partner", body), 200)
        assert stack.request("GET", f"/clients/{key}").json()["partner"] == {"store": store}


@pytest.mark.parametrize("wanted", [True, False])
def test_a_benefit_needs_no_partner_and_may_be_declined(stack: Stack, wanted: bool) -> None:
    key = taken(stack)["rut"]
    for message in ("BENEFIT_CREATED", "BENEFIT_UNCHANGED"):
        response = stack.request("POST", "/create_benefit", {"rut": key, "wantsBenefit": wanted})
        assert contract.hold("createBenefit", response, 200)["message"] == message
    assert stack.request("GET", f"/clients/{key}").json()["benefit"] == {"wantsBenefit": wanted}


@pytest.fixture
def outputs(stack: Stack) -> Any:
    if not stack.outputs:
        pytest.skip("the database of a stage elsewhere is out of reach")
    return stack.outputs


TABLES = {"createClient": "CLIENTS", "createPartner": "PARTNER", "createBenefit": "BENEFIT"}


@pytest.mark.parametrize("lead_id", [longest("LeadId", "aZ0_-"), "x", None])
def test_the_lead_stands_beside_each_row(stack: Stack, outputs: Any, lead_id: str | None) -> None:
    key = rut.new()
    for name, table in TABLES.items():
        headers = {"X-Lead-Id": lead_id}
        path = contract.operations()[name][1]
        contract.hold(name, stack.request("POST", path, contract.example(name, key), headers=headers), 200)
        statement = f"SELECT lead_id, created_at IS NOT NULL FROM {table} WHERE rut = %s"
        assert database.rows(outputs, statement, key) == [(lead_id, 1)]


def test_the_lead_stands_beside_each_row_that_the_flow_wrote(stack: Stack, outputs: Any) -> None:
    body = contract.example("submitLead", rut.new())
    lead_id = contract.hold("submitLead", stack.request("POST", "/leads", body, key=False), 202)["leadId"]
    stack.await_leads([lead_id])
    for table in TABLES.values():
        assert database.rows(outputs, f"SELECT lead_id FROM {table} WHERE rut = %s", body["rut"]) == [(lead_id,)]
