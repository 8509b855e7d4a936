"""Clients that stand under RUTs with leading zeros, when a deployment comes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql
import pytest

from handlers.backend import create_benefit, create_client, create_partner, get_client
from handlers.migrations import apply, canonical_ruts, schema
from handlers.migrations.app_user import TABLES
from handlers.shared.errors import MigrationFailed
from tests.handlers.conftest import Site
from tests.handlers.samples import ALICE, BENEFIT, PARTNER, body_of, get, message_of, post
from tests.handlers.servers import MariaDb

PADDED, CANONICAL = "07654321-6", "7654321-6"
MADE = "2021-11-07 06:30:00.123"


@pytest.fixture
def old(site: Site) -> Site:
    """A database as the first release left it."""
    first = schema.load()[0]
    for statement in first.statements:
        site.rows(statement)
    site.rows(schema._HISTORY)
    insert = "INSERT INTO SCHEMA_VERSION (version, name, checksum) VALUES (%s, %s, %s)"
    site.rows(insert, first.version, first.name, first.checksum)
    return site


def store(site: Site, rut: str, name: str = "alice", *, whole: bool = True) -> None:
    values = (rut, name, "cooper", "54545454", "acooper@alice.com", "lead-1", MADE)
    site.rows(
        "INSERT INTO CLIENTS (rut, name, lastname, phone, mail, lead_id, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        *values,
    )
    if whole:
        site.rows("INSERT INTO PARTNER VALUES (%s, 'ESTACION_CENTRAL', 'lead-2', %s)", rut, MADE)
        site.rows("INSERT INTO BENEFIT VALUES (%s, 1, 'lead-3', %s)", rut, MADE)


def everything(site: Site) -> dict[str, list[tuple[Any, ...]]]:
    return {table: site.rows(f"SELECT * FROM {table} ORDER BY rut") for table in TABLES}


def moved(rows: dict[str, list[tuple[Any, ...]]], names: dict[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    return {table: sorted((names.get(rut, rut), *rest) for rut, *rest in found) for table, found in rows.items()}


def conflicts(site: Site) -> list[tuple[str, str]]:
    return site.rows("SELECT canonical, spelling FROM RUT_CONFLICTS ORDER BY canonical, spelling")


def test_a_client_that_stands_under_a_padded_rut_alone_is_moved_whole_and_found_again(old: Site) -> None:
    for spelling in (PADDED, "00012345-5", "010000-5"):
        store(old, spelling)
    store(old, "01000005-K", whole=False)
    store(old, "11111111-1")
    before = everything(old)
    assert apply.handler({}, None)["ruts"] == {"moved": 4, "conflicts": 0}
    names = {PADDED: CANONICAL, "00012345-5": "12345-5", "010000-5": "10000-5", "01000005-K": "1000005-K"}
    assert everything(old) == moved(before, names), "leads and times are kept"
    assert conflicts(old) == []
    for spelling in (PADDED, CANONICAL):
        record = body_of(get_client.handler(get(rut=spelling), None), 200)
        assert record == ALICE | {
            "rut": CANONICAL,
            "phone": "54545454",
            "partner": {"store": PARTNER["store"]},
            "benefit": {"wantsBenefit": True},
        }
    for module, body in ((create_client, ALICE), (create_partner, PARTNER), (create_benefit, BENEFIT)):
        code, _ = message_of(module.handler(post(body | {"rut": PADDED}), None), 200)
        assert code.endswith("_UNCHANGED")


def test_two_spellings_that_stand_already_are_listed_and_not_changed(old: Site) -> None:
    store(old, PADDED, "padded")
    store(old, CANONICAL, "canonical", whole=False)
    for spelling in ("0123456-0", "00123456-0"):
        store(old, spelling)
    store(old, "0000000-0")  # the first release took it
    before = everything(old)
    assert apply.handler({}, None)["ruts"] == {"moved": 0, "conflicts": 4}
    assert everything(old) == before
    assert conflicts(old) == [
        ("-0", "0000000-0"),
        ("123456-0", "00123456-0"),
        ("123456-0", "0123456-0"),
        (CANONICAL, PADDED),
        (CANONICAL, CANONICAL),
    ]
    assert body_of(get_client.handler(get(rut=PADDED), None), 200)["name"] == "canonical"
    partner = post(PARTNER | {"rut": PADDED})
    assert message_of(create_partner.handler(partner, None), 200)[0] == "PARTNER_CREATED", (
        "of the canonical client"
    )
    assert apply.handler({}, None)["ruts"] == {"moved": 0, "conflicts": 4}
    for table in reversed(TABLES):
        old.rows(f"DELETE FROM {table} WHERE rut = %s", CANONICAL)
    assert apply.handler({}, None)["ruts"] == {"moved": 1, "conflicts": 3}, "a person has decided"
    assert body_of(get_client.handler(get(rut=PADDED), None), 200)["name"] == "padded"


def test_no_rut_is_logged_or_answered(old: Site, capsys: pytest.CaptureFixture[str]) -> None:
    store(old, PADDED)
    store(old, "0123456-0")
    store(old, "00123456-0")
    said = str(apply.handler({}, None)) + "".join(capsys.readouterr())
    assert '"conflicts": 2' in said
    assert not [value for value in ("7654321", "123456", "alice", "cooper") if value in said]


def test_many_clients_are_moved_page_by_page(old: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical_ruts, "PAGE", 3)
    for number in range(1_000_000, 1_000_010):
        store(old, f"0{number}-{canonical_ruts.rut.check_character(str(number))}")
    assert apply.handler({}, None)["ruts"] == {"moved": 10, "conflicts": 0}
    assert [len(rows) for rows in everything(old).values()] == [10, 10, 10]
    assert old.rows("SELECT 1 FROM CLIENTS WHERE rut < '1'") == []


def test_when_the_time_is_up_the_deployment_says_so_and_the_next_goes_on(
    old: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(old, PADDED)
    with monkeypatch.context() as context:
        context.setattr(canonical_ruts, "TIME_LIMIT", -1.0)
        with pytest.raises(MigrationFailed, match=r"0 clients .*: deploy again"):
            apply.handler({}, None)
    assert apply.handler({}, None)["ruts"] == {"moved": 1, "conflicts": 0}


@pytest.mark.parametrize(
    "statement", ["SELECT rut FROM CLIENTS WHERE rut IN", "INSERT INTO PARTNER", "DELETE FROM CLIENTS"]
)
def test_a_move_that_is_cut_off_leaves_the_client_as_it_was(
    old: Site, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(old, PADDED)
    before = everything(old)
    execute = pymysql.cursors.Cursor.execute

    def cut(cursor: Any, query: str, args: Any = None) -> Any:
        if statement in str(query):
            cursor.connection._force_close()
        return execute(cursor, query, args)

    with monkeypatch.context() as context:
        context.setattr(pymysql.cursors.Cursor, "execute", cut)
        with pytest.raises(MigrationFailed, match="deploy again"):
            apply.handler({}, None)
    assert everything(old) == before
    assert apply.handler({}, None)["ruts"] == {"moved": 1, "conflicts": 0}


def test_a_canonical_client_that_a_lead_makes_meanwhile_is_a_conflict(
    old: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the insert."""
    store(old, PADDED, "padded")
    copy = canonical_ruts._copy

    def late(cursor: Any, table: str, moves: dict[str, str]) -> None:
        monkeypatch.setattr(canonical_ruts, "_copy", copy)
        store(old, CANONICAL, "canonical")
        copy(cursor, table, moves)

    monkeypatch.setattr(canonical_ruts, "_copy", late)
    assert apply.handler({}, None)["ruts"] == {"moved": 0, "conflicts": 1}
    assert [rut for rut, *_ in everything(old)["PARTNER"]] == [PADDED, CANONICAL]


