"""What the doors for people forgive: the page and the operators' commands rewrite each text alike."""

import random
import re
import sys
import unicodedata
from typing import Any

import pytest
from playwright.sync_api import Page

from components import openapi
from handlers.shared.contract import Contract
from operations import contract, tidy
from tests.web.fake_api import DOCUMENT
from tests.web.form_page import FormPage

CONTRACT = Contract(openapi.bundle(DOCUMENT, ["Lead"]))
PROPERTIES = CONTRACT.schema("Lead")["properties"]
STEPS = DOCUMENT["x-tidy"]["steps"]
IN_THE_PAGE = """async (cases) => {
    const { tidied } = await import("./tidy.js");
    return cases.map(([schema, text]) => tidied(schema, text));
}"""
# Characters that leave no mark although Unicode counts them as letters, symbols or marks.
BLANK = set("\u2800\u3164\uffa0\u115f\u1160\u17b4\u17b5\u034f\U0001d159")
SELECTORS = {
    *map(chr, range(0x180B, 0x1810)),
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
}
# Unicode's Prepended_Concatenation_Mark: format characters that are seen.
SEEN = {*map(chr, range(0x600, 0x606)), *"\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"}

AROUND = "\u00a0\u200b\u200e\u2067\ufeff\u2060\u00ad\u200d\ufe0f\u2029\U000e0041 \t\r\n"
WITHIN = "\u200b\u200f\u2068\u00ad\u2060\ufeff"
KEPT = (
    "Ana María",
    "Ñandú-O'Brien",
    "李",
    "محمد",
    "می\u200cخواهم",  # Persian
    "क्\u200dष",  # Hindi
    "ශ්\u200dරී",  # Sinhala
    "അവന്\u200d",  # a Malayalam word that ends with a joiner
    "👩\u200d👩\u200d👧",
    "❤\ufe0f\u200d🔥",
    "❤\ufe0f",
    "1\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # a flag
    "辻\U000e0100",  # one of two ways to write a Japanese name
    "ᠮᠣᠩᠭᠣᠯ\u180b",  # Mongolian
    "x\u0323\u0301",  # marks that no single character stands for
)
CASES = (
    *(("name", kept, kept) for kept in KEPT),
    *(("lastname", f"{AROUND}{kept}\u200b \u2069", kept) for kept in KEPT),
    ("name", f"{AROUND}Ana{AROUND}", "Ana"),
    ("name", f"A{WITHIN}na{WITHIN} {WITHIN}María", "Ana María"),
    ("name", "Ana\u3000 \u00a0\tMaría", "Ana María"),
    ("name", "A\u200dn\u200ca\ufe0f", "Ana"),
    ("name", "Ana\U000e0068\U000e0069", "Ana"),
    ("name", "Mari\u0301a", "María"),
    ("name", "i\u200b\u0301", "í"),
    ("name", AROUND, ""),
    ("name", "\ufe0f", ""),
    ("name", "a\u0007", "a\u0007"),
    ("rut", "11.111.111-1", "11111111-1"),
    ("rut", "111111111", "11111111-1"),
    ("rut", "\u202a11\u00a0111\u2009111 \u2013 1\u202c\r\n", "11111111-1"),
    ("rut", " 1.000.005-k", "1000005-K"),
    ("rut", "011.111.111-1", "11111111-1"),
    ("rut", "11111111.0", "11111111.0"),
    ("phone", "+56 9 1234 5678", "+56912345678"),
    ("phone", "\u202d(2) 2345\u20116789\u202c", "223456789"),
    ("phone", "02.2345.6789", "0223456789"),
    ("phone", "[2] 2345 6700", "223456700"),
    ("phone", "54545454.0 ", "54545454.0"),
    ("phone", "5,4545454E7", "5,4545454E7"),
    ("mail", f"{AROUND}ana\u200b@exam\u00adple.com{AROUND}", "ana@example.com"),
    ("mail", "a b@c.cl", "a b@c.cl"),
    ("mail", "Ana.Lía@C.cl", "Ana.Lía@C.cl"),
    ("store", f"{AROUND}Estacion\u200b_1{AROUND}", "Estacion_1"),
    ("store", "A B", "A B"),
    ("origin", "\ufeffweb ", "web"),
)
# Those that a step treats in a way of its own, and some that it does not.
TRICKY = (
    "aé\u0301\u212a1.0-kK+()李म\u094dب👩🏴 \u00a0\u3000\n"
    "\u200b\u200c\u200d\u180b\u115f\ufe0f\u20e3\U000e0067\U000e0100"
)


