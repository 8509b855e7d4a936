import json
from collections.abc import Callable, Iterator

import pytest
import urllib3

from handlers.orchestration import crm_client
from handlers.orchestration.crm_client import CrmClient, Outcome
from handlers.shared.contract import Contract
from handlers.shared.errors import CrmRejected, CrmUnavailable, LeadbridgeError, Unavailable
from tests.handlers.http_server import Reply, ScriptedServer
from tests.handlers.samples import ALICE, PERSONAL
from tests.handlers.servers import HOST, free_port

Scripted = Callable[..., ScriptedServer]


class RotatingKey:
    """Gives the same key until a fresh one is asked for."""

    def __init__(self, *keys: str) -> None:
        self._keys = list(keys)
        self.fresh_reads = 0

    def get(self, *, fresh: bool = False) -> str:
        if fresh:
            self.fresh_reads += 1
            if len(self._keys) > 1:
                self._keys.pop(0)
        return self._keys[0]


def message(status: int, code: str = "SOME_CODE") -> Reply:
    return Reply.json(status, {"statusCode": status, "message": code, "description": "alice 11111111-1 said so."})


@pytest.fixture
def client_of(the_contract: Contract) -> Iterator[Callable[..., CrmClient]]:
    pools = []

    def make(url: str, key: RotatingKey | None = None) -> CrmClient:
        pools.append(urllib3.PoolManager(maxsize=1))
        return CrmClient(url, key or RotatingKey("key"), the_contract, pools[-1])

    yield make
    for pool in pools:
        pool.clear()


ClientOf = Callable[..., CrmClient]


def error_of(client: CrmClient) -> LeadbridgeError:
    with pytest.raises((CrmUnavailable, CrmRejected)) as raised:
        client.create("/create_client", ALICE, "lead-1")
    assert not [value for value in PERSONAL if value in str(raised.value)], "it ends in the lead's public status"
    return raised.value


def test_a_record_is_posted_with_the_key_and_the_correlation_id(scripted: Scripted, client_of: ClientOf) -> None:
    server = scripted(message(200, "CLIENT_CREATED"))
    client = client_of(server.url + "/local/")
    body = ALICE | {"name": "María 李 😀"}
    assert client.create("/create_client", body, "lead-1") == Outcome(code="CLIENT_CREATED", conflict=False)
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/local/create_client")
    assert json.loads(request.body) == body
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["x-api-key"], request.headers["x-lead-id"]) == ("key", "lead-1")


def test_other_data_in_the_crm_is_an_outcome_and_no_error(scripted: Scripted, client_of: ClientOf) -> None:
    client = client_of(scripted(message(409, "CONFLICT")).url)
    assert client.create("/create_client", ALICE, "lead-1") == Outcome(code="CONFLICT", conflict=True)


@pytest.mark.parametrize("status", [400, 404, 413, 415])
def test_a_refusal_is_final(scripted: Scripted, client_of: ClientOf, status: int) -> None:
    server = scripted(message(status))
    error = error_of(client_of(server.url))
    assert isinstance(error, CrmRejected)
    assert str(error) == f"/create_client answered {status} SOME_CODE"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_or_broken_api_is_asked_again_later(scripted: Scripted, client_of: ClientOf, status: int) -> None:
    server = scripted(message(status))
    error = error_of(client_of(server.url))
    assert isinstance(error, CrmUnavailable)
    assert str(error) == f"/create_client answered {status} SOME_CODE"
    assert len(server.requests) == 1, "the flow repeats, not the client"


@pytest.mark.parametrize("status", [201, 302, 502])
def test_a_status_outside_the_contract_is_no_refusal(scripted: Scripted, client_of: ClientOf, status: int) -> None:
    assert isinstance(error_of(client_of(scripted(message(status)).url)), CrmUnavailable)


JSON = {"Content-Type": "application/json"}
BROKEN_BODIES = {
    "empty": b"",
    "not JSON": b"<html>alice</html>",
    "half JSON": b'{"statusCode": 200, "mess',
    "not UTF-8": b'{"statusCode": 200, "message": "OK", "description": "\xff"}',
    "null": b"null",
    "a list": b"[]",
    "a field missing": b'{"statusCode": 200, "message": "OK"}',
    "a field too many": b'{"statusCode": 200, "message": "OK", "description": "x", "extra": 1}',
    "a code in small letters": b'{"statusCode": 200, "message": "ok alice", "description": "x"}',
    "a field twice": b'{"statusCode": 200, "message": "OK", "message": "NOT_OK", "description": "x"}',
    "another encoding": '{"statusCode": 200, "message": "OK", "description": "x"}'.encode("utf-16"),
    "another status": b'{"statusCode": 599, "message": "OK", "description": "x"}',
    "a status that is text": b'{"statusCode": "200", "message": "OK", "description": "x"}',
}


@pytest.mark.parametrize("status", [200, 409, 429, 500, 503])
@pytest.mark.parametrize("body", BROKEN_BODIES)
def test_an_answer_outside_the_contract_proves_nothing(
    scripted: Scripted, client_of: ClientOf, status: int, body: str
) -> None:
    error = error_of(client_of(scripted(Reply(status=status, body=BROKEN_BODIES[body], headers=JSON)).url))
    assert isinstance(error, CrmUnavailable), "a proxy's 200 or 409 must not pass for a row in the CRM"
    assert str(error) == f"/create_client answered {status} with a body outside the contract"


