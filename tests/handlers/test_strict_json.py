import sys

import pytest

from handlers.shared import strict_json
from handlers.shared.errors import InvalidRequest


def refusal(text: str) -> str:
    with pytest.raises(InvalidRequest) as refused:
        strict_json.parse(text)
    assert "canary" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        (" {} ", {}),
        ('{"a": [1, 2.5, true, "ñ😀"]}', {"a": [1, 2.5, True, "ñ😀"]}),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ufffd"', "\ufffd"),
        ('{"a": {"b": 1}, "b": 1}', {"a": {"b": 1}, "b": 1}),
        ("[" * 100 + "]" * 100, None),
    ],
    ids=ascii,
)
def test_json_is_read(text: str, value: object) -> None:
    parsed = strict_json.parse(text)
    assert value is None or parsed == value


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_python_alone_takes_for_a_number_is_refused(constant: str) -> None:
    assert refusal(f'{{"canary": {constant}}}') == f"the body is not valid JSON: {constant} is not a number"


@pytest.mark.parametrize("text", ['{"n": "canary", "n": 1}', '[{"a": {"n": 1, "b": 2, "n": "canary"}}]'])
def test_a_field_named_twice_is_refused_at_any_depth(text: str) -> None:
    assert refusal(text) == 'the body names the field "n" twice'


@pytest.mark.parametrize(
    "text", ["[" * 10_000, "[" * 10_000 + "]" * 10_000, '{"a":' * 10_000 + "1" + "}" * 10_000]
)
def test_bottomless_nesting_is_refused(text: str) -> None:
    assert refusal(text) in ("the body is nested too deeply", "the body is not valid JSON")


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udc00\\ud800"', '{"\\ud83d": 1}', '"canary\ud800"'], ids=ascii)
def test_half_of_a_surrogate_pair_is_refused(text: str) -> None:
    assert refusal(text) == "the body holds half of a surrogate pair"


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    assert refusal("1" * 5_000) == "the body is not valid JSON"


def test_the_mark_that_the_gateway_leaves_of_broken_utf8_is_refused() -> None:
    assert refusal('{"name": "canary\ufffd"}') == "the body is not valid UTF-8"


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "{'a': 1}", '{"a": 1,}', '"\n"', "01", "+1", ".5", "canary", "\ufeff{}", "{} {}"],
    ids=ascii,
)
def test_what_is_not_json_is_refused(text: str) -> None:
    assert refusal(text) == "the body is not valid JSON"


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_the_depth_that_is_allowed_does_not_depend_on_the_interpreter(opening: str) -> None:
    closing = {"[": "]", '{"a":': "}"}[opening]

    def nested(levels: int) -> str:
        return opening * levels + "1" + closing * levels

    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(100_000)
        assert strict_json.parse(nested(strict_json.MAX_DEPTH))
        assert refusal(nested(strict_json.MAX_DEPTH + 1)) == "the body is nested too deeply"
    finally:
        sys.setrecursionlimit(limit)
