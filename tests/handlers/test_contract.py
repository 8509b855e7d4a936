import json
import re
import time
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

from components import openapi
from handlers.shared.contract import Contract
from handlers.shared.errors import InvalidRequest
from tests.handlers.samples import ALICE, BENEFIT, LEAD, PARTNER

DOCUMENT = openapi.load(Path(__file__).parents[2] / "openapi.yaml")
LONG_LABEL = "a" * 63
LONGEST_MAIL = f"{'l' * 64}@{LONG_LABEL}.{LONG_LABEL}.{'b' * 61}"

VALID = {
    "name": [
        "a",
        " a",
        "\u200ba\u202e",
        "x" * 100,
        "😀" * 100,
        "María-José",
        "李",
        "محمد",
        "O'Neill; DROP TABLE",
        "a\u0301",
        "می\u200cخواهم",
        "👩\u200d👧",
    ],
    "rut": ["11111111-1", "7654321-6", "10000013-K", "10000013-k"],
    "phone": [
        "1234567",
        "+1234567",
        "123456789012345",
        "+123456789012345",
        "0000000",
        1_000_000,
        999_999_999_999_999,
        54545454.0,
    ],
    "mail": [
        "a@b.cl",
        "first.last+tag@sub.example.com",
        "!#$%&'*+/=?^_`{|}~-@example.com",
        f"{'l' * 64}@example.com",
        f"a@{LONG_LABEL}.cl",
        "A@EXAMPLE.COM",
        LONGEST_MAIL,
    ],
    "store": ["AB", "a_1", "x" * 64, "ESTACION_CENTRAL"],
    "wantsBenefit": [True, False],
    "origin": ["web", "app"],
}
ANY_WRONG_TYPE: list[object] = [None, [], {}, [True], {"a": 1}]
INVALID = {
    "name": [
        "",
        "x" * 101,
        "😀" * 101,
        " ",
        "\u00a0\u3000",
        "\u200b",
        "\u202e",
        "\ufeff \u00ad",
        "\ufe0f",
        "\u3164",
        "\u2800",
        "\U000e0041",
        "\U000e0100\u200d",
        "\u200b" * 100,
        "a\nb",
        "a\n",
        "\x00",
        "a\x1fb",
        "a\x7f",
        "a\x80",
        "a\x9f",
        "\t",
        1,
        True,
        *ANY_WRONG_TYPE,
    ],
    "rut": [
        "",
        "11111111-2",
        "10000013-1",
        "11111111-K",
        "111111-1",
        "111111111-1",
        "11.111.111-1",
        "11111111",
        "111111111",
        "11111111-1\n",
        "\n11111111-1",
        " 11111111-1",
        "11111111-",
        "11111111-11",
        "١١١١١١١١-1",
        "11111111−1",
        11111111,
        True,
        *ANY_WRONG_TYPE,
    ],
    "phone": [
        "123456",
        "1234567890123456",
        "+123456",
        "++1234567",
        "1234567\n",
        "123 4567",
        "１２３４５６７",
        "",
        999_999,
        1_000_000_000_000_000,
        -54545454,
        54545454.5,
        float("inf"),
        1e300,
        True,
        False,
        *ANY_WRONG_TYPE,
    ],
    "mail": [
        "",
        "a",
        "@b.cl",
        "a@",
        "a@b",
        "a@b.cl\n",
        "a b@c.cl",
        "a@b..cl",
        ".a@b.cl",
        "a.@b.cl",
        "a..b@c.cl",
        "a@-b.cl",
        "a@b-.cl",
        "a@b.cl.",
        "a@@b.cl",
        "ñ@b.cl",
        "a@ñ.cl",
        '"a b"@c.cl',
        "a@[127.0.0.1]",
        f"{'l' * 65}@example.com",
        f"a@{'b' * 64}.cl",
        LONGEST_MAIL + "b",
        1,
        True,
        *ANY_WRONG_TYPE,
    ],
    "store": ["", "A", "x" * 65, "A B", "A-B", "AB\n", "ÑUÑOA", 12, True, *ANY_WRONG_TYPE],
    "wantsBenefit": ["true", "", 0, 1, 1.0, *ANY_WRONG_TYPE],
    "origin": ["", "Web", "web ", "web\n", "email", 1, True, *ANY_WRONG_TYPE],
}
SCHEMAS = {"Client": ALICE, "Partner": PARTNER, "Benefit": BENEFIT, "Lead": LEAD}


