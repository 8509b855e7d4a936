import pymysql
import pytest

from handlers.migrations import apply
from handlers.migrations.app_user import APP_USER
from tests.handlers.conftest import Site
from tests.handlers.test_app_user import as_app, expected_grants, grants


def test_rights_that_somebody_added_are_taken_away_by_the_next_migration(migrated: Site) -> None:
    migrated.server.run(f"GRANT DELETE ON {migrated.database}.CLIENTS TO '{APP_USER}'@'%'")
    migrated.server.run(f"GRANT SELECT ON {migrated.database}.* TO '{APP_USER}'@'%'")
    apply.handler({}, None)
    assert grants(migrated) == expected_grants(migrated)


@pytest.mark.parametrize(
    "right",
    [
        "GRANT UPDATE ON {database}.PARTNER TO {user}",
        "GRANT SELECT ON {database}.CLIENTS TO {user} WITH GRANT OPTION",
        "GRANT UPDATE (name) ON {database}.CLIENTS TO {user}",
        "GRANT SELECT ON {database}.SCHEMA_VERSION TO {user}",
        "GRANT USAGE ON *.* TO {user} WITH GRANT OPTION",
        "GRANT PROCESS ON *.* TO {user}",
        "GRANT CREATE ON {database}.* TO {user}",
    ],
)
def test_no_kind_of_right_survives_the_next_migration(migrated: Site, right: str) -> None:
    migrated.server.run(right.format(database=migrated.database, user=f"'{APP_USER}'@'%'"))
    apply.handler({}, None)
    assert grants(migrated) == expected_grants(migrated)


def test_a_migration_takes_no_right_away_for_a_moment(migrated: Site) -> None:
    def revocations() -> int:
        return sum(int(count) for _, count in migrated.server.run("SHOW GLOBAL STATUS LIKE 'Com_revoke%'"))

    before = revocations()
    apply.handler({}, None)
    assert revocations() == before, "a lead under way would have been refused"
    migrated.server.run(f"GRANT DELETE ON {migrated.database}.CLIENTS TO '{APP_USER}'@'%'")
    apply.handler({}, None)
    assert revocations() > before, "the count counts"


def test_the_password_is_made_once_and_kept(migrated: Site) -> None:
    first = migrated.app_credentials()
    apply.handler({}, None)
    assert migrated.app_credentials() == first
    assert first["username"] == APP_USER
    assert len(first["password"]) >= 32
    as_app(migrated, "SELECT 1")


def test_a_password_changed_in_the_database_is_set_back_to_the_secrets(migrated: Site) -> None:
    migrated.server.run(f"ALTER USER '{APP_USER}'@'%' IDENTIFIED BY 'changed'")
    apply.handler({}, None)
    as_app(migrated, "SELECT 1")


def test_the_password_is_neither_answered_nor_logged(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    result = apply.handler({}, None)
    said = str(result) + "".join(capsys.readouterr())
    assert site.app_credentials()["password"] not in said
    assert set(result) == {"version", "applied", "ruts"}


def test_where_tls_is_on_the_user_must_use_it(migrated: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = migrated.app_credentials()
    plain = {
        "host": migrated.address().host,
        "port": migrated.server.port,
        "user": credentials["username"],
        "password": credentials["password"],
    }
    pymysql.connect(**plain, ssl_disabled=True).close()
    monkeypatch.setenv("DATABASE_TLS", "on")
    apply.handler({}, None)
    with pytest.raises(pymysql.err.OperationalError):
        pymysql.connect(**plain, ssl_disabled=True)
    encrypted = migrated.address(tls=True)
    apply.database.connect(encrypted, credentials["username"], credentials["password"]).close()
