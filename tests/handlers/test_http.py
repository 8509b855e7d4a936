import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from handlers.shared import http
from handlers.shared.contract import Contract
from handlers.shared.errors import (
    BodyTooLarge,
    Conflict,
    CrmRejected,
    CrmUnavailable,
    DatabaseUnavailable,
    EventBusUnavailable,
    InvalidLead,
    InvalidRequest,
    LeadbridgeError,
    MigrationFailed,
    MissingSetting,
    NotFound,
    Unavailable,
    UnsupportedMediaType,
)
from tests.handlers.samples import BENEFIT, body_of, get, message_of, post, post_bytes

CANARY = "canary 11111111-1 alice"


class Context:
    aws_request_id = "request-7"


@http.operation
def echo(event: http.Event, _context: Any) -> http.Answer:
    return http.resource(200, http.json_body(event, Contract.bundled(), "Benefit"))


def failing(error: BaseException) -> http.Handler:
    @http.operation
    def handler(_event: http.Event, _context: Any) -> http.Answer:
        raise error

    return handler


def benefit_of(size: int) -> bytes:
    """A valid body of exactly this many bytes."""
    text = json.dumps(BENEFIT)
    return text.replace("{", "{" + " " * (size - len(text))).encode()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidRequest, 400, "INVALID_REQUEST"),
        (InvalidLead, 400, "INVALID_LEAD"),
        (NotFound, 404, "NOT_FOUND"),
        (Conflict, 409, "CONFLICT"),
        (BodyTooLarge, 413, "BODY_TOO_LARGE"),
        (UnsupportedMediaType, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (Unavailable, 503, "UNAVAILABLE"),
        (DatabaseUnavailable, 503, "DATABASE_UNAVAILABLE"),
        (EventBusUnavailable, 503, "EVENT_BUS_UNAVAILABLE"),
    ],
)
def test_a_domain_error_becomes_its_status(
    error: type[LeadbridgeError], status: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = failing(error("what is wrong"))({}, Context())
    assert message_of(answer, status) == (code, "what is wrong")
    line = json.loads(capsys.readouterr().out)
    assert (line["code"], line["status"], line["requestId"]) == (code, status, "request-7")


def test_503_says_in_whole_seconds_when_to_come_back() -> None:
    answer = failing(Unavailable("busy"))({}, None)
    assert re.fullmatch("[0-9]+", answer["headers"]["Retry-After"])


@pytest.mark.parametrize(
    "error",
    [
        ValueError(CANARY),
        KeyError(CANARY),
        RecursionError(CANARY),
        LeadbridgeError(CANARY),
        MissingSetting(CANARY),
        MigrationFailed(CANARY),
        CrmUnavailable(CANARY),
        CrmRejected(CANARY),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_no_caller_may_see_leaks_neither_into_the_answer_nor_into_the_log(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        raise OSError(CANARY) from error
    except OSError as chained:
        answer = failing(error)({}, Context())
        also = failing(chained)({}, Context())
    for each in (answer, also):
        code, sentence = message_of(each, 500)
        assert (code, sentence) == (
            "INTERNAL_ERROR",
            "Something went wrong on our side; the request was not completed.",
        )
    logged = capsys.readouterr()
    assert "canary" not in json.dumps([answer, also]) + logged.out + logged.err
    lines = [json.loads(line) for line in logged.out.splitlines()]
    named = [line for line in lines if line.get("errorType") == type(error).__name__]
    assert named, "the log names the error's type"
    assert re.search(r"test_http\.py:\d+$", named[0]["where"]), "and its place"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_process_is_not_taken_for_an_answer(stop: type[BaseException]) -> None:
    with pytest.raises(stop):
        failing(stop())({}, None)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        " application/json ",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json; CHARSET=Utf-8",
        "application/json; profile=x",
        "application/json;",
    ],
)
def test_json_in_utf8_is_taken(content_type: str) -> None:
    assert body_of(echo(post(BENEFIT, content_type=content_type), None), 200) == BENEFIT


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/jsonx",
        "application/json, text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/problem+json",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; charset=",
        "application/json; charset=utf-8; charset=latin-1",
    ],
)
def test_any_other_media_type_is_415(content_type: str) -> None:
    code, sentence = message_of(echo(post(BENEFIT, content_type=content_type), None), 415)
    assert code == "UNSUPPORTED_MEDIA_TYPE"
    assert "application/json" in sentence


@pytest.mark.parametrize("headers", [None, {}, {"Accept": "application/json"}])
def test_no_media_type_is_415(headers: Mapping[str, str] | None) -> None:
    message_of(echo({**post(BENEFIT), "headers": headers}, None), 415)


@pytest.mark.parametrize("coding", ["gzip", "x-GZIP", "br", "deflate", "identity, gzip", "aws-chunked"])
def test_a_compressed_body_is_415_and_told_so(coding: str) -> None:
    event = post(BENEFIT)
    event["headers"] = {**event["headers"], "Content-Encoding": coding}
    code, sentence = message_of(echo(event, None), 415)
    assert code == "UNSUPPORTED_MEDIA_TYPE"
    assert "Content-Encoding" in sentence


