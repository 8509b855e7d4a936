"""The CRM's database is a real MariaDB server that survives being killed and says why it can't start."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pymysql
import pytest

from local_cloud import cloud, mariadb, mariadb_install
from local_cloud.errors import LocalCloudError, ServiceFailed
from local_cloud.home import Home
from local_cloud.mariadb import Database
from local_cloud.processes import Process


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Database]]:
    home = Home(tmp_path_factory.mktemp("database") / "home")
    home.create()
    yield home, mariadb.start(home, settings={"max-connections": "17"})
    cloud.stop(home)


def query(database: Database, *statements: str, user: str = "", password: str = "") -> tuple[Any, ...]:
    connection = pymysql.connect(
        host=database.host,
        port=database.port,
        user=user or database.user,
        password=(password or database.password).encode(),
        database=database.name,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()


def test_it_listens_on_the_loopback_interface_only(own: tuple[Home, Database]) -> None:
    _, database = own
    assert query(database, "SELECT @@bind_address, @@port") == (("127.0.0.1", database.port),)


def test_it_keeps_text_of_any_script_and_refuses_what_does_not_fit(own: tuple[Home, Database]) -> None:
    _, database = own
    rows = query(
        database, "CREATE TABLE t (a VARCHAR(3))", "INSERT INTO t VALUES ('日本語'), ('🙂')", "SELECT a FROM t"
    )
    assert rows == (("日本語",), ("🙂",))
    with pytest.raises(pymysql.err.DataError, match="Data too long"):
        query(database, "INSERT INTO t VALUES ('four')")


@pytest.mark.parametrize("password", ["contraseña 密码 🔑", 'it\'s \\ "quoted"; DROP'])
def test_owner_may_have_a_password_of_any_script(tmp_path: Path, password: str) -> None:
    home = Home(tmp_path / "home")
    home.create()
    home.secret("database-owner").parent.mkdir(parents=True, exist_ok=True)
    home.secret("database-owner").write_text(password)
    try:
        database = mariadb.start(home)
        assert query(database, "SELECT 1") == ((1,),)
    finally:
        cloud.stop(home)


def test_its_settings_can_be_chosen(own: tuple[Home, Database]) -> None:
    _, database = own
    assert query(database, "SELECT @@max_connections, @@performance_schema") == ((17, 0),)


def test_a_server_without_a_free_connection_still_runs(own: tuple[Home, Database]) -> None:
    home, database = own
    with ExitStack() as held:

        def take_one() -> None:
            held.enter_context(
                pymysql.connect(
                    host=database.host, port=database.port, user=database.user, password=database.password
                )
            )

        for _ in range(17):
            take_one()
        with pytest.raises(pymysql.err.OperationalError, match="Too many connections"):
            take_one()
        found = mariadb.running(home)
        assert found is not None, "it would be killed in the middle of its work"
        assert found.port == database.port


def test_the_owner_can_make_an_account_that_may_do_less(own: tuple[Home, Database]) -> None:
    _, database = own
    query(
        database,
        "CREATE TABLE clients (id INT PRIMARY KEY)",
        "CREATE USER 'app'@'%' IDENTIFIED BY 'app-password'",
        "GRANT SELECT, INSERT ON crm.clients TO 'app'@'%'",
    )
    query(database, "INSERT INTO clients VALUES (1)", user="app", password="app-password")
    with pytest.raises(pymysql.err.OperationalError, match="DELETE command denied"):
        query(database, "DELETE FROM clients", user="app", password="app-password")


def test_the_owner_has_no_business_in_the_servers_own_tables(own: tuple[Home, Database]) -> None:
    _, database = own
    with pytest.raises(pymysql.err.OperationalError, match="SELECT command denied"):
        query(database, "SELECT * FROM mysql.global_priv")


def test_nobody_gets_in_without_the_password(own: tuple[Home, Database]) -> None:
    _, database = own
    for user, password in (("root", "wrong"), (mariadb.OWNER, "wrong"), ("nobody", "wrong")):
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            query(database, "SELECT 1", user=user, password=password)


def test_the_password_is_not_in_the_repr_nor_in_the_command_line(own: tuple[Home, Database]) -> None:
    home, database = own
    assert database.password not in repr(database)
    process = Process.load(home.record(mariadb.SERVICE))
    assert process is not None
    if Path("/proc").exists():
        assert database.password.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()


def test_a_killed_server_keeps_every_committed_row(home: Home) -> None:
    home.create()
    database = mariadb.start(home)
    query(database, "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1), (2)")
    process = Process.load(home.record(mariadb.SERVICE))
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(5)
    assert mariadb.running(home) is None
    again = mariadb.start(home)
    assert again == database, "the same address and account"
    assert query(again, "SELECT COUNT(*) FROM t") == ((2,),)


def test_several_data_folders_can_be_made_at_once(tmp_path: Path) -> None:
    homes = [Home(tmp_path / str(number)) for number in range(4)]
    for home in homes:
        home.create()
    try:
        with ThreadPoolExecutor(4) as pool:
            databases = list(pool.map(mariadb.start, homes))
        assert len({database.port for database in databases}) == 4
    finally:
        for home in homes:
            cloud.stop(home)


def test_a_server_that_does_not_start_is_quoted(home: Home) -> None:
    home.create()
    with pytest.raises(ServiceFailed, match=r"database\.log ends with:\n.*unknown variable 'no-such-option=1'"):
        mariadb.start(home, settings={"no-such-option": "1"})


def test_a_data_folder_that_cannot_be_made_is_explained(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.create()
    programs = mariadb_install.find()
    assert programs is not None
    script = home.path / "run" / "install-db"
    script.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 1\n")
    script.chmod(0o700)
    broken = mariadb_install.Programs(programs.server, script, programs.version)
    monkeypatch.setattr(mariadb_install, "find_or_install", lambda log, say: broken)
    with pytest.raises(ServiceFailed, match="no space left"):
        mariadb.start(home)
    assert not home.data.exists(), "the next start begins anew"


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only programs are those in the folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(mariadb_install, "_FOLDERS", ())
    return folder


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_without_mariadb_and_without_apt_get_there_is_one_instruction(bare_machine: Path, tmp_path: Path) -> None:
    assert mariadb_install.find() is None
    with pytest.raises(LocalCloudError, match=r"MariaDB is not installed, .*sudo apt-get install .*brew install"):
        mariadb_install.find_or_install(tmp_path / "log", lambda _: None)


def test_mysql_does_not_count_as_mariadb(bare_machine: Path) -> None:
    program(bare_machine, "mariadbd", "echo 'mysqld  Ver 8.0.39 for Linux on x86_64'")
    program(bare_machine, "mariadb-install-db", "")
    assert mariadb_install.find() is None


def test_a_missing_mariadb_is_installed_with_apt_get(bare_machine: Path, tmp_path: Path) -> None:
    version = 'echo \\"mariadbd  Ver 10.11.19-MariaDB for debian\\"'
    make = "\n".join(
        f'printf "#!/bin/sh\\n{text}\\n" > {bare_machine}/{name}; /bin/chmod 755 {bare_machine}/{name}'
        for name, text in (("mariadbd", version), ("mariadb-install-db", ""))
    )
    updated = tmp_path / "updated"
    # Its package list is out of date, as on a fresh machine: the first try fails.
    program(
        bare_machine,
        "apt-get",
        f'echo "$@"\nif [ "$1" = update ]; then : > {updated}; exit 0; fi\n[ -e {updated} ] || exit 100\n{make}',
    )
    program(bare_machine, "sudo", 'shift; [ "$1" = true ] || exec "$@"')
    said: list[str] = []
    programs = mariadb_install.find_or_install(tmp_path / "log", said.append)
    assert programs.version == "10.11.19"
    assert said == ["database      installing MariaDB with apt-get …"]
    assert (
        "install -y --no-install-recommends mariadb-server-core mariadb-client-core"
        in (tmp_path / "log").read_text()
    )


def test_a_failed_installation_names_its_log(bare_machine: Path, tmp_path: Path) -> None:
    program(bare_machine, "apt-get", "echo 'E: no network'; exit 100")
    program(bare_machine, "sudo", 'shift; [ "$1" = true ] || exec "$@"')
    with pytest.raises(LocalCloudError, match=f"could not be installed; {tmp_path}/log says why"):
        mariadb_install.find_or_install(tmp_path / "log", lambda _: None)
    assert "no network" in (tmp_path / "log").read_text()