def test_leads_under_way_write_no_orphan_while_the_columns_are_widened(old: Site) -> None:
    """Each client is there before its partner; a benefit without a client is refused all the time."""
    stop, problems = threading.Event(), []
    store(old, "11111111-1", whole=False)

    def leads(worker: int) -> int:
        connection = old.server.connect(database=old.database)
        number = 0
        with connection.cursor() as cursor:
            while not stop.is_set():
                number += 1
                key = f"{worker}{number:06}-x"
                cursor.execute(
                    "INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES (%s, 'a', 'b', '1', 'm')",
                    (key,),
                )
                cursor.execute("INSERT INTO PARTNER (rut, store) VALUES (%s, 'S')", (key,))
                try:
                    cursor.execute("INSERT INTO BENEFIT (rut, wants_benefit) VALUES (%s, 1)", (f"{worker}-none",))
                    problems.append("an orphan")
                except pymysql.err.IntegrityError as error:
                    if error.args[0] != 1452:
                        problems.append(str(error))
        connection.close()
        return number

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(leads, worker) for worker in range(1, 4)]
        while len(old.rows("SELECT 1 FROM PARTNER")) < 30:
            assert not any(each.done() for each in running)
        try:
            apply.handler({}, None)
            before = len(old.rows("SELECT 1 FROM PARTNER"))
            while len(old.rows("SELECT 1 FROM PARTNER")) < before + 30:
                assert not any(each.done() for each in running)
        finally:
            stop.set()
        assert all(each.result(20) for each in running)
    assert problems == []
    assert old.rows("SELECT 1 FROM PARTNER LEFT JOIN CLIENTS USING (rut) WHERE CLIENTS.rut IS NULL") == []


