import pymysql
import pytest

from handlers.migrations.app_user import APP_USER
from tests.handlers.conftest import OWNER, Site
from tests.handlers.samples import ALICE

TABLES = ("CLIENTS", "PARTNER", "BENEFIT")
INSERT = "INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES ('11111111-1', 'a', 'b', '1', 'm')"


def as_app(site: Site, statement: str) -> None:
    connection = site.as_app()
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def grants(site: Site) -> set[str]:
    lines = [line for (line,) in site.server.run(f"SHOW GRANTS FOR '{APP_USER}'@'%'")]
    return {line.split(" IDENTIFIED BY ")[0] for line in lines}


def expected_grants(site: Site) -> set[str]:
    account = f"`{APP_USER}`@`%`"
    tables = {f"GRANT SELECT, INSERT ON `{site.database}`.`{t}` TO {account}" for t in TABLES}
    return {f"GRANT USAGE ON *.* TO {account}", *tables}


def test_the_backends_user_may_read_and_insert_in_three_tables_and_no_more(crm: Site) -> None:
    assert grants(crm) == expected_grants(crm)


@pytest.mark.parametrize("table", TABLES)
def test_the_backends_user_may_read_each_table(crm: Site, table: str) -> None:
    as_app(crm, f"SELECT * FROM {table}")


def test_the_backends_user_may_insert(crm: Site) -> None:
    as_app(crm, INSERT)
    as_app(crm, f"INSERT INTO PARTNER (rut, store) VALUES ('{ALICE['rut']}', 'XX')")
    as_app(crm, f"INSERT INTO BENEFIT (rut, wants_benefit) VALUES ('{ALICE['rut']}', 1)")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE CLIENTS SET name = 'x'",
        "UPDATE PARTNER SET store = 'x'",
        "UPDATE BENEFIT SET wants_benefit = 0",
        f"{INSERT} ON DUPLICATE KEY UPDATE name = 'x'",
        "REPLACE INTO CLIENTS (rut, name, lastname, phone, mail) VALUES ('11111111-1', 'a', 'b', '1', 'm')",
        "DELETE FROM CLIENTS",
        "DELETE FROM PARTNER",
        "TRUNCATE BENEFIT",
        "DROP TABLE BENEFIT",
        "ALTER TABLE CLIENTS ADD x INT",
        "CREATE TABLE OTHER (x INT)",
        "CREATE TEMPORARY TABLE OTHER (x INT)",
        "CREATE INDEX x ON CLIENTS (name)",
        "CREATE VIEW v AS SELECT * FROM CLIENTS",
        "LOCK TABLES CLIENTS WRITE",
        "SELECT * FROM SCHEMA_VERSION",
        "UPDATE SCHEMA_VERSION SET checksum = ''",
        "SELECT * FROM mysql.global_priv",
        "SELECT * FROM mysql.user",
        "CREATE USER x",
        "DROP USER CURRENT_USER",
        f"SHOW GRANTS FOR '{OWNER}'@'%'",
        f"SET PASSWORD FOR '{OWNER}'@'%' = PASSWORD('x')",
        f"ALTER USER '{OWNER}'@'%' IDENTIFIED BY 'x'",
        "RENAME TABLE CLIENTS TO OTHER",
        "CREATE TRIGGER t BEFORE INSERT ON CLIENTS FOR EACH ROW SET @x = 1",
        "CREATE PROCEDURE p() SELECT 1",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE CLIENTS",
        "SHUTDOWN",
        "FLUSH PRIVILEGES",
        "SET GLOBAL general_log = 1",
        "INSTALL SONAME 'auth_pam'",
        f"GRANT SELECT ON CLIENTS TO '{OWNER}'@'%'",
        "SELECT * FROM CLIENTS INTO OUTFILE '/tmp/clients'",
        "SET GLOBAL max_connections = 1",
        "CREATE DATABASE x",
    ],
)
def test_the_backends_user_may_do_nothing_else(crm: Site, statement: str) -> None:
    with pytest.raises(pymysql.err.OperationalError) as denied:
        as_app(crm, statement)
    assert denied.value.args[0] in (1044, 1045, 1142, 1227), denied.value
