"""Other sessions of the CRM database, which hold what the backends need. They go past the proxies."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql

from tests.faults.leads import Lead
from tests.stack import Stack, wait_for

COLUMNS = {
    "CLIENTS": ("name", "lastname", "phone", "mail"),
    "PARTNER": ("store",),
    "BENEFIT": ("wants_benefit",),
}
TABLES = {"client": "CLIENTS", "partner": "PARTNER", "benefit": "BENEFIT"}
FEW_CONNECTIONS = 10  # the least that MariaDB takes
TOO_MANY = 1040


class Sessions:
    def __init__(self, stack: Stack, home: Path) -> None:
        self.owner = stack.connection
        self._name = stack.outputs["database"]["name"]
        self._socket = str(home / "data" / "database.sock")

    def administrator(self) -> Any:
        """Who runs the server may administer it, by its socket."""
        return pymysql.connect(
            unix_socket=self._socket, user=getpass.getuser(), database=self._name, autocommit=True
        )

    def rows(self, statement: str, *values: Any) -> tuple[tuple[Any, ...], ...]:
        with self.administrator() as session, session.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    @contextmanager
    def locked(self, kind: str, lead: Lead) -> Iterator[None]:
        """Another session has written the lead's row and neither commits nor rolls back."""
        session = self.owner()
        try:
            insert(session, kind, lead)
            yield
        finally:
            session.rollback()
            session.close()

    @contextmanager
    def all_taken(self, cut: Any) -> Iterator[None]:
        """Every connection that the server allows is somebody else's; `cut` ends the backends' own."""
        held: list[Any] = []
        with self.limited(FEW_CONNECTIONS):
            try:
                cut()
                held += self._take_all()
                yield
            finally:
                for each in held:
                    each.close()

    @contextmanager
    def limited(self, connections: int) -> Iterator[None]:
        before = self.rows("SELECT @@max_connections")[0][0]
        with self.administrator() as session, session.cursor() as cursor:
            cursor.execute("SET GLOBAL max_connections = %s", (connections,))
            try:
                yield
            finally:
                cursor.execute("SET GLOBAL max_connections = %s", (before,))

    def _take_all(self) -> list[Any]:
        held: list[Any] = []

        def look() -> bool | None:
            try:
                held.append(self.owner())
            except pymysql.err.OperationalError as error:
                if error.args[0] != TOO_MANY:
                    raise
                return True
            return None

        wait_for(look, 30, "all connections to be taken")
        return held

    def deadlock(self, kind: str, lead: Lead, go_on: Any) -> None:
        """Make a deadlock with the backend's INSERT of the lead's row, in which the backend's side is the victim.

        `go_on` lets the backend send its INSERT, once this side holds its locks.
        """
        if kind == "client":
            self._deadlock_of_two_inserts(lead, go_on)
        else:
            self._deadlock_over_the_client(kind, lead, go_on)

    def _deadlock_over_the_client(self, kind: str, lead: Lead, go_on: Any) -> None:
        """The backend holds the client (foreign key) and waits for our row; we then want the client."""
        session = self.owner()
        try:
            insert(session, kind, lead)
            self._wait_for_waiting(session, go_on, 1)
            with session.cursor() as cursor:
                cursor.execute("UPDATE CLIENTS SET phone = phone WHERE rut = %s", (lead.rut,))
        finally:
            session.rollback()
            session.close()

    def _deadlock_of_two_inserts(self, lead: Lead, go_on: Any) -> None:
        """Two wait for a row that is rolled back: each then holds what the other wants."""
        first, second = self.owner(), self.owner()
        try:
            insert(first, "client", lead)
            with second.cursor() as cursor:  # more to undo than the backend has: the backend is the victim
                for _ in range(3):
                    cursor.execute(
                        "INSERT INTO CLIENTS (rut, name, lastname, phone, mail) VALUES (%s, 'x', 'x', '1', 'x')",
                        (f"x{lead.rut[:7]}{_}",),
                    )
            second._execute_command(3, _insert_text(second, "client", lead))  # sent; its answer is read below
            self._wait_for_waiting(first, go_on, 2)
            first.rollback()
            with suppress(pymysql.err.IntegrityError):
                second._read_query_result()
        finally:
            for session in (first, second):
                session.rollback()
                session.close()

    def _wait_for_waiting(self, holder: Any, go_on: Any, count: int) -> None:
        """Until that many transactions wait for the holder's locks."""
        go_on()

        def look() -> bool | None:
            waiting = self.rows(
                "SELECT COUNT(*) FROM information_schema.INNODB_LOCK_WAITS AS w"
                " JOIN information_schema.INNODB_TRX AS t ON t.trx_id = w.blocking_trx_id"
                " WHERE t.trx_mysql_thread_id = %s",
                holder.thread_id(),
            )
            return True if waiting[0][0] >= count else None

        wait_for(look, 10, f"{count} transactions to wait for a lock")


def insert(session: Any, kind: str, lead: Lead) -> None:
    with session.cursor() as cursor:
        cursor.execute(_insert_text(session, kind, lead))


def _insert_text(session: Any, kind: str, lead: Lead) -> str:
    table = TABLES[kind]
    with session.cursor() as cursor:
        return cursor.mogrify(
            f"INSERT INTO {table} (rut, {', '.join(COLUMNS[table])})"
            f" VALUES (%s, {', '.join(['%s'] * len(COLUMNS[table]))})",
            (lead.rut, *lead.rows[table]),
        )