def interrupted(site: Site, behind: str) -> None:
    """The second migration up to the first statement that holds this text."""
    connection = site.server.connect(database=site.database)
    with connection.cursor() as cursor:
        for statement in schema.load()[1].statements:
            cursor.execute(statement)
            if behind in statement:
                break
        else:
            raise AssertionError(f"no statement holds {behind}")
    connection.close()


def test_a_row_without_a_client_that_came_while_a_key_was_away_stops_the_next_deployment(old: Site) -> None:
    interrupted(old, "ALTER TABLE CLIENTS")
    old.rows("INSERT INTO PARTNER (rut, store) VALUES ('22222222-2', 'S')")
    with pytest.raises(MigrationFailed, match="rows whose RUT is not in CLIENTS"):
        apply.handler({}, None)
    old.rows("DELETE FROM PARTNER")
    assert apply.handler({}, None)["applied"] == [2]
    with pytest.raises(pymysql.err.IntegrityError):
        old.rows("INSERT INTO PARTNER (rut, store) VALUES ('22222222-2', 'S')")


def test_a_table_of_somebody_else_that_refers_to_clients_is_named_before_anything_changes(old: Site) -> None:
    old.rows("CREATE TABLE EXTRA (rut VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin REFERENCES CLIENTS (rut))")
    with pytest.raises(MigrationFailed, match="another table than PARTNER and BENEFIT refers to CLIENTS"):
        apply.handler({}, None)
    with pytest.raises(pymysql.err.IntegrityError):
        old.rows("INSERT INTO PARTNER (rut, store) VALUES ('22222222-2', 'S')")


def test_a_table_in_use_is_waited_for_in_short_turns_and_then_named(
    old: Site, mariadb: MariaDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_TRIES", 2)
    monkeypatch.setattr(schema, "LOCK_PAUSE_SECONDS", 0.0)
    reader = mariadb.connect(database=old.database)
    reader.begin()
    with reader.cursor() as cursor:
        cursor.execute("SELECT 1 FROM CLIENTS")
    with pytest.raises(MigrationFailed, match=r"migration 2 .*Lock wait timeout"):
        apply.handler({}, None)
    monkeypatch.setattr(schema.time, "sleep", lambda _seconds: reader.rollback())
    assert apply.handler({}, None)["applied"] == [2], "the second turn finds it free"
    reader.close()


def test_no_row_is_copied_to_widen_a_column() -> None:
    changes = [each for each in schema.load()[1].statements if each.startswith("ALTER TABLE")]
    assert len(changes) == 5
    assert all("ALGORITHM = NOCOPY" in each for each in changes), "else a large table is locked for long"