@pytest.mark.parametrize("media_type", ["text/html", "application/json; charset=latin-1", "application/jsonp", ""])
def test_an_answer_of_another_media_type_proves_nothing(
    scripted: Scripted, client_of: ClientOf, media_type: str
) -> None:
    reply = message(200, "CLIENT_CREATED")
    server = scripted(Reply(status=200, body=reply.body, headers={"Content-Type": media_type}))
    assert isinstance(error_of(client_of(server.url)), CrmUnavailable)


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("body", BROKEN_BODIES)
def test_a_refusal_stays_one_whoever_worded_it(
    scripted: Scripted, client_of: ClientOf, status: int, body: str
) -> None:
    error = error_of(client_of(scripted(Reply(status=status, body=BROKEN_BODIES[body], headers=JSON)).url))
    assert isinstance(error, CrmRejected)
    assert str(error) == f"/create_client answered {status} UNDOCUMENTED_ANSWER"


def test_a_refused_connection_is_unavailable(client_of: ClientOf) -> None:
    error = error_of(client_of(f"http://{HOST}:{free_port()}"))
    assert isinstance(error, CrmUnavailable)
    assert str(error).startswith("/create_client did not answer: ")


def test_an_api_that_says_nothing_is_unavailable_once_the_time_is_up(
    scripted: Scripted, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crm_client, "READ_TIMEOUT", 0.2)
    server = scripted(Reply(hold=True))
    assert isinstance(error_of(client_of(server.url)), CrmUnavailable)
    assert len(server.requests) == 1


def test_an_answer_that_breaks_off_is_unavailable(scripted: Scripted, client_of: ClientOf) -> None:
    whole = message(200)
    error = error_of(client_of(scripted(Reply(status=200, body=whole.body, cut=True)).url))
    assert isinstance(error, CrmUnavailable)


def test_a_redirect_is_not_followed(scripted: Scripted, client_of: ClientOf) -> None:
    elsewhere = scripted(message(200))
    server = scripted(Reply(status=307, headers={"Location": elsewhere.url + "/create_client"}))
    assert isinstance(error_of(client_of(server.url)), CrmUnavailable)
    assert elsewhere.requests == [], "the key and the person's data must not go where a redirect points"


def test_a_rotated_key_is_read_again_and_the_call_repeated_once(scripted: Scripted, client_of: ClientOf) -> None:
    key = RotatingKey("old", "new")
    server = scripted(message(403, "FORBIDDEN"), message(200, "CLIENT_CREATED"))
    client = client_of(server.url, key)
    assert client.create("/create_client", ALICE, "lead-1").code == "CLIENT_CREATED"
    assert [request.headers["x-api-key"] for request in server.requests] == ["old", "new"]
    client.create("/create_client", ALICE, "lead-2")
    assert server.requests[-1].headers["x-api-key"] == "new"
    assert key.fresh_reads == 1, "the next call uses the new key at once"


def test_a_refused_key_that_is_still_the_secrets_is_left_to_the_flow_to_try_again(
    scripted: Scripted, client_of: ClientOf
) -> None:
    """API Gateway knows a key only some minutes after it has been made."""
    server = scripted(message(403, "FORBIDDEN"), message(200, "CLIENT_CREATED"))
    key = RotatingKey("new")
    client = client_of(server.url, key)
    error = error_of(client)
    assert isinstance(error, CrmUnavailable)
    assert str(error) == "/create_client answered 403 FORBIDDEN: the API key is refused"
    assert (len(server.requests), key.fresh_reads) == (1, 1), "the same key would be refused again"
    assert client.create("/create_client", ALICE, "lead-1").code == "CLIENT_CREATED"


def test_a_rotated_key_that_is_not_known_yet_is_tried_again_too(scripted: Scripted, client_of: ClientOf) -> None:
    server = scripted(message(403, "FORBIDDEN"))
    error = error_of(client_of(server.url, RotatingKey("old", "new")))
    assert isinstance(error, CrmUnavailable)
    assert [request.headers["x-api-key"] for request in server.requests] == ["old", "new"]


@pytest.mark.parametrize("body", BROKEN_BODIES)
def test_a_refused_key_is_one_whoever_worded_it(scripted: Scripted, client_of: ClientOf, body: str) -> None:
    """Before the gateway's own answers are deployed everywhere, AWS words them."""
    server = scripted(Reply(status=403, body=BROKEN_BODIES[body], headers=JSON), message(200, "CLIENT_CREATED"))
    client = client_of(server.url, RotatingKey("old", "new"))
    assert client.create("/create_client", ALICE, "lead-1").code == "CLIENT_CREATED"


def test_a_key_that_cannot_be_read_is_an_error_that_the_flow_retries(
    scripted: Scripted, client_of: ClientOf
) -> None:
    class NoKey(RotatingKey):
        def get(self, *, fresh: bool = False) -> str:
            raise Unavailable("a secret can't be read; try again later")

    with pytest.raises(Unavailable):
        client_of(scripted(message(200)).url, NoKey()).create("/create_client", ALICE, "lead-1")
