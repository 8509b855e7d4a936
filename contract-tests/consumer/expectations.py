"""What our consumers count on, written apart from openapi.yaml: a change of that file alone must not pass here.

They count on their requests being taken, on understanding each answer, and on some requests and answers being
impossible: a step lets no half-lost record through, since the API refuses it, and reads a `message` that is there.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from consumer.independent import Request, Response

from handlers.intake import web_form
from handlers.orchestration import receive_lead

LEAD_ID = "0d9c1d5e-6f0e-4c2a-9a51-5c1f0e7b7a10"
KEY = {"x-api-key": "a-key", "x-lead-id": LEAD_ID}
CLIENT = {"name": "Zoë", "lastname": "李", "rut": "10000013-K", "phone": "+56954545454", "mail": "zoe@example.com"}
PARTNER = {"rut": CLIENT["rut"], "store": "ESTACION_CENTRAL"}
BENEFIT = {"rut": CLIENT["rut"], "wantsBenefit": True}
LEAD = {**CLIENT, **PARTNER, **BENEFIT, "origin": "web"}
LONGEST_MAIL = f"{'l' * 64}@{'a' * 63}.{'b' * 63}.{'c' * 61}"
RECEIPT = {"leadId": LEAD_ID, "status": "SUBMITTED"}
ISSUE = {"step": "CreateClient", "code": "CrmRejected", "description": "The CRM refused it."}
STATUS = {"leadId": LEAD_ID, "status": "COMPLETED", "step": "benefit", "updatedAt": "2026-11-22T10:00:00.000Z"}

# operation -> method, path, headers and a body that it takes
CALLS: dict[str, tuple[str, str, dict[str, str], dict[str, Any] | None]] = {
    "submitLead": ("POST", "/leads", {}, LEAD),
    "getLead": ("GET", f"/leads/{LEAD_ID}", {}, None),
    "createClient": ("POST", "/create_client", KEY, CLIENT),
    "createPartner": ("POST", "/create_partner", KEY, PARTNER),
    "createBenefit": ("POST", "/create_benefit", KEY, BENEFIT),
}
# What people and channels may enter, and must still be able to.
TAKEN: dict[str, tuple[Any, ...]] = {
    "name": ("x", "x" * 100, "محمد"),
    "lastname": ("x", "x" * 100, "O'Brien-Ñandú"),
    "rut": ("7654321-6", "11111111-1", "10000013-k", "10000-5", "123456-0", "123456789-2", "00000000007654321-6"),
    "phone": ("1234567", "+123456789012345", 1_000_000, 999_999_999_999_999),
    "mail": ("a@b.cl", "first.last+tag@sub.example.com", LONGEST_MAIL),
    "store": ("A1", "z" * 64, "a_B"),
    "wantsBenefit": (True, False),
    "origin": ("web", "app"),
}
# What the form stops and the API refuses: the two have the same rules only as long as these stand.
REFUSED: dict[str, tuple[Any, ...]] = {
    "name": ("", "x" * 101, "a\nb", " ", "\u200b"),
    "lastname": ("", "x" * 101, "a\tb", "\u00a0 ", "\u202e\ufe0f"),
    "rut": ("11111111-2", "1234-3", "00000-0", "111111111", "1234567890-9", "11.111.111-1"),
    "phone": ("123456", "+1234567890123456", "12a45678", 999_999, 1_000_000_000_000_000, 5454545.5),
    "mail": ("zoe", "zoe@example", f"{'z' * 60}@{'a.' * 100}example", "a b@c.cl"),
    "store": ("A", "A" * 65, "ESTACIÓN", "A-B"),
    "wantsBenefit": ("true", 1),
    "origin": ("fax",),
}
# operation -> answers that a consumer understands
MESSAGES: dict[str, tuple[int, ...]] = {
    "submitLead": (400, 413, 415, 429, 500, 503),
    "getLead": (400, 404, 413, 429, 500, 503),
    "createClient": (200, 400, 403, 409, 413, 415, 429, 500, 503),
    "createPartner": (200, 400, 403, 404, 409, 413, 415, 429, 500, 503),
    "createBenefit": (200, 400, 403, 404, 409, 413, 415, 429, 500, 503),
}
# Schemas that functions have packed beside them, by name.
BUNDLED = {*web_form.SCHEMAS.values(), *receive_lead.RECORDS.values(), "Lead", "LeadId", "ApiResponseBody"}
READ = (200, 400, 409)  # whose body decides something
OPTIONAL = ("error",)
STATUSES = (
    *({**STATUS, "status": each} for each in ("SUBMITTED", "PROCESSING", "COMPLETED")),
    *({**STATUS, "step": each} for each in ("submitted", "received", "client", "partner", "benefit")),
    {**STATUS, "status": "FAILED", "error": ISSUE},
)


@dataclass(frozen=True)
class Expectation:
    """`holds`: whether the contract allows it."""

    operation: str
    what: Request | Response
    holds: bool


def all_of_them() -> list[Expectation]:
    return [*_requests(), *_answers()]


def _requests() -> Iterator[Expectation]:
    for operation, (method, path, headers, body) in CALLS.items():
        if body is None:
            yield Expectation(operation, Request(method=method, path=path, headers=headers), True)
            yield Expectation(operation, Request(method=method, path="/leads/a%20b", headers=headers), False)
            yield Expectation(operation, Request(method=method, path="/leads/" + "x" * 65, headers=headers), False)
            continue
        as_json = {**headers, "content-type": "application/json"}
        taken = [body, *({**body, name: value} for name in body for value in TAKEN[name])]
        refused = [*broken(body), *({**body, name: value} for name in body for value in REFUSED[name])]
        for holds, values in ((True, taken), (False, refused)):
            for value in values:
                data = json.dumps(value).encode()
                yield Expectation(operation, Request(method=method, path=path, headers=as_json, body=data), holds)
        good = json.dumps(body).encode()
        text = {**headers, "content-type": "text/plain"}
        yield Expectation(operation, Request(method=method, path=path, headers=text, body=good), False)
        yield Expectation(operation, Request(method=method, path=path, headers=as_json), False)
        for name in headers:
            value = {"x-api-key": "", "x-lead-id": "a b"}[name]
            changed = {**as_json, name: value}
            yield Expectation(operation, Request(method=method, path=path, headers=changed, body=good), False)


def _answers() -> Iterator[Expectation]:
    location = {"location": f"leads/{LEAD_ID}"}
    yield Expectation("submitLead", _answer(202, RECEIPT, location), True)
    yield Expectation("submitLead", _answer(202, RECEIPT, {"location": "https://elsewhere.example"}), False)
    yield Expectation("submitLead", _answer(202, RECEIPT, {}), False)
    for value in (*broken(RECEIPT), {**RECEIPT, "leadId": "a b"}, {**RECEIPT, "status": "LOST"}):
        yield Expectation("submitLead", _answer(202, value, location), False)
    for value in STATUSES:
        yield Expectation("getLead", _answer(200, value), True)
        for worse in broken(value):
            yield Expectation("getLead", _answer(200, worse), False)
    for name, wrong in (("leadId", "a b"), ("status", "LOST"), ("step", "lost"), ("updatedAt", "yesterday")):
        yield Expectation("getLead", _answer(200, {**STATUS, name: wrong}), False)
    for operation, statuses in MESSAGES.items():
        for status in statuses:
            yield from _messages(operation, status)


def _messages(operation: str, status: int) -> Iterator[Expectation]:
    retry = retry_after(status)
    body = {"statusCode": status, "message": "SOME_CODE", "description": "A sentence."}
    yield Expectation(operation, _answer(status, body, retry), True)
    if status in READ or operation == "createPartner":  # the one that has every status
        for value in (*broken(body), {**body, "message": "zoe@example.com"}, {**body, "description": ""}):
            yield Expectation(operation, _answer(status, value, retry), False)
    if retry:
        for wrong in ({}, {"retry-after": "soon"}):
            yield Expectation(operation, _answer(status, body, wrong), False)
    page = Response(status=status, headers={"content-type": "text/html", **retry}, body=json.dumps(body).encode())
    yield Expectation(operation, page, False)


def retry_after(status: int, seconds: int = 5) -> dict[str, str]:
    """The header of the answers that ask to come back later."""
    return {"retry-after": str(seconds)} if status in (429, 503) else {}


def _answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(
        status=status,
        headers={"content-type": "application/json", **(headers or {})},
        body=json.dumps(body).encode(),
    )


def broken(value: Any) -> Iterator[Any]:
    """A list in an object's place, and each part of the value lost, joined by another, or of another type."""
    yield [value]
    for path in _objects(value):
        for name in _at(value, path):
            if name not in OPTIONAL:
                yield _changed(value, path, lambda part, name=name: part.pop(name))
            for wrong in (None, [], {"a": 1}, "x", 7):
                if type(_at(value, path)[name]) is not type(wrong) and name != "phone":
                    yield _changed(value, path, lambda part, n=name, w=wrong: part.update({n: w}))
        yield _changed(value, path, lambda part: part.update(unknown="x"))


def _objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from _objects(inner, (*path, name))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


def _changed(value: Any, path: tuple[Any, ...], change: Any) -> Any:
    result = copy.deepcopy(value)
    change(_at(result, path))
    return result
