import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from handlers.backend import database
from handlers.migrations import app_user, apply, schema
from handlers.migrations.app_user import APP_USER
from handlers.shared import aws
from handlers.shared.errors import MigrationFailed
from tests.handlers.conftest import Site
from tests.handlers.servers import free_port

CURRENT = schema.load()
VERSIONS = [each.version for each in CURRENT]
NEXT = len(CURRENT) + 1
NO_RUTS = {"moved": 0, "conflicts": 0}


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of migrations that a test may write; it begins with the real ones."""
    for path in schema.VERSIONS.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.setattr(apply.schema, "load", functools.partial(schema.load, tmp_path))
    return tmp_path


def write(folder: Path, name: str, sql: str) -> None:
    (folder / name).write_text(sql)


def tables(site: Site) -> set[str]:
    return {name for (name,) in site.rows("SHOW TABLES")}


def history(site: Site) -> list[tuple[Any, ...]]:
    return site.rows("SELECT version, name, checksum FROM SCHEMA_VERSION ORDER BY version")


def test_an_empty_database_is_brought_up_to_date(site: Site) -> None:
    assert apply.handler({}, None) == {"version": len(CURRENT), "applied": VERSIONS, "ruts": NO_RUTS}
    assert tables(site) == {"CLIENTS", "PARTNER", "BENEFIT", "SCHEMA_VERSION", "RUT_CONFLICTS"}
    assert history(site) == [(each.version, each.name, each.checksum) for each in CURRENT]


def test_a_second_run_finds_nothing_to_do(migrated: Site) -> None:
    before = history(migrated)
    assert apply.handler({}, None) == {"version": len(CURRENT), "applied": [], "ruts": NO_RUTS}
    assert history(migrated) == before


def test_a_new_version_is_applied_and_leaves_the_rows(migrated: Site, versions: Path) -> None:
    migrated.rows("INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES ('1', 'a', 'b', '1', 'm')")
    migrated.rows("COMMIT")
    write(
        versions,
        f"{NEXT:04}_add_note.sql",
        "ALTER TABLE CLIENTS ADD COLUMN IF NOT EXISTS note VARCHAR(10) NULL;\n",
    )
    assert apply.handler({}, None) == {"version": NEXT, "applied": [NEXT], "ruts": NO_RUTS}
    assert migrated.rows("SELECT rut, note FROM CLIENTS") == [("1", None)]


def test_of_several_at_once_one_applies_and_all_agree_on_the_password(site: Site) -> None:
    together = threading.Barrier(5)

    def deploy(_number: int) -> list[int]:
        together.wait(10)
        return list(apply.handler({}, None)["applied"])

    aws.client("secretsmanager")
    with ThreadPoolExecutor(5) as pool:
        applied = list(pool.map(deploy, range(5)))
    assert sorted(applied) == [[]] * 4 + [VERSIONS]
    site.as_app().close()


class SlowSecrets:
    """Secrets Manager, in which two deployments that look at once both find nothing."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.exceptions = client.exceptions
        self._together = threading.Barrier(2)

    def get_secret_value(self, **arguments: Any) -> Any:
        answer = self._client.get_secret_value(**arguments)
        if "-owner" not in arguments["SecretId"]:
            try:
                self._together.wait(0.5)
            except threading.BrokenBarrierError:
                self._together.reset()
        return answer

    def put_secret_value(self, **arguments: Any) -> Any:
        return self._client.put_secret_value(**arguments)


def test_two_deployments_at_once_never_leave_a_password_that_the_secret_does_not_hold(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowSecrets(aws.client("secretsmanager"))
    put = []
    monkeypatch.setattr(apply.aws, "client", lambda _service: slow)
    monkeypatch.setattr(
        app_user.secrets,
        "token_urlsafe",
        lambda size, make=app_user.secrets.token_urlsafe: put.append(1) or make(size),
    )
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: apply.handler({}, None), range(2)))
    assert len(put) == 1, "the second deployment waits, then finds the first one's password"
    site.as_app().close()


