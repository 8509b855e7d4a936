"""The removal of what a run of the contract tests inserted."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handlers.migrations import apply, test_rows
from handlers.migrations.app_user import TABLES
from handlers.shared.errors import MigrationFailed
from tests.handlers.conftest import Site
from tests.handlers.servers import MariaDb

TESTS, REAL = "10000-5", "123456-0"
LEAD = "a-lead-of-the-run"


def insert(site: Site, table: str, rut: str, lead_id: str | None) -> None:
    values = {"CLIENTS": ("a", "b", "1", "m"), "PARTNER": ("S1",), "BENEFIT": (1,)}[table]
    marks = ", ".join(["%s"] * len(values))
    columns = {"CLIENTS": "name, lastname, phone, mail", "PARTNER": "store", "BENEFIT": "wants_benefit"}[table]
    site.rows(f"INSERT INTO {table} (rut, lead_id, {columns}) VALUES (%s, %s, {marks})", rut, lead_id, *values)


def fill(site: Site, rut: str, lead_id: str | None) -> None:
    for table in TABLES:
        insert(site, table, rut, lead_id)


def rows(rut: str, lead_id: str | None, *tables: str) -> list[dict[str, Any]]:
    return [{"table": table, "rut": rut, "leadId": lead_id} for table in tables or TABLES]


def remove(listed: object) -> dict[str, Any]:
    return apply.handler({apply.REMOVE_TEST_ROWS: listed}, None)


def left(site: Site) -> dict[str, list[tuple[str, str | None]]]:
    return {table: site.rows(f"SELECT rut, lead_id FROM {table} ORDER BY rut") for table in TABLES}


@pytest.fixture(autouse=True)
def removable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ROWS", "removable")


@pytest.mark.parametrize("lead_id", [LEAD, None])
def test_the_listed_rows_go_and_no_others(crm: Site, lead_id: str | None) -> None:
    fill(crm, TESTS, lead_id)
    fill(crm, REAL, "another")
    listed = rows(TESTS, lead_id) + rows(REAL, lead_id) + rows("999999999-K", lead_id)
    listed += rows("ñ", lead_id) + rows("\U0001d7d9-9", lead_id)  # what a fuzzer sends is listed, too
    assert remove(listed) == {"removed": {"BENEFIT": 1, "PARTNER": 1, "CLIENTS": 1}, "kept": []}
    assert left(crm) == {table: [(REAL, "another")] for table in TABLES}
    assert remove(listed) == {"removed": dict.fromkeys(TABLES, 0), "kept": []}


@pytest.mark.parametrize("theirs", ["another", None, LEAD.upper(), f"{LEAD} "])
@pytest.mark.parametrize("ours", [LEAD, None])
def test_a_row_with_another_lead_is_never_removed(crm: Site, ours: str | None, theirs: str | None) -> None:
    if ours == theirs:
        theirs = ""
    fill(crm, TESTS, theirs)
    assert remove(rows(TESTS, ours))["removed"] == dict.fromkeys(TABLES, 0)
    assert left(crm) == {table: [(TESTS, theirs)] for table in TABLES}


@pytest.mark.parametrize("table", ["PARTNER", "BENEFIT"])
def test_a_client_stays_while_a_strangers_row_refers_to_it(crm: Site, table: str) -> None:
    for each in TABLES:
        insert(crm, each, TESTS, "a-real-lead" if each == table else LEAD)
    answer = remove(rows(TESTS, LEAD))
    assert answer["kept"] == rows(TESTS, LEAD, "CLIENTS")
    assert answer["removed"] == {"BENEFIT": 1, "PARTNER": 1, "CLIENTS": 0} | {table: 0}
    assert {each for each in TABLES if left(crm)[each]} == {"CLIENTS", table}


def test_only_the_listed_tables_lose_a_row(crm: Site) -> None:
    fill(crm, TESTS, LEAD)
    assert remove(rows(TESTS, LEAD, "PARTNER"))["removed"] == {"BENEFIT": 0, "PARTNER": 1, "CLIENTS": 0}
    assert left(crm) == {"CLIENTS": [(TESTS, LEAD)], "PARTNER": [], "BENEFIT": [(TESTS, LEAD)]}


def test_more_rows_than_one_transaction_takes_all_go(crm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_rows, "BATCH", 2)
    for number in range(5):
        fill(crm, f"1000{number}-x", LEAD)
    listed = [row for number in range(5) for row in rows(f"1000{number}-x", LEAD)]
    assert remove(listed)["removed"] == dict.fromkeys(TABLES, 5)
    assert left(crm) == {table: [] for table in TABLES}


def test_a_lead_that_writes_a_child_meanwhile_keeps_its_client(crm: Site, mariadb: MariaDb) -> None:
    """Its row is not committed yet when the removal looks, so the removal waits for it."""
    insert(crm, "CLIENTS", TESTS, LEAD)
    real = mariadb.connect(database=crm.database)
    real.autocommit(False)
    with real.cursor() as cursor:
        cursor.execute("INSERT INTO PARTNER (rut, store, lead_id) VALUES (%s, 'S', 'real')", (TESTS,))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(remove, rows(TESTS, LEAD))
        waiting = "SELECT COUNT(*) FROM information_schema.INNODB_LOCK_WAITS"
        while not asked.done() and crm.rows(waiting) == [(0,)]:
            time.sleep(0.15)  # the server renews the table when nobody has read it for 0.1 s
        real.commit()
        answer = asked.result(20)
    real.close()
    assert answer["kept"] == rows(TESTS, LEAD, "CLIENTS")
    assert left(crm)["CLIENTS"] == [(TESTS, LEAD)]


def test_a_protected_stack_removes_nothing(crm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(crm, TESTS, LEAD)
    monkeypatch.setenv("TEST_ROWS", "protected")
    for listed in (rows(TESTS, LEAD), []):
        with pytest.raises(MigrationFailed, match="protected"):
            remove(listed)
    assert left(crm) == {table: [(TESTS, LEAD)] for table in TABLES}


@pytest.mark.parametrize(
    "listed",
    [
        *(True, False, None, "yes", {}, [TESTS], [[]], [{}]),
        rows(TESTS, LEAD, "SCHEMA_VERSION"),
        [{"table": "CLIENTS", "rut": TESTS}],
        [{"table": "CLIENTS", "rut": 10000, "leadId": LEAD}],
        [{"table": "CLIENTS", "rut": TESTS, "leadId": 7}],
        [*rows(TESTS, LEAD), "CLIENTS"],
    ],
    ids=str,
)
def test_anything_but_a_list_of_rows_is_an_error_and_removes_nothing(crm: Site, listed: object) -> None:
    fill(crm, TESTS, LEAD)
    with pytest.raises(MigrationFailed, match=r"listed|list of the rows"):
        remove(listed)
    assert left(crm) == {table: [(TESTS, LEAD)] for table in TABLES}


def test_a_deployment_removes_nothing(crm: Site) -> None:
    fill(crm, TESTS, LEAD)
    assert "removed" not in apply.handler({}, None)
    assert left(crm) == {table: [(TESTS, LEAD)] for table in TABLES}
