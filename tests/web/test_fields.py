"""The fields' rules, which the page takes from the contract and shows in plain words."""

from typing import Any

import pytest
from playwright.sync_api import expect

from components import openapi
from handlers.shared.contract import Contract
from handlers.shared.errors import InvalidRequest
from tests.web.fake_api import DOCUMENT, FakeApi, refused
from tests.web.form_page import LEAD, TEXT_FIELDS, FormPage

CONTRACT = Contract(openapi.bundle(DOCUMENT, ["Lead"]))
RULES = {
    field: next((each for each in rules.get("oneOf", []) if each["type"] == "string"), rules)
    for field, rules in CONTRACT.schema("Lead")["properties"].items()
    if field in TEXT_FIELDS
}
# A value that breaks this rule, for every rule that the contract has for a field of the form.
BREAKS = {
    ("name", "minLength"): "",
    ("name", "maxLength"): "é" * 101,
    ("name", "pattern"): "a\u007fb",
    ("lastname", "minLength"): "",
    ("lastname", "maxLength"): "é" * 101,
    ("lastname", "pattern"): "a\u0081b",
    ("rut", "pattern"): "1234-3",
    ("rut", "maxLength"): "12345678901234567890-1",
    ("rut", "format"): "11111111-2",
    ("phone", "pattern"): "+56 12a 4567",
    ("phone", "maxLength"): "+1234567890123456",
    ("mail", "format"): "zoe@example",
    ("mail", "maxLength"): f"{'z' * 60}@{'a.' * 100}example",
    ("store", "pattern"): "ESTACIÓN",
    ("store", "maxLength"): "S" * 65,
}
KEYWORDS = ("minLength", "maxLength", "pattern", "format", "enum")
# What is not visible is tidied away: such a value is missing, before any rule is asked.
ASKED = {field: {rule for rule in rules if rules[rule] != "visible"} for field, rules in RULES.items()}
CASES = [(field, rule) for field, rules in ASKED.items() for rule in KEYWORDS if rule in rules]


@pytest.mark.parametrize(("field", "rule"), CASES)
def test_a_value_that_breaks_the_contract_is_explained_and_not_sent(
    form: FormPage, api: FakeApi, field: str, rule: str
) -> None:
    value = BREAKS[field, rule]
    with pytest.raises(InvalidRequest, match=f"^{field}: "):
        CONTRACT.validate("Lead", {**LEAD, "origin": "web", field: value})
    form.fill(**{field: value}).send()
    link = form.summary.get_by_role("link")
    expect(link).to_have_count(1)
    expect(form.summary).to_be_focused()
    expect(form.error(field)).to_have_text(link.inner_text())
    expect(form.field(field)).to_have_attribute("aria-invalid", "true")
    link.click()
    expect(form.field(field)).to_be_focused()
    assert api.requests == []


def test_each_required_field_is_named_when_nothing_is_filled_in(form: FormPage, api: FakeApi) -> None:
    form.send()
    links = form.summary.get_by_role("link")
    assert [link.split(" is ")[1] for link in links.all_inner_texts()] == ["missing"] * len(TEXT_FIELDS)
    targets = [link.get_attribute("href") for link in links.all()]
    assert targets == [f"#{field}" for field in TEXT_FIELDS], "in the page's order"
    assert api.requests == []


# Values on either side of every rule: the page must judge as the contract does, or it turns people away.
JUDGED: dict[str, tuple[str, ...]] = {
    "name": ("a", "é" * 100, "\U0001d4d0" * 100, "\U0001d4d0" * 101, "Ann-Marie d'Æ", "李", "محمد"),
    "rut": (
        *("7654321-6", "1000005-K", "1000005-0", "22222222-2", "22222222-K", "12345678-5"),
        *("1234-3", "10000-5", "123456-0", "123456789-2", "1234567890-9", "0-0"),
    ),
    "phone": ("1234567", "123456", "+123456789012345", "+1234567890123456", "++12345678", "1234567a"),
    "mail": (
        "a@b.cl",
        "a.b+c@d-e.example",
        "a..b@c.cl",
        ".a@b.cl",
        "a@b..cl",
        "a@-b.cl",
        "a@b-.cl",
        "a b@c.cl",
        "ñ@b.cl",
        "a@b",
        "@b.cl",
        "a@",
        "a@@b.cl",
        "o'hara@b.cl",
        '"a"@b.cl',
        f"{'a' * 64}@b.cl",
        f"{'a' * 65}@b.cl",
        f"a@{'b' * 63}.cl",
        f"a@{'b' * 64}.cl",
    ),
    "store": ("A1", "a", "A_", "Z" * 64, "Z" * 65, "A-B", "A B", "Ñ1"),
}


@pytest.mark.parametrize("field", JUDGED)
def test_the_page_judges_a_value_as_the_contract_does(form: FormPage, field: str) -> None:
    form.fill()
    here, there = {}, {}
    for value in JUDGED[field]:
        form.field(field).fill(value)
        form.field("name" if field == "store" else "store").focus()
        expect(form.field(field)).to_have_js_property("value", value)
        here[value] = not form.error(field).inner_text()
        there[value] = _holds(field, value)
    assert here == there
    assert set(there.values()) == {True, False}, "values on both sides"


