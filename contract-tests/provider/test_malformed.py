"""Malformed HTTP: a documented answer each time, never a 5xx, never a row.

Each request is right but for one thing, so that it would be taken if that one thing were overlooked.
"""

import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from support import contract, rut
from support.stack import Stack

MEBI = 1024 * 1024
POSTS = ("createClient", "createPartner", "createBenefit", "submitLead")

Malform = Callable[[dict[str, Any]], bytes]


def text(body: Any, **options: Any) -> bytes:
    return json.dumps(body, **options).encode()


def ended(addition: bytes) -> Malform:
    """With something more before the last brace."""
    return lambda body: text(body)[:-1] + addition + b"}"


def instead(value: bytes) -> Malform:
    """With something else as the RUT's value."""
    return lambda body: text({**body, "rut": "@"}).replace(b'"@"', value)


def padded(size: int) -> Malform:
    """Made up to a size with blanks, which JSON allows."""
    return lambda body: text(body).ljust(size)


BODIES: dict[str, tuple[Malform, tuple[int, ...]]] = {
    "nothing": (lambda body: b"", (400,)),
    "blanks": (lambda body: b" \n", (400,)),
    "cut off": (lambda body: text(body)[:-1], (400,)),
    "two documents": (lambda body: text(body) * 2, (400,)),
    "a comma too many": (ended(b","), (400,)),
    "a comment": (ended(b" /* */ "), (400,)),
    "single quotes": (lambda body: str(body).encode(), (400,)),
    "an array of it": (lambda body: text([body]), (400,)),
    "a text of it": (lambda body: text(text(body).decode()), (400,)),
    "null": (lambda body: b"null", (400,)),
    "a byte order mark": (lambda body: b"\xef\xbb\xbf" + text(body), (400,)),
    "UTF-16": (lambda body: json.dumps(body).encode("utf-16"), (400,)),
    "an invalid byte in a field": (ended(b', "\xff": 1'), (400,)),
    "an overlong sequence": (ended(b', "\xc0\xaf": 1'), (400,)),
    "an invalid byte between fields": (ended(b" \xff"), (400,)),
    "a NUL byte after it": (lambda body: text(body) + b"\x00", (400,)),
    "a NUL byte in it": (ended(b"\x00"), (400,)),
    "a NUL in the key field": (instead(b'"123456-0\\u0000"'), (400,)),
    "half a surrogate pair": (ended(b', "\\ud800": 1'), (400,)),
    "a field twice, the same": (lambda body: ended(b', "rut": ' + text(body["rut"]))(body), (400,)),
    "a field twice, differently": (lambda body: b'{"rut": "11111111-1", ' + text(body)[1:], (400,)),
    "an unknown field": (ended(b', "admin": true'), (400,)),
    "__proto__": (ended(b', "__proto__": {"a": 1}'), (400,)),
    "NaN": (instead(b"NaN"), (400,)),
    "Infinity": (instead(b"-Infinity"), (400,)),
    "1e400": (instead(b"1e400"), (400,)),
    "a number of 10,000 digits": (instead(b"9" * 10_000), (400,)),
    "a number below the least": (instead(b"1e-400"), (400,)),
    "4,000 levels": (instead(b"[" * 4_000 + b"]" * 4_000), (400,)),
    "8,000 levels that end nowhere": (instead(b"[" * 8_000), (400,)),
    "10,000 levels": (instead(b"[" * 10_000 + b"]" * 10_000), (413,)),
    "10,000 levels of objects": (instead(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), (413,)),
    "a byte more than 16 KiB": (padded(16 * 1024 + 1), (413,)),
    "1 MB": (padded(1_000_000), (413,)),
    "10 MB": (padded(10 * MEBI), (413,)),
    "11 MB": (padded(11 * MEBI), (413,)),
}
# Only some schemas have such a field.
FIELDS: dict[str, tuple[str, bytes]] = {
    "a name that isn't UTF-8": ("name", b'"\xff"'),
    "a name of a NUL": ("name", b'"\\u0000"'),
    "a name of half a surrogate pair": ("name", b'"\\udc00"'),
    "a phone beyond every integer": ("phone", b"1e400"),
    "a phone of 5,000 digits": ("phone", b"5" * 5_000),
    "a phone that is no number": ("phone", b"NaN"),
    "a phone with a fraction": ("phone", b"54545454.5"),
    "a phone below zero": ("phone", b"-54545454"),
    "a boolean in quotes": ("wantsBenefit", b'"true"'),
    "a boolean as a number": ("wantsBenefit", b"1"),
    "a store of a NUL": ("store", b'"AB\\u0000"'),
    "a mail and more behind it": ("mail", b'"alice@example.com\\n"'),
    "a mail with a name": ("mail", b'"Alice <alice@example.com>"'),
    "two mails": ("mail", b'"alice@example.com,bob@example.com"'),
    "a mail at a host without a dot": ("mail", b'"alice@localhost"'),
}
REFUSED_TYPES = (
    None,
    "",
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json-patch+json",
    "application/vnd.api+json",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
    "application/json, text/plain",
    "application/jsonx",
    "*/*",
    "application/" + "x" * 2_000,
)
TAKEN_TYPES = (
    "application/json",
    "APPLICATION/JSON",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
)


