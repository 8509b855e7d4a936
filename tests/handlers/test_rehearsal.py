"""The removal of what contract tests wrote."""

import pytest

from handlers.migrations import apply, rehearsal
from handlers.shared.errors import MigrationFailed
from tests.handlers.conftest import Site

REMOVE = {apply.REMOVE_TEST_ROWS: True}
REHEARSED, REAL = "00123456-0", "10012345-0"


def fill(site: Site) -> None:
    for rut in (REHEARSED, REAL):
        site.rows("INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES (%s, 'a', 'b', '1', 'm')", rut)
        site.rows("INSERT INTO PARTNER (rut, store) VALUES (%s, 'S1')", rut)
        site.rows("INSERT INTO BENEFIT (rut, wants_benefit) VALUES (%s, 1)", rut)


def ruts(site: Site) -> dict[str, list[str]]:
    return {table: [rut for (rut,) in site.rows(f"SELECT rut FROM {table}")] for table in rehearsal.TABLES}


def test_the_rows_of_the_test_range_go_with_all_that_belongs_to_them_and_no_other_does(
    crm: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(crm)
    monkeypatch.setenv("TEST_ROWS", "removable")
    assert apply.handler(REMOVE, None) == {"removed": {"BENEFIT": 1, "PARTNER": 1, "CLIENTS": 1}}
    assert ruts(crm) == {table: [REAL] for table in rehearsal.TABLES}
    assert apply.handler(REMOVE, None) == {"removed": dict.fromkeys(rehearsal.TABLES, 0)}


def test_a_protected_stack_removes_nothing(crm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(crm)
    monkeypatch.setenv("TEST_ROWS", "protected")
    with pytest.raises(MigrationFailed, match="protected"):
        apply.handler(REMOVE, None)
    assert ruts(crm) == {table: [REHEARSED, REAL] for table in rehearsal.TABLES}


@pytest.mark.parametrize("event", [{}, {"removeTestRows": False}, {"removeTestRows": "yes"}, {"other": True}])
def test_a_deployment_removes_nothing(crm: Site, event: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(crm)
    monkeypatch.setenv("TEST_ROWS", "removable")
    assert "removed" not in apply.handler(event, None)
    assert ruts(crm) == {table: [REHEARSED, REAL] for table in rehearsal.TABLES}
