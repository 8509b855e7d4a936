"""Text that some interpreter would obey is stored as it is or refused, and nowhere repeated."""

import itertools
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.security.hostile import EVERYTHING, IN_ONE_LINE, IN_SEVERAL_LINES
from tests.stack import Stack, new_lead, new_rut

pytestmark = pytest.mark.timeout(120)

MAIL = "o'hara+{{7*7}}#$%&=?^`|~@example.com"
Send = Callable[[dict[str, Any]], str]
FREE_FIELDS = ("name", "lastname")
STRICT_FIELDS = ("rut", "phone", "mail", "store", "wantsBenefit", "origin")
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "/create_client": ("rut", "name", "lastname", "phone", "mail"),
    "/create_partner": ("rut", "store"),
    "/create_benefit": ("rut", "wantsBenefit"),
}


def hostile_leads(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Each with two of them, and all of them in some lead."""
    pairs = itertools.zip_longest(*[iter(texts)] * 2, fillvalue="x")
    return [new_lead(origin="app", name=name, lastname=lastname, mail=MAIL) for name, lastname in pairs]


def stored(stack: Stack, lead: Mapping[str, Any]) -> None:
    (client,) = stack.rows_of(lead["rut"])["CLIENTS"]
    assert client[:2] == (lead["name"], lead["lastname"])
    assert client[3] == lead["mail"]


def is_refusal(answer: Any, text: str) -> None:
    assert answer.status == 400, answer.data
    body = answer.json()
    assert set(body) == {"statusCode", "message", "description"}
    assert text not in body["description"], "a refusal repeats nothing"
    assert "set-cookie" not in answer.headers


def ended(stack: Stack, ways: Iterable[tuple[Send, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Each lead's status, two under way at a time: more would only start more workers."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda way: stack.ended(way[0](way[1])), ways))


def test_hostile_names_through_the_form_and_the_bus_are_stored_as_they_are(stack: Stack) -> None:
    ways = [
        (send, lead) for send in (stack.submit, stack.put_event) for lead in hostile_leads(IN_ONE_LINE.values())
    ]
    for (_, lead), status in zip(ways, ended(stack, ways), strict=True):
        assert status["status"] == "COMPLETED", (lead, status)
        stored(stack, lead)


@pytest.mark.parametrize("kind", IN_ONE_LINE)
def test_a_hostile_name_through_the_api_is_stored_and_read_back_as_it_is(stack: Stack, kind: str) -> None:
    (lead,) = hostile_leads([IN_ONE_LINE[kind]])
    client = {field: lead[field] for field in OPERATIONS["/create_client"]}
    assert stack.request("POST", "/create_client", client, key=True).status == 200
    found = stack.request("GET", f"/clients/{lead['rut']}", key=True).json()
    assert {field: found[field] for field in ("name", "lastname", "mail")} == {
        field: lead[field] for field in ("name", "lastname", "mail")
    }


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=100))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_without_control_characters_comes_back_as_it_went_in(stack: Stack, text: str) -> None:
    client = {**{field: new_lead()[field] for field in ("phone", "mail")}, "rut": new_rut()}
    answer = stack.request("POST", "/create_client", {**client, "name": text, "lastname": text}, key=True)
    assert answer.status == 200, answer.data
    found = stack.request("GET", f"/clients/{client['rut']}", key=True).json()
    assert (found["name"], found["lastname"]) == (text, text)


@pytest.mark.parametrize("field", [*STRICT_FIELDS, "a field's name"])
def test_hostile_text_in_any_other_field_is_refused_without_a_word_of_it(stack: Stack, field: str) -> None:
    for text in EVERYTHING.values():
        lead = {**new_lead(), text: 1} if field == "a field's name" else new_lead(**{field: text})
        is_refusal(stack.request("POST", "/leads", lead), text)
        for path, fields in OPERATIONS.items():
            if field in fields:
                is_refusal(stack.request("POST", path, {name: lead[name] for name in fields}, key=True), text)


@pytest.mark.parametrize("field", FREE_FIELDS)
def test_control_characters_are_refused_even_in_names(stack: Stack, field: str) -> None:
    for text in IN_SEVERAL_LINES.values():
        is_refusal(stack.request("POST", "/leads", new_lead(**{field: text})), text)


def test_hostile_text_in_an_event_fails_it_without_a_word_of_it(stack: Stack) -> None:
    strict = itertools.cycle(STRICT_FIELDS)
    leads = [new_lead() | {"origin": "app", next(strict): text} for text in EVERYTHING.values()]
    leads += [new_lead(origin="app") | {text: 1} for text in EVERYTHING.values()]
    leads += [new_lead(origin="app") | {"leadId": text} for text in EVERYTHING.values()]
    for status in ended(stack, [(stack.put_event, lead) for lead in leads]):
        assert (status["status"], status["error"]["code"]) == ("FAILED", "InvalidLead")
        said = json.dumps(status, ensure_ascii=False)
        assert not [text for text in EVERYTHING.values() if text in said], said


@pytest.mark.parametrize("kind", EVERYTHING)
def test_hostile_text_in_a_path_is_no_lead_and_no_client(stack: Stack, kind: str) -> None:
    path = quote(EVERYTHING[kind], safe="")
    for answer in (
        stack.request("GET", f"/leads/{path}"),
        stack.request("GET", f"/clients/{path}", key=True),
    ):
        assert answer.status in (400, 404), answer.data
        assert set(answer.json()) == {"statusCode", "message", "description"}
        assert EVERYTHING[kind] not in answer.data.decode()


@pytest.mark.parametrize("kind", IN_ONE_LINE)
def test_hostile_text_as_the_correlation_id_is_refused(stack: Stack, kind: str) -> None:
    text = IN_ONE_LINE[kind].encode().decode("latin-1").replace("\u0085", "")  # as a header carries it
    client = {field: new_lead()[field] for field in OPERATIONS["/create_client"]}
    answer = stack.request("POST", "/create_client", client, key=True, **{"x-lead-id": text})
    assert answer.status == 400, answer.data


def test_a_key_with_a_line_break_never_reaches_the_service(stack: Stack) -> None:
    marker = uuid.uuid4().hex
    answer = stack.http.request(
        "POST", f"{stack.api_url}/leads?next=%0d%0aSet-Cookie:%20{marker}=1", json=new_lead()
    )
    assert marker not in str(answer.headers)
