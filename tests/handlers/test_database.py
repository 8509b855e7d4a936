"""What a backend does when its connection, its password or the server changes under it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from components.functions import BACKEND_TIMEOUT
from handlers.backend import create_client, database, get_client
from handlers.migrations.app_user import APP_USER
from handlers.shared.errors import DatabaseUnavailable, NotFound
from handlers.shared.secrets import Credentials
from tests.handlers.conftest import Site
from tests.handlers.samples import ALICE, body_of, get, message_of, post
from tests.handlers.servers import HOST, MariaDb, free_port


def connection_id() -> int:
    def ask(cursor: database.Cursor) -> int:
        cursor.execute("SELECT CONNECTION_ID()")
        return int(cursor.fetchone()[0])

    return database.from_environment().transaction(ask)


def add_alice() -> str:
    return message_of(create_client.handler(post(ALICE), None), 200)[0]


def unavailable(answer: dict[str, Any]) -> None:
    code, sentence = message_of(answer, 503)
    assert code == "DATABASE_UNAVAILABLE"
    assert sentence == "the customer database can't be reached or is busy; try again later"


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def other(crm: Site) -> Iterator[Any]:
    """Another session of the server, in a transaction of its own."""
    connection = crm.server.connect(database=crm.database)
    connection.autocommit(False)
    yield connection
    connection.rollback()
    connection.close()


def test_nothing_connects_before_the_first_call(crm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PORT", str(free_port()))
    database.from_environment()


def test_the_connection_is_kept_between_calls(crm: Site) -> None:
    first = connection_id()
    add_alice()
    message_of(create_client.handler(post(ALICE | {"name": "bob"}), None), 409)
    message_of(get_client.handler(get(rut="22222222-2"), None), 404)
    assert connection_id() == first


def test_a_connection_that_was_killed_is_replaced_within_the_call(crm: Site) -> None:
    first = connection_id()
    crm.server.run(f"KILL {first}")
    assert add_alice() == "CLIENT_CREATED"
    assert connection_id() != first


def test_a_connection_that_the_server_closed_for_idleness_is_replaced(crm: Site) -> None:
    first = connection_id()
    database.from_environment().transaction(lambda cursor: cursor.execute("SET SESSION wait_timeout = 1"))
    alive = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = %s"
    wait_for(lambda: crm.server.run(alive, first) == [(0,)])
    assert add_alice() == "CLIENT_CREATED"


def test_a_restarted_server_is_connected_to_again(crm: Site) -> None:
    connection_id()
    crm.server.restart()
    assert add_alice() == "CLIENT_CREATED"


def test_a_password_that_was_rotated_while_warm_is_read_again(crm: Site) -> None:
    first = connection_id()
    rotated = "rotated 'password' \\ %s"
    crm.server.run(f"ALTER USER '{APP_USER}'@'%%' IDENTIFIED BY %s", rotated)
    value = json.dumps({"username": APP_USER, "password": rotated})
    crm.secrets.put_secret_value(SecretId=crm.app_secret_arn, SecretString=value)
    assert connection_id() == first, "a connection outlives its password"
    crm.server.run(f"KILL {first}")
    assert add_alice() == "CLIENT_CREATED", "the new one needs the new password"
    crm.server.run(f"KILL {connection_id()}")
    assert connection_id(), "which is kept from then on"


def test_a_wrong_password_is_503_and_is_not_said(crm: Site, capsys: pytest.CaptureFixture[str]) -> None:
    value = json.dumps({"username": APP_USER, "password": "wrong-canary"})
    crm.secrets.put_secret_value(SecretId=crm.app_secret_arn, SecretString=value)
    capsys.readouterr()
    answer = create_client.handler(post(ALICE), None)
    unavailable(answer)
    out = capsys.readouterr().out
    assert "1045" in out, "the log has the server's error number"
    assert not [word for word in ("wrong-canary", APP_USER, HOST, "alice") if word in out + answer["body"]]


def test_a_secret_that_cannot_be_read_is_503(crm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_SECRET_ARN", "arn:aws:secretsmanager:us-east-1:000000000000:secret:none")
    assert message_of(create_client.handler(post(ALICE), None), 503)[0] == "UNAVAILABLE"


def test_a_server_that_is_down_is_503_at_once_and_works_again_when_it_is_back(crm: Site) -> None:
    connection_id()
    crm.server.stop()
    try:
        started = time.monotonic()
        unavailable(create_client.handler(post(ALICE), None))
        unavailable(get_client.handler(get(rut=ALICE["rut"]), None))
        assert time.monotonic() - started < 2
    finally:
        crm.server.start()
    assert add_alice() == "CLIENT_CREATED"


def test_a_server_that_hangs_is_503_before_the_functions_own_time_is_up(crm: Site) -> None:
    connection_id()
    with crm.server.frozen():
        started = time.monotonic()
        unavailable(create_client.handler(post(ALICE), None))
        took = time.monotonic() - started
    assert took < BACKEND_TIMEOUT - 2, "a killed function answers nothing and loses its connection"
    assert add_alice() == "CLIENT_CREATED"


def test_a_row_locked_by_somebody_else_is_503_and_the_connection_stays_good(
    crm: Site, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_TIMEOUT", 1)
    with other.cursor() as cursor:
        cursor.execute("INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES ('11111111-1','','','','')")
    started = time.monotonic()
    unavailable(create_client.handler(post(ALICE), None))
    assert time.monotonic() - started < 3
    other.rollback()
    assert add_alice() == "CLIENT_CREATED"


def test_the_lock_wait_is_shorter_than_the_statements_time(crm: Site) -> None:
    wait = database.from_environment().transaction(
        lambda cursor: (cursor.execute("SELECT @@innodb_lock_wait_timeout"), cursor.fetchone())[1]
    )
    assert wait == (database.LOCK_WAIT_TIMEOUT,)
    assert database.LOCK_WAIT_TIMEOUT < database.STATEMENT_TIMEOUT, "or the server would go on after we gave up"


def test_too_many_connections_are_503(crm: Site) -> None:
    crm.server.run("SET GLOBAL max_connections = 10")
    held: list[Any] = []
    try:
        with pytest.raises(pymysql.err.OperationalError, match="1040"):
            held.extend(iter(crm.as_app, None))
        unavailable(create_client.handler(post(ALICE), None))
    finally:
        for connection in held:
            connection.close()
        crm.server.run("SET GLOBAL max_connections = 151")
    wait_for(lambda: crm.server.run("SELECT COUNT(*) FROM information_schema.PROCESSLIST")[0][0] < 5)
    assert add_alice() == "CLIENT_CREATED"


def test_a_deadlock_is_answered_by_one_more_try(crm: Site, other: Any) -> None:
    insert = "INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES (%s, %s, '', '', '')"
    tries = []
    with other.cursor() as cursor:
        # more changes than ours, so that the server sacrifices ours
        cursor.execute("CREATE TEMPORARY TABLE weight (x INT) ENGINE = InnoDB")
        cursor.execute("INSERT INTO weight SELECT seq FROM seq_1_to_1000")
        cursor.execute(insert, ("2", "theirs"))

    def theirs() -> None:
        with other.cursor() as cursor:
            cursor.execute(insert, ("1", "theirs"))
            other.rollback()

    thread = threading.Thread(target=theirs)
    waiting = "SELECT COUNT(*) FROM information_schema.INNODB_LOCK_WAITS"

    def ours(cursor: database.Cursor) -> str:
        tries.append(1)
        cursor.execute(insert, ("1", "ours"))
        if len(tries) == 1:
            thread.start()
            wait_for(lambda: crm.server.run(waiting)[0][0])
        cursor.execute(insert, ("2", "ours"))
        return "done"

    assert database.from_environment().transaction(ours) == "done"
    thread.join()
    assert len(tries) == 2
    assert crm.rows("SELECT rut, name FROM CLIENTS ORDER BY rut") == [("1", "ours"), ("2", "ours")]


def test_work_that_raised_leaves_nothing_behind_and_the_connection_open(crm: Site) -> None:
    first = connection_id()

    def work(cursor: database.Cursor) -> None:
        cursor.execute("INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES ('1', '', '', '', '')")
        raise NotFound("no")

    with pytest.raises(NotFound):
        database.from_environment().transaction(work)
    assert crm.rows("SELECT * FROM CLIENTS") == []
    assert connection_id() == first


def test_a_statement_that_is_wrong_is_our_fault_and_not_tried_again(crm: Site) -> None:
    tries = []

    def work(cursor: database.Cursor) -> None:
        tries.append(1)
        cursor.execute("INSERT INTO PARTNER (rut, store) VALUES ('too long for a RUT', '')")

    with pytest.raises(pymysql.err.DataError):
        database.from_environment().transaction(work)
    assert len(tries) == 1


def test_what_does_not_fit_a_column_is_refused_and_not_cut(crm: Site) -> None:
    crm.server.run("SET GLOBAL sql_mode = ''")
    try:
        with pytest.raises(pymysql.err.DataError):
            database.from_environment().transaction(
                lambda cursor: cursor.execute(
                    "INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES ('1', %s, '', '', '')",
                    ("x" * 101,),
                )
            )
    finally:
        crm.server.run("SET GLOBAL sql_mode = DEFAULT")


def cipher(site: Site, address: database.Address) -> str:
    class Known:
        def get(self, *, fresh: bool = False) -> Credentials:
            return Credentials(**site.app_credentials())

    held = database.Database(address, Known())

    def ask(cursor: database.Cursor) -> str:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        return str(cursor.fetchone()[1])

    try:
        return held.transaction(ask)
    finally:
        held._drop()


def test_with_tls_the_connection_is_encrypted(crm: Site) -> None:
    assert cipher(crm, crm.address(tls=True))
    assert cipher(crm, crm.address(tls=True, ca_file=str(crm.server.certificate)))
    assert not cipher(crm, crm.address(tls=False))


def test_a_server_whose_authority_is_not_ours_is_not_spoken_to(crm: Site, tmp_path: Path) -> None:
    stranger = MariaDb.__new__(MariaDb)
    stranger._folder = tmp_path
    stranger.certificate = tmp_path / "server.pem"
    stranger._make_certificate()
    with pytest.raises(DatabaseUnavailable):
        cipher(crm, crm.address(tls=True, ca_file=str(stranger.certificate)))


@pytest.mark.parametrize(("setting", "tls"), [("on", True), ("off", False)])
def test_tls_is_on_unless_it_was_switched_off(crm: Site, setting: str, tls: bool, monkeypatch: Any) -> None:
    monkeypatch.setenv("DATABASE_TLS", setting)
    assert database.Address.from_environment().tls is tls


@pytest.mark.parametrize("setting", ["ON", "true", "1", "yes", "Off"])
def test_a_word_for_tls_that_nobody_knows_does_not_switch_it_off(
    crm: Site, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_TLS", setting)
    assert database.Address.from_environment().tls


def test_the_client_as_it_stands_is_read(crm: Site) -> None:
    add_alice()
    assert body_of(get_client.handler(get(rut=ALICE["rut"]), None), 200)["name"] == "alice"