def test_a_deployment_waits_for_another_longer_than_a_statement_of_the_backends_may_take(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time-out of a backend's statement, made short here, is no measure for a migration."""
    assert database.connect.__kwdefaults__ == {"statement_timeout": database.STATEMENT_TIMEOUT}
    monkeypatch.setitem(database.connect.__kwdefaults__, "statement_timeout", 1)
    other = site.server.connect()
    with other.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK('leadbridge_migrations', 0)")
        assert cursor.fetchone() == (1,)
    with ThreadPoolExecutor(1) as pool:
        deployment = pool.submit(apply.handler, {}, None)
        time.sleep(1.5)
        assert not deployment.done(), "it waits"
        other.close()
        assert deployment.result(10)["applied"] == VERSIONS


def test_a_lock_that_is_never_given_back_is_an_error_that_says_where_to_look(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_SECONDS", 0)
    other = site.server.connect()
    with other.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK('leadbridge_migrations', 0)")
    with pytest.raises(MigrationFailed, match="PROCESSLIST"):
        apply.handler({}, None)
    other.close()
    assert tables(site) == set()


def test_the_lock_is_free_again_after_a_run_and_after_a_failure(migrated: Site, versions: Path) -> None:
    free = "SELECT IS_FREE_LOCK('leadbridge_migrations')"
    assert migrated.rows(free) == [(1,)]
    write(versions, f"{NEXT:04}_wrong.sql", "NONSENSE;\n")
    with pytest.raises(Exception, match="NONSENSE"):
        apply.handler({}, None)
    assert migrated.rows(free) == [(1,)]


def test_a_migration_edited_after_it_was_applied_is_an_error_and_changes_nothing(
    migrated: Site, versions: Path
) -> None:
    path = versions / "0001_crm_tables.sql"
    path.write_text(path.read_text() + "CREATE TABLE EXTRA (x INT);\n")
    before = history(migrated)
    with pytest.raises(MigrationFailed, match="migration 1 was edited after it had been applied: add a new one"):
        apply.handler({}, None)
    assert "EXTRA" not in tables(migrated)
    assert history(migrated) == before


def test_a_database_ahead_of_this_release_is_an_error(migrated: Site) -> None:
    migrated.rows("INSERT INTO SCHEMA_VERSION (version, name, checksum) VALUES (7, 'later', '')")
    migrated.rows("COMMIT")
    with pytest.raises(MigrationFailed, match=f"at version 7, this release knows {len(CURRENT)}"):
        apply.handler({}, None)


def test_a_file_that_broke_off_halfway_is_run_again(migrated: Site, versions: Path) -> None:
    first = "CREATE TABLE IF NOT EXISTS FIRST_HALF (x INT);\n"
    write(versions, f"{NEXT:04}_two_halves.sql", first + "NONSENSE;\n")
    with pytest.raises(Exception, match="NONSENSE"):
        apply.handler({}, None)
    assert "FIRST_HALF" in tables(migrated)
    assert [version for version, *_ in history(migrated)] == VERSIONS, "a half is not an applied version"
    write(versions, f"{NEXT:04}_two_halves.sql", first + "CREATE TABLE IF NOT EXISTS SECOND_HALF (x INT);\n")
    assert apply.handler({}, None)["applied"] == [NEXT]
    assert {"FIRST_HALF", "SECOND_HALF"} <= tables(migrated)


STATEMENTS = [statement for migration in CURRENT for statement in migration.statements]


@pytest.mark.parametrize("done", range(1, len(STATEMENTS) + 1))
def test_the_real_migrations_can_be_run_again_after_any_statement(site: Site, done: int) -> None:
    connection = site.server.connect(database=site.database)
    with connection.cursor() as cursor:
        for statement in STATEMENTS[:done]:
            cursor.execute(statement)
    connection.close()
    assert apply.handler({}, None)["applied"] == VERSIONS
    assert {"CLIENTS", "PARTNER", "BENEFIT"} <= tables(site)
    assert keys_and_columns(site) == [
        ("BENEFIT", "varchar(11)", "benefit_client", "CLIENTS"),
        ("CLIENTS", "varchar(11)", None, None),
        ("PARTNER", "varchar(11)", "partner_client", "CLIENTS"),
    ]


def keys_and_columns(site: Site) -> list[tuple[Any, ...]]:
    return site.rows(
        "SELECT COLUMNS.TABLE_NAME, COLUMN_TYPE, CONSTRAINT_NAME, REFERENCED_TABLE_NAME"
        " FROM information_schema.COLUMNS LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS AS foreign_keys"
        " ON CONSTRAINT_SCHEMA = TABLE_SCHEMA AND foreign_keys.TABLE_NAME = COLUMNS.TABLE_NAME"
        " WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'rut' ORDER BY 1"
    )


def test_a_failed_migration_leaves_the_backends_user_as_it_was(migrated: Site, versions: Path) -> None:
    write(versions, f"{NEXT:04}_wrong.sql", "NONSENSE;\n")
    with pytest.raises(Exception, match="NONSENSE"):
        apply.handler({}, None)
    migrated.as_app().close()
    assert len(migrated.server.run(f"SHOW GRANTS FOR '{APP_USER}'@'%'")) == 4


@pytest.mark.parametrize(
    "name",
    [
        "1_short.sql",
        f"{NEXT:04}-dashes.sql",
        f"{NEXT:04}_Capitals.sql",
        f"{NEXT:04}_.sql",
        "two.sql",
        f"{NEXT:04}_a.b.sql",
    ],
)
def test_a_badly_named_migration_is_an_error_that_names_it(versions: Path, name: str) -> None:
    write(versions, name, "SELECT 1;\n")
    with pytest.raises(MigrationFailed, match=name.replace(".", r"\.")):
        schema.load()


@pytest.mark.parametrize("names", [[f"{NEXT + 1:04}_gap.sql"], ["0001_twice.sql"], ["0000_zero.sql"]])
def test_gaps_and_numbers_used_twice_are_errors(versions: Path, names: list[str]) -> None:
    for name in names:
        write(versions, name, "SELECT 1;\n")
    with pytest.raises(MigrationFailed, match="not numbered 1, 2, 3"):
        schema.load()


def test_statements_are_split_at_the_semicolons_that_end_a_line() -> None:
    sql = (
        "-- a comment; with one\nINSERT INTO a VALUES ('x;y');\n\n  -- another;\nUPDATE a\nSET b = 1;  \nSELECT 2"
    )
    statements = schema.Migration(version=1, name="x", sql=sql).statements
    assert statements == ["INSERT INTO a VALUES ('x;y')", "UPDATE a\nSET b = 1", "SELECT 2"]


def test_a_database_that_cannot_be_reached_is_named_with_what_to_check(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("DATABASE_PORT", str(port))
    with pytest.raises(MigrationFailed, match=rf"127\.0\.0\.1:{port} as crm_owner.*check the host") as failed:
        apply.handler({}, None)
    assert "owner-password" not in str(failed.value)


def test_a_connection_that_is_lost_midway_is_told_as_that(site: Site, versions: Path) -> None:
    write(versions, f"{NEXT:04}_suicide.sql", "KILL CONNECTION_ID();\n")
    with pytest.raises(MigrationFailed, match=rf"migration {NEXT} \(suicide\), statement 1"):
        apply.handler({}, None)
    assert [version for version, *_ in history(site)] == VERSIONS
