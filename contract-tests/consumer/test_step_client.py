"""The step client takes an answer for success exactly when the contract allows it: many generated answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from consumer.expectations import CLIENT, LEAD_ID
from consumer.independent import Response, WireContract
from consumer.recording_proxy import RecordingProxy
from hypothesis import given, settings
from hypothesis import strategies as st
from support.stack import ROOT

from components import openapi
from handlers.orchestration.crm_client import CrmClient
from handlers.shared.contract import Contract
from handlers.shared.errors import CrmRejected, CrmUnavailable

DOCUMENT = openapi.load(ROOT / "openapi.yaml")
CONTRACT = WireContract(DOCUMENT)
STATUSES = st.sampled_from([200, 200, 200, 409, 409, 201, 202, 206, 299, 301, 418, 500])
BODY = st.fixed_dictionaries(
    {
        "statusCode": st.one_of(STATUSES, st.sampled_from([200.0, "200", None, True, 2e2])),
        "message": st.one_of(
            st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True), st.text(max_size=4), st.none()
        ),
        "description": st.one_of(st.just("A sentence."), st.text(max_size=4), st.integers()),
    },
    optional={"extra": st.just(1)},
)
RIGHT = st.builds(lambda status: (status, message(status)), st.sampled_from([200, 409]))
OTHER = st.tuples(STATUSES, st.one_of(BODY, st.lists(BODY, max_size=1), st.none(), st.text(max_size=3)))
MEDIA_TYPES = st.sampled_from(
    ["application/json"] * 4 + ["application/json; charset=utf-8", "text/html", "application/problem+json", ""]
)
ENCODINGS = st.sampled_from(["utf-8"] * 6 + ["utf-16", "utf-8-sig", "latin-1"])


class Key:
    def get(self, *, fresh: bool = False) -> str:
        return "a-key"


def message(status: int) -> dict[str, Any]:
    return {"statusCode": status, "message": "DONE", "description": "Añadido."}


@pytest.fixture(scope="module")
def step_client() -> Iterator[tuple[CrmClient, RecordingProxy]]:
    schemas = Contract(openapi.bundle(DOCUMENT, ["ApiResponseBody"]))
    with RecordingProxy("").running() as api:
        pool = urllib3.PoolManager(maxsize=1)
        yield CrmClient(api.url, Key(), schemas, pool), api
        pool.clear()


def accepted(step_client: tuple[CrmClient, RecordingProxy], response: Response) -> bool:
    client, api = step_client
    api.script(lambda _request: True, response, response)
    try:
        client.create("/create_client", CLIENT, LEAD_ID)
    except (CrmRejected, CrmUnavailable):
        return False
    finally:
        api.forget()
    return True


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(answer=st.one_of(RIGHT, OTHER), media_type=MEDIA_TYPES, encoding=ENCODINGS)
def test_an_answer_is_accepted_exactly_when_the_contract_allows_it(
    step_client: tuple[CrmClient, RecordingProxy], answer: tuple[int, Any], media_type: str, encoding: str
) -> None:
    status, value = answer
    body = json.dumps(value, ensure_ascii=False).encode(encoding, errors="replace")
    response = Response(status=status, headers={"content-type": media_type}, body=body)
    allowed = status in (200, 409) and not CONTRACT.response_problems("createClient", response)
    assert accepted(step_client, response) == allowed


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b'{"statusCode": 200, "message": "DONE", "message": "DONE", "description": "x"}', "application/json"),
        (b'{"statusCode": NaN, "message": "DONE", "description": "x"}', "application/json"),
        (b'{"statusCode": 200, "message": "DONE", "description": "\xff"}', "application/json"),
        (b"<html>Log in</html>", "text/html"),
        (b"", "application/json"),
    ],
)
def test_what_no_generator_of_json_makes_is_refused_too(
    step_client: tuple[CrmClient, RecordingProxy], body: bytes, media_type: str
) -> None:
    response = Response(status=200, headers={"content-type": media_type}, body=body)
    assert CONTRACT.response_problems("createClient", response)
    assert not accepted(step_client, response)
