"""Payloads, proxy events as API Gateway sends them, and what every answer must hold to."""

import base64
import json
from typing import Any

ALICE: dict[str, Any] = {
    "name": "alice",
    "lastname": "cooper",
    "rut": "11111111-1",
    "phone": 54545454,
    "mail": "acooper@alice.com",
}
PARTNER: dict[str, Any] = {"rut": "11111111-1", "store": "ESTACION_CENTRAL"}
BENEFIT: dict[str, Any] = {"rut": "11111111-1", "wantsBenefit": True}
LEAD: dict[str, Any] = {**ALICE, **PARTNER, **BENEFIT, "origin": "web"}
RUT_WITH_K = "10000013-K"
# (as it may be sent, as it is stored and answered)
SPELLINGS = [
    ("7654321-6", "7654321-6"),
    ("07654321-6", "7654321-6"),
    ("007654321-6", "7654321-6"),
    ("00000000007654321-6", "7654321-6"),
    ("10000013-k", "10000013-K"),
    ("010000013-k", "10000013-K"),
    ("10000-5", "10000-5"),
    ("00010000-5", "10000-5"),
    ("123456-0", "123456-0"),
    ("123456789-2", "123456789-2"),
    ("000000000123456789-2", "123456789-2"),
]

PERSONAL = ("alice", "cooper", "11111111", "54545454", "acooper@alice.com")


def post(body: object = None, *, raw: str | None = None, **headers: str) -> dict[str, Any]:
    """`raw`: the body as text. A header's underscores become dashes."""
    sent = {"content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return {
        "headers": sent,
        "body": json.dumps(body) if raw is None else raw,
        "isBase64Encoded": False,
        "pathParameters": None,
    }


def post_bytes(data: bytes) -> dict[str, Any]:
    return post(raw=base64.b64encode(data).decode()) | {"isBase64Encoded": True}


def get(**path: str) -> dict[str, Any]:
    return {"headers": None, "body": None, "isBase64Encoded": False, "pathParameters": path or None}


def body_of(answer: dict[str, Any], status: int) -> dict[str, Any]:
    """The answer's body, after checks of what API Gateway asks of a proxy's answer."""
    assert answer["statusCode"] == status, answer
    assert set(answer) <= {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
    assert all(isinstance(value, str) for value in answer["headers"].values())
    assert answer["headers"]["Content-Type"] == "application/json"
    assert answer["headers"]["Cache-Control"] == "no-store", "answers hold personal data or change with time"
    body = json.loads(answer["body"])
    assert isinstance(body, dict)
    return body


def message_of(answer: dict[str, Any], status: int) -> tuple[str, str]:
    """Code and sentence of an ApiResponseBody."""
    body = body_of(answer, status)
    assert set(body) == {"statusCode", "message", "description"}
    assert body["statusCode"] == status
    assert body["description"]
    assert ("Retry-After" in answer["headers"]) == (status in (429, 503)), "they alone say when to come back"
    return body["message"], body["description"]


def lead_event(lead_id: str | None = None, **changes: object) -> dict[str, Any]:
    """As the rule hands it to the state machine. A change to None takes the field away."""
    detail = {name: value for name, value in (LEAD | changes).items() if value is not None}
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "LeadReceived",
        "source": "leadbridge.web",
        "detail": detail | ({"leadId": lead_id} if lead_id is not None else {}),
    }