def name_of(value: object) -> str:
    return ascii(value)[:30]


def problems(contract: Contract, schema: str, value: object) -> str:
    with pytest.raises(InvalidRequest) as refused:
        contract.validate(schema, value)
    assert refused.value.__cause__ is None
    hidden = refused.value.__suppress_context__ or refused.value.__context__ is None
    assert hidden, "the validator's own error quotes the value; a trace would show it"
    return str(refused.value)


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in VALID.items() for v in vs], ids=name_of)
def test_a_field_within_its_rule_is_accepted(the_contract: Contract, field: str, value: object) -> None:
    the_contract.validate("Lead", LEAD | {field: value})


@pytest.mark.parametrize("value", VALID["name"], ids=name_of)
def test_a_last_name_has_the_rule_of_a_name(the_contract: Contract, value: object) -> None:
    the_contract.validate("Client", ALICE | {"lastname": value})


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in INVALID.items() for v in vs], ids=name_of)
def test_a_field_outside_its_rule_is_refused_by_name(the_contract: Contract, field: str, value: object) -> None:
    text = problems(the_contract, "Lead", LEAD | {field: value})
    assert text.startswith(f"{field}: must be "), "the problem names the field, what it should be"
    assert ";" not in text, "and no other field"


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_payloads_of_the_original_are_accepted(the_contract: Contract, schema: str) -> None:
    the_contract.validate(schema, SCHEMAS[schema])


@pytest.mark.parametrize(("schema", "field"), [(s, f) for s, body in SCHEMAS.items() for f in body])
def test_a_missing_field_is_named(the_contract: Contract, schema: str, field: str) -> None:
    body = {name: value for name, value in SCHEMAS[schema].items() if name != field}
    assert problems(the_contract, schema, body) == f"{field}: is missing"


@pytest.mark.parametrize("schema", SCHEMAS)
def test_unknown_fields_are_named_and_their_values_are_not(the_contract: Contract, schema: str) -> None:
    text = problems(the_contract, schema, SCHEMAS[schema] | {"nickname": "canary", "": 2})
    assert text.startswith('"nickname", "": unknown, there are only ')
    assert "canary" not in text
    assert all(field in text for field in SCHEMAS[schema]), "it says which fields there are"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("nombre y año", '"nombre y año"'),
        ("a\u202eb", r'"a\u{202e}b"'),
        ("a\u200b\ufe0f\u0301", r'"a\u{200b}\u{fe0f}\u{301}"'),
        ("a\r\n\x1b[31m", r'"a\u{d}\u{a}\u{1b}\u{5b}31m"'),
        ("<b>${x}", r'"\u{3c}b\u{3e}\u{24}\u{7b}x\u{7d}"'),
        ("client 16161616-8", '"client …-8"'),
        ("address_2", '"address_2"'),
        ('x"; rut: y\\', r'"x\u{22}\u{3b} rut\u{3a} y\u{5c}"'),
        ("\u0627\u0628", r'"\u{627}\u{628}"'),
        ("\u00ad\u00a0", r'"\u{ad}\u{a0}"'),
        ("😀", r'"\u{1f600}"'),
        ("x" * 40, f'"{"x" * 40}"'),
        ("x" * 16_000, f'"{"x" * 40}…"'),
    ],
    ids=ascii,
)
def test_an_unknown_fields_name_is_shown_safely(the_contract: Contract, name: str, shown: str) -> None:
    text = problems(the_contract, "Lead", LEAD | {name: 1})
    assert text.startswith(f"{shown}: unknown, ")
    assert ";" not in text, "it separates problems"


def test_many_unknown_fields_are_counted(the_contract: Contract) -> None:
    text = problems(the_contract, "Lead", LEAD | {f"field{number}": 1 for number in range(1_000)})
    assert text.startswith('"field0", "field1", "field2" and 997 more: unknown, ')


def numbers(text: str) -> set[str]:
    return set(re.findall("[0-9]+", text.partition(" such as ")[0]))


