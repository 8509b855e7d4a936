"""API Gateway's proxy events and answers, and the one place where errors become statuses."""

import base64
import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from handlers.shared import log, settings, strict_json
from handlers.shared.contract import Contract
from handlers.shared.errors import (
    BodyTooLarge,
    Conflict,
    DailyLimitReached,
    InvalidRequest,
    LeadbridgeError,
    NotFound,
    Unavailable,
    UnsupportedMediaType,
)

Event = Mapping[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Event, Any], Answer]

MAX_BODY_BYTES = 16 * 1024  # the contract's 413
RETRY_AFTER_SECONDS = 5
LEAD_ID_HEADER = "x-lead-id"

_STATUS: tuple[tuple[type[LeadbridgeError], int], ...] = (
    (InvalidRequest, 400),
    (NotFound, 404),
    (Conflict, 409),
    (BodyTooLarge, 413),
    (UnsupportedMediaType, 415),
    (DailyLimitReached, 429),
    (Unavailable, 503),
)
_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def resource(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return {
        "statusCode": status,
        "headers": {**_HEADERS, **(headers or {})},
        "body": json.dumps(body, ensure_ascii=False),
        "isBase64Encoded": False,
    }


def message(status: int, code: str, description: str, headers: Mapping[str, str] | None = None) -> Answer:
    """The contract's ApiResponseBody."""
    return resource(status, {"statusCode": status, "message": code, "description": description}, headers)


def operation(handler: Handler) -> Handler:
    """Turn domain errors into the contract's answers, and anything else into a 500 that tells nothing."""

    @functools.wraps(handler)
    def wrapped(event: Event, context: Any) -> Answer:
        request_id = getattr(context, "aws_request_id", None)
        try:
            answer = handler(event, context)
        except LeadbridgeError as error:
            answer = _refusal(error)
            log.warning("refused", code=error.code, status=answer["statusCode"], requestId=request_id)
        except Exception as error:  # the boundary: no internals may leave it
            log.unexpected("failed", error, requestId=request_id)
            answer = _internal_error()
        answer["headers"] |= _cors()
        return answer

    return wrapped


def _cors() -> dict[str, str]:
    """For the operations that a page may call, which are those whose function knows an allowed origin."""
    origin = settings.optional("ALLOWED_ORIGIN")
    if origin is None:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Location, Retry-After"}


def _internal_error() -> Answer:
    return message(500, "INTERNAL_ERROR", "Something went wrong on our side; the request was not completed.")


def _refusal(error: LeadbridgeError) -> Answer:
    for kind, status in _STATUS:
        if isinstance(error, kind):
            seconds = error.retry_after or (RETRY_AFTER_SECONDS if status == 503 else None)
            retry = {"Retry-After": str(seconds)} if seconds else None
            return message(status, error.code, str(error), retry)
    log.unexpected("failed", error)
    return _internal_error()


def header(event: Event, name: str) -> str | None:
    for key, value in (event.get("headers") or {}).items():
        if key.lower() == name:
            return str(value)
    return None


def path_parameter(event: Event, name: str, contract: Contract, schema: str) -> str:
    value = str((event.get("pathParameters") or {}).get(name, ""))
    contract.validate(schema, value, called=name)
    return value


def lead_id(event: Event, contract: Contract) -> str | None:
    """The lead that the caller says this request belongs to."""
    value = header(event, LEAD_ID_HEADER)
    if value is not None:
        contract.validate("LeadId", value, called="X-Lead-Id")
    return value


def json_body(event: Event, contract: Contract, schema: str) -> dict[str, Any]:
    """The request's body, checked in the order in which HTTP would: media type, size, syntax, schema."""
    _require_json(header(event, "content-type"))
    _require_plain(header(event, "content-encoding"))
    text = _body_text(event)
    body = strict_json.parse(text)
    contract.validate(schema, body)
    return dict(body)


def _require_json(content_type: str | None) -> None:
    if not strict_json.is_media_type(content_type):
        raise UnsupportedMediaType(
            "the body must be application/json in UTF-8, and the Content-Type header must say so"
        )


def _require_plain(content_encoding: str | None) -> None:
    codings = [coding.strip().lower() for coding in (content_encoding or "").split(",")]
    if not set(codings) <= {"", "identity"}:
        raise UnsupportedMediaType("the body must not be compressed: send it without a Content-Encoding header")


def _body_text(event: Event) -> str:
    raw = event.get("body") or ""
    try:
        data = base64.b64decode(raw, validate=True) if event.get("isBase64Encoded") else raw.encode()
        if len(data) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes")
        return data.decode()
    except ValueError:  # UnicodeError, binascii.Error, and base64 that is not even ASCII
        raise InvalidRequest("the body is not valid UTF-8") from None
