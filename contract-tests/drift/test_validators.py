"""The handlers' validator and an independent one judge many generated values alike, for each of the schemas."""

import json
import os
import string
from functools import cache
from typing import Any

import pytest
from consumer import expectations, formats
from hypothesis import given, settings
from hypothesis import strategies as st
from support import rut
from support.stack import ROOT

from components import openapi
from handlers.shared.contract import Contract

DOCUMENT = openapi.load(ROOT / "openapi.yaml")
SCHEMAS = openapi.bundle(DOCUMENT, DOCUMENT["components"]["schemas"])
CONTRACT = Contract(SCHEMAS)
EXAMPLES = int(os.environ.get("EXAMPLES", "120"))
DIGITS = st.text("0123456789", min_size=4, max_size=10)
MAIL_PARTS = st.text(string.ascii_letters + "-._+@'\" ñ", max_size=6)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.text(max_size=2), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
FORMATS = {
    "rut": st.one_of(
        DIGITS.map(rut.of),
        DIGITS.map(lambda digits: rut.of(digits).lower()),
        st.builds("{}{}".format, st.integers(0, 16).map("0".__mul__), DIGITS.map(rut.of)),
        st.builds("{}-{}".format, DIGITS, st.sampled_from("0123456789kKñ")),
    ),
    "email": st.one_of(
        st.emails(),
        st.builds("{}@{}".format, MAIL_PARTS, st.lists(MAIL_PARTS, max_size=3).map(".".join)),
        st.builds("{}@{}.cl".format, st.integers(63, 66).map("a".__mul__), st.integers(62, 65).map("b".__mul__)),
    ),
    "visible": st.text(
        st.one_of(st.sampled_from(" \u00a0\u200b\u2060\u3164\ufe0f\u0601\U000e0041aé"), st.characters()),
        max_size=4,
    ),
    "date-time": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
}


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values on both sides of each rule."""
    if "oneOf" in schema or "allOf" in schema:
        return st.one_of(ANYTHING, *(values(each) for each in schema.get("oneOf", schema.get("allOf"))))
    kind = schema.get("type")
    if "enum" in schema:
        return st.one_of(st.sampled_from(schema["enum"]), ANYTHING)
    if kind == "object":
        properties = {name: values(each) for name, each in schema["properties"].items()}
        required = {name: properties[name] for name in schema["required"]}
        full = st.fixed_dictionaries(
            required, optional={name: each for name, each in properties.items() if name not in required}
        )
        spoilt = st.builds(lambda value, name: value | {name: 1}, full, st.sampled_from([*properties, "unknown"]))
        lost = st.builds(
            lambda value, name: {key: each for key, each in value.items() if key != name},
            full,
            st.sampled_from([*properties]),
        )
        return st.one_of(full, full, spoilt, lost, ANYTHING)
    if kind == "array":
        return st.one_of(st.lists(values(schema["items"]), max_size=3), ANYTHING)
    if kind == "integer":
        bounds = [bound + step for bound in (schema["minimum"], schema["maximum"]) for step in (-1, 0, 1)]
        return st.one_of(st.sampled_from(bounds), st.sampled_from(bounds).map(float), ANYTHING)
    if kind == "string":
        return st.one_of(_texts(schema), _texts(schema), ANYTHING)
    return ANYTHING


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    matching = st.from_regex(schema["pattern"]) if "pattern" in schema else st.text(max_size=20)
    most = schema.get("maxLength", 20)
    long = st.integers(most - 1, most + 1).flatmap(lambda size: st.text("a1𝓐", min_size=size, max_size=size))
    return st.one_of(matching, matching, long, FORMATS.get(schema.get("format", ""), matching))


@cache
def near_misses(name: str) -> st.SearchStrategy[Any]:
    """A good value with one field replaced, where there is a good value to begin with."""
    good = {
        "Lead": expectations.LEAD,
        "Client": expectations.CLIENT,
        "Partner": expectations.PARTNER,
        "Benefit": expectations.BENEFIT,
        "ClientRecord": expectations.CLIENT,
        "LeadStatus": expectations.STATUS,
        "LeadReceipt": expectations.RECEIPT,
        "LeadIssue": expectations.ISSUE,
        "ApiResponseBody": {"statusCode": 409, "message": "CONFLICT", "description": "A sentence."},
    }.get(name)
    if good is None:
        return values(SCHEMAS[name])
    properties = SCHEMAS[name]["properties"]
    one = st.sampled_from(list(properties)).flatmap(
        lambda field: values(properties[field]).map(lambda value: {**good, field: value})
    )
    return st.one_of(one, one, one, values(SCHEMAS[name]))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_handlers_judge_as_an_independent_validator_does(name: str) -> None:
    verdicts = set()

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True)
    @given(near_misses(name))
    def judge(value: Any) -> None:
        value = json.loads(json.dumps(value))
        here, there = CONTRACT.holds(name, value), not formats.problems(SCHEMAS[name], value)
        assert here == there, f"the handlers say {here}"
        verdicts.add(here)

    judge()
    assert verdicts == {True, False}, "values on both sides"