def test_the_words_of_a_rule_say_its_own_numbers() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if "x-words" in schema:
            rules = json.dumps({key: rule for key, rule in schema.items() if key not in ("x-words", "x-tidy")})
            rules = rules.replace("[1-9][0-9]{4,8}", "{5,9}")
            assert numbers(schema["x-words"]) <= set(re.findall("[0-9]+", rules)), name


def test_every_rule_that_a_request_is_held_to_has_words(the_contract: Contract) -> None:
    fields = [rules for schema in SCHEMAS for rules in the_contract.schema(schema)["properties"].values()]
    for rules in (*fields, the_contract.schema("LeadId"), the_contract.schema("Rut")):
        assert rules["x-words"].startswith("must be ")
        assert not {"^", "[", "{", "\\", ";"} & set(rules["x-words"]), "nobody is shown a regular expression"


@pytest.mark.parametrize(("field", "value"), [("name", 1), ("rut", 11111111), ("store", None)])
def test_a_value_that_is_no_text_is_told_so(the_contract: Contract, field: str, value: object) -> None:
    text = problems(the_contract, "Lead", LEAD | {field: value})
    assert text.startswith(f"{field}: must be text, and must be ")


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("body", [None, [], "text", 1, True, [LEAD]], ids=name_of)
def test_a_body_that_is_no_object_is_refused(the_contract: Contract, schema: str, body: object) -> None:
    assert problems(the_contract, schema, body) == f"the {schema} must be a JSON object"


def test_every_problem_is_told_at_once(the_contract: Contract) -> None:
    text = problems(the_contract, "Client", {"name": "", "rut": 1, "phone": [], "extra": 0})
    parts = [part.split(":")[0] for part in text.split("; ")]
    assert parts == ["lastname", "mail", "name", "rut", "phone", '"extra"']


def test_no_problem_quotes_a_value(the_contract: Contract) -> None:
    canaries: dict[str, Any] = {
        "name": "CANARY\n",
        "lastname": "CANARY" * 20,
        "rut": "CANARY-1",
        "phone": "CANARY",
        "mail": "CANARY@",
        "store": "CANARY!",
        "wantsBenefit": "CANARY",
        "origin": "CANARY",
        "extra": "CANARY",
    }
    assert "CANARY" not in problems(the_contract, "Lead", canaries)


@pytest.mark.parametrize("lead_id", ["a", "A_b-9", "x" * 64])
def test_a_lead_id_is_letters_digits_dashes_and_underscores(the_contract: Contract, lead_id: str) -> None:
    the_contract.validate("LeadId", lead_id)


@pytest.mark.parametrize("lead_id", ["", "x" * 65, "a b", "a\n", "a/b", "ñ", "../x", None, 1], ids=name_of)
def test_any_other_lead_id_is_refused_without_being_quoted(the_contract: Contract, lead_id: object) -> None:
    assert problems(the_contract, "LeadId", lead_id).startswith("the LeadId must be ")


def test_a_value_is_called_as_the_caller_called_it(the_contract: Contract) -> None:
    with pytest.raises(InvalidRequest, match=r"^X-Lead-Id: must be 1 to 64 characters, "):
        the_contract.validate("LeadId", "a b", called="X-Lead-Id")


@pytest.mark.parametrize("mail", ["a" * 16_000, "a." * 127, "a@" + "b." * 126, "a@" + "b-" * 126, "@" * 254])
def test_a_hostile_mail_is_refused_in_no_time(the_contract: Contract, mail: str) -> None:
    started = time.process_time()
    problems(the_contract, "Client", ALICE | {"mail": mail})
    assert time.process_time() - started < 1, "a pattern that backtracks would let one request block a function"


def test_fields_are_those_of_the_schema(the_contract: Contract) -> None:
    assert the_contract.fields("Client") == ("name", "lastname", "rut", "phone", "mail")


def test_a_second_refusal_compiles_nothing_again(the_contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"name": "", "rut": 1, "extra": 0}
    first = problems(the_contract, "Client", wrong)
    monkeypatch.setattr(fastjsonschema, "compile", lambda *_, **__: pytest.fail("a schema was compiled again"))
    assert problems(the_contract, "Client", wrong) == first