def _holds(field: str, value: str) -> bool:
    try:
        CONTRACT.validate("Lead", {**LEAD, "origin": "web", field: value})
    except InvalidRequest:
        return False
    return True


TYPED = (
    ("rut", "111111111", "11111111-1"),
    ("rut", "11 111 111–1", "11111111-1"),
    ("rut", " 1.000.005-k ", "1000005-K"),
    ("rut", "07.654.321-6", "7654321-6"),
    ("rut", "00000000010000-5", "10000-5"),
    ("rut", "0123456789-2", "123456789-2"),
    ("phone", "(02) 2345.6789", "0223456789"),
    ("phone", "+56 9 5454-5454", "+56954545454"),
    ("phone", "\u202d+56 9 1234 5678\u202c", "+56912345678"),
    ("name", "  Ana María ", "Ana María"),
    ("lastname", "\u200e\ufeffPé\u200brez\u00a0Soto\u2069", "Pérez Soto"),
    ("mail", "\u200bana@exam\u00adple.com\u00a0", "ana@example.com"),
)


def test_what_people_usually_type_is_accepted_and_shown_as_it_is_sent(form: FormPage, api: FakeApi) -> None:
    form.fill()
    for field, typed, sent in TYPED:
        form.field(field).fill(typed)
        form.field("store").focus()
        expect(form.field(field)).to_have_value(sent)
        expect(form.error(field)).to_be_empty()
    for field, typed, _sent in TYPED:
        form.field(field).fill(typed)
    form.field("rut").press("Enter")  # without leaving the field
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()
    last = {field: sent for field, _typed, sent in TYPED}
    assert api.submissions() == [{**LEAD, "origin": "web", **last}]


@pytest.mark.parametrize("blank", ["   ", "\u200b", "\u202e\u2069", "\ufeff \u00ad\u3164"], ids=ascii)
def test_a_name_that_nobody_could_see_is_missing(form: FormPage, api: FakeApi, blank: str) -> None:
    form.fill(name=blank).send()
    expect(form.error("name")).to_have_text("First name is missing")
    expect(form.summary.get_by_role("link")).to_have_count(1)
    assert api.requests == []


def test_a_field_speaks_when_it_is_left_after_a_change_and_is_quiet_as_soon_as_it_is_right(form: FormPage) -> None:
    form.field("rut").focus()
    form.field("phone").focus()
    expect(form.error("rut")).to_be_empty()  # walked through, nothing typed
    form.field("rut").press_sequentially("11.111.111-")
    form.field("phone").focus()
    expect(form.error("rut")).not_to_be_empty()
    expect(form.field("rut")).to_have_attribute("aria-invalid", "true")
    form.field("rut").fill("11.111.111-1")
    expect(form.error("rut")).to_be_empty()
    expect(form.field("rut")).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_what_is_wrong_is_said_in_the_contracts_words(form: FormPage, field: str) -> None:
    label = form.page.locator(f"label[for={field}]").inner_text()
    form.field(field).fill("\u0001")
    form.field("store" if field == "name" else "name").focus()
    words = CONTRACT.schema("Lead")["properties"][field]["x-words"]
    expect(form.error(field)).to_have_text(f"{label} {words}")


def test_a_refusal_by_the_service_is_shown_at_the_fields_that_it_names(form: FormPage, api: FakeApi) -> None:
    described = 'rut: must be another one; wantsBenefit: must be true or false; "extra": unknown, there are none'
    api.on_submit(refused(400, "INVALID_REQUEST", described))
    form.fill().send()
    expect(form.error("rut")).to_contain_text("must be another one")
    expect(form.error("wantsBenefit")).to_contain_text("must be true or false")
    expect(form.field("wantsBenefit")).to_have_attribute("aria-invalid", "true")
    expect(form.summary.get_by_role("link")).to_have_count(2)
    expect(form.summary.get_by_role("listitem")).to_have_count(3)
    expect(form.summary).to_contain_text('"extra": unknown')
    expect(form.summary).to_be_focused()
    assert form.values() == LEAD


def test_a_new_try_after_a_refusal_clears_the_old_errors(form: FormPage, api: FakeApi) -> None:
    form.fill(rut="").send()
    expect(form.summary).to_be_visible()
    expect(form.page).to_have_title("Error: Leave your details")
    form.fill().send()
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()
    expect(form.page).to_have_title("Leave your details")
    assert [lead["rut"] for lead in api.submissions()] == ["11111111-1"]


def test_a_checkbox_left_alone_is_sent_as_false(form: FormPage, api: FakeApi) -> None:
    form.fill(wantsBenefit=False).send()
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()
    values: Any = [lead["wantsBenefit"] for lead in api.submissions()]
    assert values == [False]