@pytest.mark.parametrize("coding", ["", "identity", "Identity", "identity, identity"])
def test_a_body_that_is_not_compressed_may_say_so(coding: str) -> None:
    event = post(BENEFIT)
    event["headers"] = {**event["headers"], "Content-Encoding": coding}
    assert body_of(echo(event, None), 200) == BENEFIT


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_a_headers_case_does_not_matter(name: str) -> None:
    event = {**post(BENEFIT), "headers": {"Host": "x", name: "application/json"}}
    assert body_of(echo(event, None), 200) == BENEFIT


def test_the_media_type_is_checked_before_the_size_and_the_size_before_the_syntax() -> None:
    too_large = "{" * (http.MAX_BODY_BYTES + 1)
    message_of(echo(post(raw=too_large, content_type="text/plain"), None), 415)
    message_of(echo(post(raw=too_large), None), 413)


@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_of_16_kib_is_taken_and_one_byte_more_is_413(encoded: bool) -> None:
    def event(size: int) -> Mapping[str, Any]:
        return post_bytes(benefit_of(size)) if encoded else post(raw=benefit_of(size).decode())

    assert body_of(echo(event(16 * 1024), None), 200) == BENEFIT
    code, sentence = message_of(echo(event(16 * 1024 + 1), None), 413)
    assert (code, sentence) == ("BODY_TOO_LARGE", "the body is larger than 16384 bytes")


def test_the_size_is_counted_in_bytes_not_characters() -> None:
    message_of(echo(post(raw='"' + "ñ" * 8_192 + '"'), None), 413)


def test_a_base64_body_is_decoded() -> None:
    assert body_of(echo(post_bytes(json.dumps(BENEFIT).encode()), None), 200) == BENEFIT


@pytest.mark.parametrize(
    "body", [base64.b64encode(b'{"\xff": 1}').decode(), "%%%", "abc", "ñandú", "\ud800"], ids=ascii
)
def test_a_base64_body_that_is_no_utf8_or_no_base64_is_400(body: str) -> None:
    event = {**post(BENEFIT), "body": body, "isBase64Encoded": True}
    assert message_of(echo(event, None), 400) == ("INVALID_REQUEST", "the body is not valid UTF-8")


@pytest.mark.parametrize("body", ["\ud800", '{"a": "\ud83d"}'], ids=ascii)
def test_a_body_with_half_of_a_surrogate_pair_is_400(body: str) -> None:
    message_of(echo(post(raw=body), None), 400)


@pytest.mark.parametrize("event", [{"body": None}, {"body": ""}, {}], ids=str)
def test_no_body_is_400(event: dict[str, Any]) -> None:
    answer = echo({"headers": {"content-type": "application/json"}, **event}, None)
    assert message_of(answer, 400) == ("INVALID_REQUEST", "the body is not valid JSON")


def test_a_body_of_null_is_400() -> None:
    assert message_of(echo(post(None), None), 400) == ("INVALID_REQUEST", "the Benefit must be a JSON object")


def test_only_a_function_that_knows_an_allowed_origin_answers_with_cors_headers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {200: echo(post(BENEFIT), None), 400: echo(post(0), None), 500: failing(ValueError())({}, None)}
    for answer in answers.values():
        assert not [name for name in answer["headers"] if name.startswith("Access-Control-")]
    monkeypatch.setenv("ALLOWED_ORIGIN", "https://form.example")
    answers = {200: echo(post(BENEFIT), None), 400: echo(post(0), None), 500: failing(ValueError())({}, None)}
    for status, answer in answers.items():
        assert answer["headers"]["Access-Control-Allow-Origin"] == "https://form.example", status
        exposed = answer["headers"]["Access-Control-Expose-Headers"]
        assert exposed == "Location, Retry-After", "a page must be able to read them"


def test_a_path_parameter_is_checked_by_its_schema(the_contract: Contract) -> None:
    assert http.path_parameter(get(rut="11111111-1"), "rut", the_contract, "Rut") == "11111111-1"
    for event in (get(rut="11111111-2"), get(rut="11111111-1\n"), get(rut=""), get()):
        with pytest.raises(InvalidRequest):
            http.path_parameter(event, "rut", the_contract, "Rut")


def test_the_correlation_id_may_be_missing_but_not_wrong(the_contract: Contract) -> None:
    assert http.lead_id(post(BENEFIT), the_contract) is None
    assert http.lead_id(post(BENEFIT, X_LEAD_ID="lead-1"), the_contract) == "lead-1"
    for wrong in ("", "a b", "x" * 65, "lead-1\n"):
        with pytest.raises(InvalidRequest):
            http.lead_id(post(BENEFIT, x_lead_id=wrong), the_contract)


def test_text_of_any_script_goes_out_as_it_is() -> None:
    assert "María 李 😀" in http.resource(200, {"name": "María 李 😀"})["body"]