class Sender:
    """Sends to one operation about one RUT, and looks whether anything came of it."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack, self.name = stack, name
        self.body = contract.example(name, rut.new())
        self.path = contract.operations()[name][1]
        if name in ("createPartner", "createBenefit"):
            client = contract.example("createClient", self.body["rut"])
            contract.hold("createClient", stack.request("POST", "/create_client", client), 200)
        self.before = self.client()

    def client(self) -> tuple[int, bytes]:
        response = self.stack.request("GET", f"/clients/{self.body['rut']}")
        return response.status, response.data

    def refused(self, data: bytes, *statuses: int, headers: dict[str, str] | None = None) -> None:
        response = self.stack.request("POST", self.path, data, headers=headers)
        contract.hold(self.name, response, *statuses)
        assert self.client() == self.before, "a refused request wrote something"


@pytest.fixture
def sender(stack: Stack, name: str) -> Sender:
    return Sender(stack, name)


@pytest.mark.parametrize("size", [0, 16 * 1024])
@pytest.mark.parametrize("name", POSTS)
def test_without_the_malformation_the_request_is_taken(sender: Sender, size: int) -> None:
    response = sender.stack.request("POST", sender.path, padded(size)(sender.body))
    answer = contract.hold(sender.name, response, 202 if sender.name == "submitLead" else 200)
    if "leadId" in answer:
        sender.stack.await_leads([answer["leadId"]])


@pytest.mark.parametrize("malformed", BODIES)
@pytest.mark.parametrize("name", POSTS)
def test_a_malformed_body_is_refused_and_writes_nothing(sender: Sender, malformed: str) -> None:
    malform, statuses = BODIES[malformed]
    sender.refused(malform(sender.body), *statuses)


@pytest.mark.parametrize(
    ("name", "malformed"),
    [
        (name, malformed)
        for name in POSTS
        for malformed, (field, _) in FIELDS.items()
        if field in contract.example(name, "")
    ],
)
def test_a_malformed_field_is_refused_and_writes_nothing(sender: Sender, malformed: str) -> None:
    field, value = FIELDS[malformed]
    sender.refused(text({**sender.body, field: "@"}).replace(b'"@"', value), 400)


@pytest.mark.parametrize("content_type", REFUSED_TYPES)
@pytest.mark.parametrize("name", POSTS)
def test_another_media_type_is_refused_and_writes_nothing(sender: Sender, content_type: str | None) -> None:
    sender.refused(text(sender.body), 415, headers={"Content-Type": content_type})


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "identity, gzip", "unknown"])
@pytest.mark.parametrize("name", POSTS)
def test_a_compressed_body_is_refused_and_writes_nothing(sender: Sender, coding: str) -> None:
    for data in (gzip.compress(text(sender.body)), text(sender.body)):
        sender.refused(data, 415, headers={"Content-Encoding": coding})


def test_a_body_that_says_that_it_is_not_compressed_is_taken(stack: Stack) -> None:
    body = contract.example("createClient", rut.new())
    response = stack.request("POST", "/create_client", body, headers={"Content-Encoding": "identity"})
    contract.hold("createClient", response, 200)


@pytest.mark.parametrize("content_type", TAKEN_TYPES)
def test_a_media_type_is_understood_in_every_spelling_that_http_allows(stack: Stack, content_type: str) -> None:
    body = contract.example("createClient", rut.new())
    response = stack.request("POST", "/create_client", body, headers={"Content-Type": content_type})
    contract.hold("createClient", response, 200)


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title, str.swapcase])
def test_the_names_of_headers_have_no_case(stack: Stack, change: Callable[[str], str]) -> None:
    body = contract.example("createClient", rut.new())
    named = {"X-Api-Key": stack.api_key, "Content-Type": "application/json", "X-Lead-Id": "not an id"}
    headers = {change(name): value for name, value in named.items()}
    plain = {"x-api-key": None, "Content-Type": None}
    refused = stack.request("POST", "/create_client", body, headers={**plain, **headers})
    assert "X-Lead-Id" in contract.hold("createClient", refused, 400)["description"], "X-Lead-Id was not read"
    headers[change("X-Lead-Id")] = "an-id"
    contract.hold("createClient", stack.request("POST", "/create_client", body, headers={**plain, **headers}), 200)


SEGMENTS = (
    "%00",
    "%0a",
    "%20",
    "%25",
    "%2e%2e",
    "%2e%2e%2fleads",
    "%ff",
    "%c0%ae",
    "%E2%80%AE",
    "%F0%9F%98%80",
    "%252e",
    "a%2fb",
    "a%5cb",
    "a;b=c",
    "a+b",
    "'%20OR%20'1'='1",
    "{rut}",
    "$%7Bjndi:x%7D",
    quote("١٢٣٤٥٦٧٨-٥"),
    "1" * 2_000,
)


@pytest.mark.parametrize("segment", SEGMENTS)
@pytest.mark.parametrize("name", ["getClient", "getLead"])
def test_a_path_of_encoded_or_odd_characters_is_refused_or_unknown(stack: Stack, name: str, segment: str) -> None:
    path = contract.operations()[name][1].partition("{")[0]
    contract.hold(name, stack.request("GET", path + segment), 400, 404)


def test_an_encoded_path_reads_what_the_plain_one_does_or_nothing(stack: Stack) -> None:
    body = contract.example("createClient", rut.new())
    contract.hold("createClient", stack.request("POST", "/create_client", body), 200)
    encoded = "".join(f"%{ord(character):02x}" for character in body["rut"])
    response = stack.request("GET", f"/clients/{encoded}")
    read = contract.hold("getClient", response, 200, 400, 404)
    assert response.status != 200 or read["rut"] == body["rut"]


@pytest.mark.parametrize("name", ["getClient", "getLead"])
def test_a_read_with_a_body_beyond_the_gateways_limit_is_refused(stack: Stack, name: str) -> None:
    path = contract.operations()[name][1].partition("{")[0]
    contract.hold(name, stack.request("GET", path + "x", b"x" * (11 * MEBI)), 413)
