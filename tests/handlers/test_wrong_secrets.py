"""A secret that is wrong for a moment: 503 while it is, right again at the next call, and never said."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from handlers.migrations.app_user import APP_USER
from handlers.orchestration.crm_client import CrmClient, parse_key
from handlers.shared.contract import Contract
from handlers.shared.errors import Unavailable
from handlers.shared.secrets import READS_AT_ONCE, ManagedSecret, parse_credentials
from tests.handlers.conftest import Site
from tests.handlers.http_server import Reply, ScriptedServer
from tests.handlers.samples import ALICE, message_of
from tests.handlers.wrong_secrets import CANARY, MALFORMED, REFUSED, add_alice, close_connections, put


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("kind", [*MALFORMED, *REFUSED])
def test_secret_of_a_backend_that_was_wrong_works_from_the_call_after_its_correction(
    crm: Site, kind: str, warm: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    right = json.dumps(crm.app_credentials())
    if warm:
        message_of(add_alice(), 200)
    put(crm, {**MALFORMED, **REFUSED}[kind])
    if warm:  # the password was rotated besides, so that the one that is known is of no use
        crm.server.run(f"ALTER USER '{APP_USER}'@'%%' IDENTIFIED BY %s", "rotated")
    close_connections(crm)
    capsys.readouterr()
    try:
        answer = add_alice()
        message_of(answer, 503)
        said = answer["body"] + "".join(capsys.readouterr())
        assert CANARY not in said
    finally:
        crm.server.run(f"ALTER USER '{APP_USER}'@'%%' IDENTIFIED BY %s", json.loads(right)["password"])
        put(crm, right)
    message_of(add_alice(), 200)


def test_secret_without_a_current_version_works_once_it_has_one(crm: Site) -> None:
    right = json.dumps(crm.app_credentials())
    (version,) = [
        each
        for each, stages in crm.secrets.describe_secret(SecretId=crm.app_secret_arn)["VersionIdsToStages"].items()
        if "AWSCURRENT" in stages
    ]
    stage = {"SecretId": crm.app_secret_arn, "VersionStage": "AWSCURRENT"}
    crm.secrets.update_secret_version_stage(**stage, RemoveFromVersionId=version)
    message_of(add_alice(), 503)
    put(crm, right)
    message_of(add_alice(), 200)


@pytest.mark.parametrize(
    "trouble",
    [
        Reply.json(400, {"__type": "ResourceNotFoundException", "message": CANARY}),
        Reply.json(400, {"__type": "AccessDeniedException", "message": CANARY}),
        Reply.json(400, {"__type": "DecryptionFailure", "message": CANARY}),
        Reply.json(500, {"__type": "InternalServiceError", "message": CANARY}),
        Reply.json(200, {"SecretBinary": "aHVudGVyMg=="}),
        Reply.json(200, {"SecretString": None}),
        Reply.json(200, {"SecretString": ["a"]}),
    ],
    ids=lambda reply: reply.body.decode()[:40],
)
def test_secret_that_could_not_be_read_is_read_at_the_next_call(
    scripted: Callable[..., ScriptedServer],
    client_at: Callable[..., Any],
    trouble: Reply,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = scripted(trouble, Reply.json(200, {"SecretString": "right"}))
    secret = ManagedSecret(client_at("secretsmanager", server.url), "arn", parse_key)
    with pytest.raises(Unavailable) as refused:
        secret.get()
    assert CANARY not in str(refused.value) + "".join(capsys.readouterr())
    assert secret.get() == "right"


def test_secret_that_stays_wrong_under_load_is_read_a_bounded_number_of_times(
    scripted: Callable[..., ScriptedServer], client_at: Callable[..., Any]
) -> None:
    server = scripted(Reply.json(200, {"SecretString": CANARY}))
    now = [0.0]
    client = client_at("secretsmanager", server.url)
    secret = ManagedSecret(client, "arn", parse_credentials, clock=lambda: now[0])

    def calls(count: int, seconds: float) -> int:
        before = len(server.requests)
        for _ in range(count):
            now[0] += seconds / count
            with pytest.raises(Unavailable):
                secret.get(fresh=True)
        return len(server.requests) - before

    assert calls(500, 0.5) == READS_AT_ONCE
    assert calls(500, 10) == pytest.approx(10, abs=1)
    assert calls(500, 0.0) <= 1


def test_secret_of_a_value_that_works_is_read_once_under_load(
    scripted: Callable[..., ScriptedServer], client_at: Callable[..., Any]
) -> None:
    server = scripted(Reply.json(200, {"SecretString": "right"}))
    secret = ManagedSecret(client_at("secretsmanager", server.url), "arn", parse_key, clock=lambda: 0.0)
    assert {secret.get() for _ in range(1000)} == {"right"}
    assert len(server.requests) == 1


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    pool = urllib3.PoolManager(maxsize=1)
    yield pool
    pool.clear()


@pytest.mark.parametrize(
    "wrong", ["", " ", f"{CANARY}\n", f"{CANARY} x", f"{CANARY}é", f"{CANARY}\r\nx: y", "密码"]
)
def test_secret_of_a_key_that_no_header_can_carry_is_read_again_and_never_said(
    scripted: Callable[..., ScriptedServer],
    client_at: Callable[..., Any],
    the_contract: Contract,
    pool: urllib3.PoolManager,
    wrong: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    manager = scripted(*(Reply.json(200, {"SecretString": value}) for value in (wrong, "right")))
    done = {"statusCode": 200, "message": "CLIENT_CREATED", "description": "Done."}
    api = scripted(Reply.json(200, done))
    key = ManagedSecret(client_at("secretsmanager", manager.url), "arn", parse_key)
    client = CrmClient(api.url, key, the_contract, pool)
    with pytest.raises(Unavailable) as refused:
        client.create("/create_client", ALICE, "lead-1")
    assert CANARY not in str(refused.value) + "".join(capsys.readouterr())
    assert client.create("/create_client", ALICE, "lead-1").code == "CLIENT_CREATED"
    assert [request.headers["x-api-key"] for request in api.requests] == ["right"]


def test_account_that_was_locked_is_left_for_the_one_that_the_secret_names_now(crm: Site) -> None:
    right = json.dumps(crm.app_credentials())
    crm.server.run("CREATE USER 'locked'@'%' IDENTIFIED BY 'x' ACCOUNT LOCK")
    try:
        put(crm, json.dumps({"username": "locked", "password": "x"}))
        message_of(add_alice(), 503)
        put(crm, right)
        message_of(add_alice(), 200)
    finally:
        crm.server.run("DROP USER 'locked'@'%'")
        put(crm, right)
