from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.engine import UNKNOWN, EngineError
from local_cloud.engine.codec import decode, encode
from local_cloud.engine.signatures import OUTPUT, RESOURCE, SECRET, SIGNATURE, UNKNOWN_TEXT
from local_cloud.engine.values import (
    Reference,
    Secret,
    changed_names,
    contains_secret,
    contains_unknown,
    mark_inputs,
    mark_outputs,
    plain,
    plain_properties,
    secret_texts,
)
from local_cloud.engine.wire import properties_from, struct_from

ROOT = Path("/nowhere")

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.just(UNKNOWN)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(min_size=1), inner, max_size=3)
        | inner.map(Secret)
        | st.builds(Reference, st.text(), inner.filter(lambda value: isinstance(value, str)), st.just("1.0"))
    ),
    max_leaves=8,
)


@given(values)
def test_a_value_survives_the_state(value: object) -> None:
    assert decode(json.loads(json.dumps(encode(value, in_state=True))), ROOT) == value


@given(st.dictionaries(st.text(min_size=1), values.filter(lambda value: value is not None), max_size=3))
def test_properties_survive_the_wire(properties: dict[str, object]) -> None:
    assert properties_from(struct_from(properties), ROOT) == properties


@given(values)
def test_what_a_provider_sees_holds_no_secret_mark(value: object) -> None:
    assert not contains_secret(plain(value))


def test_whole_numbers_are_integers_and_others_floats() -> None:
    decoded = decode([3.0, 3.5], ROOT)
    assert [type(number) for number in decoded] == [int, float]


def test_a_null_on_the_wire_is_absence() -> None:
    struct = struct_pb2.Struct(fields={"a": struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)})
    assert properties_from(struct, ROOT) == {}


def test_pulumis_marks_are_read() -> None:
    assert decode(UNKNOWN_TEXT, ROOT) is UNKNOWN
    assert decode({SIGNATURE: SECRET, "plaintext": '{"a": 1}'}, ROOT) == Secret({"a": 1})
    assert decode({SIGNATURE: OUTPUT, "value": 1, "secret": True}, ROOT) == Secret(1)
    assert decode({SIGNATURE: OUTPUT}, ROOT) is UNKNOWN
    assert decode({SIGNATURE: RESOURCE, "urn": "u", "id": ""}, ROOT) == Reference("u", "")
    with pytest.raises(EngineError, match="signature that the engine doesn't know: what"):
        decode({SIGNATURE: "what"}, ROOT)
    with pytest.raises(EngineError, match="--show-secrets"):
        decode({SIGNATURE: SECRET, "ciphertext": "x"}, ROOT)


def test_a_value_that_pulumi_can_not_hold_is_refused() -> None:
    with pytest.raises(EngineError, match="set"):
        encode({"a": {1}})


def test_a_resource_stands_for_its_id_and_null_for_absence() -> None:
    assert plain_properties({"a": Reference("urn", "id-1"), "b": Reference("urn"), "c": None}) == {
        "a": "id-1",
        "b": "urn",
    }


def test_checked_inputs_get_their_secret_marks_back_as_deep_as_the_shapes_agree() -> None:
    given_inputs = {
        "a": {"x": Secret(1), "y": 2},
        "b": [Secret(1), 2],
        "c": [Secret(1)],
        "d": {"x": Secret(1)},
        "e": Secret({"x": 1}),
    }
    checked = {"a": {"x": 1, "y": 2, "z": 3}, "b": [1, 2], "c": [1, 2], "d": {"other": 1}, "e": {"x": 1}, "f": 1}
    assert mark_inputs(checked, given_inputs) == {
        "a": {"x": Secret(1), "y": 2, "z": 3},
        "b": [Secret(1), 2],
        "c": Secret([1, 2]),
        "d": Secret({"other": 1}),
        "e": Secret({"x": 1}),
        "f": 1,
    }


def test_outputs_are_secret_as_a_whole() -> None:
    marked = mark_outputs({"a": {"x": 1}, "b": 1, "c": 1}, {"a": {"x": Secret(1)}, "c": 1}, ["b"])
    assert marked == {"a": Secret({"x": 1}), "b": Secret(1), "c": 1}


def test_unknowns_are_found_wherever_they_are() -> None:
    assert contains_unknown([{"a": Secret([UNKNOWN])}])
    assert contains_unknown(Reference("urn", UNKNOWN))
    assert not contains_unknown([{"a": Secret([1])}])


def test_a_change_is_one_of_value_not_of_mark_or_null() -> None:
    old = {"a": 1, "b": Secret(2), "c": None, "d": 4}
    assert changed_names(old, {"a": Secret(1), "b": 2, "d": 5, "e": None}) == ("d",)


def test_texts_inside_secrets_are_what_gets_masked() -> None:
    assert list(secret_texts({"a": Secret({"x": ["one"], "n": 5}), "b": "two"})) == ["one"]


def test_a_secret_does_not_show_itself() -> None:
    assert repr({"a": Secret("hunter22")}) == "{'a': [secret]}"
