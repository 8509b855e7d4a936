"""The CRM's database: a real MariaDB server with a data folder of its own, on the loopback interface only."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from local_cloud import certificate, mariadb_install, ownership
from local_cloud.errors import ServiceFailed
from local_cloud.home import HOST, Home, write_private
from local_cloud.processes import Process, await_answer, exit_status, find_server, start_daemon, start_of

SERVICE = "database"
MAKING_DATA = "making-data"
"""The record of what makes the data folder; it is there only while that runs."""

DATABASE = "crm"
OWNER = "crm_owner"
_START_SECONDS = 30.0
_SMALL = (
    "--innodb-log-file-size=16M",
    "--innodb-buffer-pool-size=32M",
    "--innodb-use-native-aio=OFF",
    "--aria-log-file-size=8M",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Database:
    host: str
    port: int
    user: str
    password: str = dataclasses.field(repr=False)
    name: str
    version: str


def is_fresh(home: Home) -> bool:
    """Whether the next start makes a new, empty database."""
    return not home.data.is_dir()


def running(home: Home) -> Database | None:
    """The server of this home; None when its process is gone. Raises NotAnswering."""
    process = find_server(home.record(SERVICE), marker(home))
    if process is None:
        return None
    port = home.ports().get(SERVICE, 0)
    return await_answer(
        process,
        lambda: _log_in(home, port),
        name="database",
        address=f"{HOST}:{port}",
        log=home.log(SERVICE),
    )


def start(
    home: Home,
    *,
    tls: bool = False,
    settings: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Database:
    """Make the data folder if there is none, start the server, and wait until its owner can log in.

    `tls`: it offers encrypted connections. Raises ServiceFailed with the server's last words.
    """
    programs = mariadb_install.find_or_install(home.log("install"), say)
    if tls:
        certificate.ensure(home)
    if is_fresh(home):
        _make_data_folder(home, programs)
    port = home.port(SERVICE)
    log = home.log(SERVICE)
    seen = log.stat().st_size if log.exists() else 0
    options = _write_options(home, port, settings or {})
    process = start_daemon(
        [programs.server, f"--defaults-file={options}"],
        log=log,
        cwd=home.path,
        env={"PATH": mariadb_install.search_path(), "LANG": "C.UTF-8"},
        record=home.record(SERVICE),
        marker=f"--defaults-file={options}",
    )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        database = _log_in(home, port)
        if database is not None:
            return database
        status = exit_status(process)
        if status is not None:
            raise ServiceFailed(
                f"MariaDB ended with status {status} instead of starting. {_last_words(log, seen)}"
            )
        time.sleep(0.02)
    process.stop(grace=1)
    raise ServiceFailed(f"MariaDB did not answer within {_START_SECONDS:.0f} s. {_last_words(log, seen)}")


def marker(home: Home) -> str:
    return f"--defaults-file={_options_path(home)}"


def _options_path(home: Home) -> Path:
    return home.path / "run" / "mariadb.cnf"


def _make_data_folder(home: Home, programs: mariadb_install.Programs) -> None:
    draft = home.path / "tmp" / "new-data"
    ownership.delete_tree(draft)
    home.tmp(SERVICE).mkdir(mode=0o700, parents=True, exist_ok=True)
    # Below the working folder, whose own name the script would hand to chown and others in pieces.
    command: list[str | Path] = [
        programs.install_db,
        "--no-defaults",
        f"--datadir=./{draft.name}",
        # In a shared one, a server that starts deletes the temporary tables of another.
        f"--tmpdir=../{SERVICE}",
        "--skip-test-db",
        "--skip-name-resolve",
        "--auth-root-authentication-method=socket",
        *_as_root(),
        *_SMALL,
    ]
    with subprocess.Popen(  # noqa: S603 (the program found on this machine)
        command,
        cwd=draft.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": mariadb_install.search_path()},
        start_new_session=True,  # by which the next command ends all of it, should this one be killed
    ) as child:
        Process(pid=child.pid, started=start_of(child.pid) or "ended").save(home.record(MAKING_DATA))
        said = child.communicate()[0].decode(errors="replace")
    home.record(MAKING_DATA).unlink(missing_ok=True)
    if child.returncode != 0:
        words = "\n  ".join(said.strip().splitlines()[-15:])
        raise ServiceFailed(f"MariaDB could not make its data folder {draft}. It says:\n  {words}")
    draft.chmod(0o700)
    draft.rename(home.data)


def _write_options(home: Home, port: int, settings: Mapping[str, str]) -> Path:
    home.tmp(SERVICE).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(home.secret("mariadb-init.sql"), _accounts(home))
    tls = {
        option: f"../secrets/{path.name}"
        for option, path in (("ssl-cert", home.certificate), ("ssl-key", home.certificate_key))
        if home.certificate.exists()
    }
    values = {
        # Every path is relative, since the home's own may hold what such a file can't: the data folder's to the
        # server's working folder, the others' to the data folder.
        "datadir": "./data",
        "port": port,
        "bind-address": HOST,
        # A path from the root may be longer than a socket's name may be.
        "socket": "database.sock",
        "pid-file": "database.pid",
        "tmpdir": f"../tmp/{SERVICE}",
        "init-file": "../secrets/mariadb-init.sql",
        "skip-name-resolve": "ON",
        "character-set-server": "utf8mb4",
        "collation-server": "utf8mb4_unicode_ci",
        "default-time-zone": "+00:00",
        "sql-mode": "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_AUTO_CREATE_USER",
        "local-infile": "OFF",
        "max-connections": 100,
        "performance-schema": "OFF",
        "innodb-buffer-pool-size": "64M",
        "innodb-log-file-size": "16M",
        # Each commit reaches the operating system: a killed server loses nothing, a power cut may.
        "innodb-flush-log-at-trx-commit": 2,
        "innodb-use-native-aio": "OFF",
        "aria-pagecache-buffer-size": "8M",
        "key-buffer-size": "1M",
        **tls,
        **settings,
    }
    options = _options_path(home)
    user = ["user=root"] if _as_root() else []
    write_private(
        options, "\n".join(["[mariadbd]", *user, *(f"{key}={value}" for key, value in values.items())]) + "\n"
    )
    return options


def _accounts(home: Home) -> str:
    # Run at every start, so it must be repeatable: one statement a line, as an init file wants.
    from pymysql.converters import escape_string

    password = escape_string(home.generated_secret("database-owner"))
    return f"""\
CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER IF NOT EXISTS '{OWNER}'@'%' IDENTIFIED BY '{password}';
ALTER USER '{OWNER}'@'%' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON {DATABASE}.* TO '{OWNER}'@'%' WITH GRANT OPTION;
GRANT CREATE USER ON *.* TO '{OWNER}'@'%';
"""


def _as_root() -> list[str]:
    # The home is closed to everyone else, so the server can't step down to another user there.
    return ["--user=root"] if os.geteuid() == 0 else []


def _log_in(home: Home, port: int) -> Database | None:
    import pymysql
    from pymysql.constants import ER

    secret = home.secret("database-owner")
    if not secret.exists():
        return None
    password = secret.read_text()
    try:
        connection = pymysql.connect(
            host=HOST,
            port=port,
            user=OWNER,
            password=password.encode(),
            database=DATABASE,
            connect_timeout=5,
            read_timeout=5,
        )
    except pymysql.err.OperationalError as error:
        if error.args[0] != ER.CON_COUNT_ERROR:
            return None
        version = "busy"  # it answers, although it has no connection left for us
    else:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            row = cursor.fetchone()
        version = str(row[0]).partition("-")[0] if row else ""
    return Database(
        host=HOST,
        port=port,
        user=OWNER,
        password=password,
        name=DATABASE,
        version=version,
    )


def _last_words(log: Path, seen: int) -> str:
    lines = log.read_bytes()[seen:].decode(errors="replace").splitlines()
    errors = [line for line in lines if "[ERROR]" in line] or lines
    return f"{log} ends with:\n  " + "\n  ".join(errors[-15:])