def in_the_page(page: Page, cases: list[tuple[str, str]]) -> list[str]:
    return list(page.evaluate(IN_THE_PAGE, [(PROPERTIES[field], text) for field, text in cases]))


def members(step: str) -> set[str]:
    return {each for each in map(chr, range(sys.maxunicode + 1)) if re.fullmatch(STEPS[step]["replace"], each)}


def test_the_page_and_the_commands_forgive_the_same(form: FormPage) -> None:
    asked = [(field, text) for field, text, _ in CASES]
    expected = [wanted for *_, wanted in CASES]
    assert [tidy.tidied(PROPERTIES[field], text) for field, text in asked] == expected
    assert in_the_page(form.page, asked) == expected


def test_the_page_and_the_commands_agree_about_any_text_and_do_their_work_at_once(form: FormPage) -> None:
    chance = random.Random(13)
    texts = ["".join(chance.choices(TRICKY, k=chance.randrange(9))) for _ in range(3_000)]
    cases = [(field, text) for text in texts for field in ("name", "rut", "phone", "mail")]
    once = [tidy.tidied(PROPERTIES[field], text) for field, text in cases]
    assert in_the_page(form.page, cases) == once
    again = [tidy.tidied(PROPERTIES[field], text) for (field, _), text in zip(cases, once, strict=True)]
    assert again == once, "doing it again changes nothing"


def test_every_space_and_every_invisible_character_of_unicode_is_forgiven() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    category = {each: unicodedata.category(each) for each in every}
    spaces = {each for each in every if category[each] in ("Zs", "Zl", "Zp")} | set("\t\n\v\f\r\x85")
    unseen = {each for each in every if category[each] == "Cf"} - SEEN | SELECTORS | (BLANK - {"\u2800"})
    assert members("spaces") == spaces | {"\u2800"}
    assert unseen <= members("invisible")
    assert not {each for each in members("invisible") if category[each] not in ("Cf", "Cn")} - SELECTORS - BLANK


def test_what_is_forgiven_around_a_name_is_no_name_by_itself() -> None:
    """The contract and the steps name the same characters."""
    blank = members("spaces") | members("invisible")
    surrogates = set(map(chr, range(0xD800, 0xE000)))  # no text that can be sent
    every = set(map(chr, range(sys.maxunicode + 1))) - surrogates
    refused = {each for each in every if not CONTRACT.holds("Lead", each, "name")}
    assert refused == blank | {each for each in refused if unicodedata.category(each) == "Cc"}
    assert members("needless") < members("invisible")
    assert members("one_space") == members("spaces")
    for text in (f" {each}" for each in sorted(blank)):
        assert tidy.tidied(PROPERTIES["name"], text) == "", ascii(text)


@pytest.mark.parametrize("value", [54545454, 1.5, True, None, ["a "], {"a": "b "}])
def test_what_is_no_text_stays_as_it_is(value: Any) -> None:
    assert tidy.lead(CONTRACT, {"phone": value, "unknown": " x "}) == {"phone": value, "unknown": " x "}


def test_the_commands_read_the_steps_from_the_contract() -> None:
    assert tidy.lead(contract.load(), {"name": " Ana\u200b", "rut": "111111111"}) == {
        "name": "Ana",
        "rut": "11111111-1",
    }
