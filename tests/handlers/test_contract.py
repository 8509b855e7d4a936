import time
from typing import Any

import fastjsonschema
import pytest

from handlers.shared.contract import Contract
from handlers.shared.errors import InvalidRequest
from tests.handlers.samples import ALICE, BENEFIT, LEAD, PARTNER

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
def test_an_unknown_field_is_counted_and_not_quoted(the_contract: Contract, schema: str) -> None:
    text = problems(the_contract, schema, SCHEMAS[schema] | {"canary": 1, "": 2})
    assert text.startswith("2 unknown field(s): only ")
    assert "canary" not in text
    assert all(field in text for field in SCHEMAS[schema]), "it says which fields there are"


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("body", [None, [], "text", 1, True, [LEAD]], ids=name_of)
def test_a_body_that_is_no_object_is_refused(the_contract: Contract, schema: str, body: object) -> None:
    assert problems(the_contract, schema, body) == f"the {schema} must be a JSON object"


def test_every_problem_is_told_at_once(the_contract: Contract) -> None:
    text = problems(the_contract, "Client", {"name": "", "rut": 1, "phone": [], "extra": 0})
    parts = [part.split(":")[0] for part in text.split("; ")]
    assert parts == ["lastname", "mail", "name", "rut", "phone", "1 unknown field(s)"]


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
        "CANARY": "CANARY",
    }
    assert "CANARY" not in problems(the_contract, "Lead", canaries)


@pytest.mark.parametrize("lead_id", ["a", "A_b-9", "x" * 64])
def test_a_lead_id_is_letters_digits_dashes_and_underscores(the_contract: Contract, lead_id: str) -> None:
    the_contract.validate("LeadId", lead_id)


@pytest.mark.parametrize("lead_id", ["", "x" * 65, "a b", "a\n", "a/b", "ñ", "../x", None, 1], ids=name_of)
def test_any_other_lead_id_is_refused_without_being_quoted(the_contract: Contract, lead_id: object) -> None:
    assert problems(the_contract, "LeadId", lead_id).startswith("the LeadId must be text of ")


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
