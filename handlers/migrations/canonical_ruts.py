"""Clients under a RUT with leading zeros, as earlier releases stored them, come under the canonical one.

Where a client stands under several spellings of one RUT, nothing is changed: which row is right, a person decides.
The view RUT_CONFLICTS lists them. See docs/adr/0023.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pymysql
from pymysql.constants import ER

from handlers.migrations.app_user import TABLES
from handlers.shared import log, rut
from handlers.shared.errors import MigrationFailed

PAGE = 500  # clients in one transaction
TRIES = 5
WIDTH = 11  # characters that the column holds
# Seconds, below the time-out of the function, which has more to do.
TIME_LIMIT = 80.0

# A lead that is under way holds a row, or has just made the canonical one.
_DISTURBED = {ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT, ER.DUP_ENTRY}


def ensure(connection: Any) -> dict[str, int]:
    """How many clients were moved, and how many rows with leading zeros stay, each a case for RUT_CONFLICTS.

    A client moves with its partner and benefit in one transaction. Raise MigrationFailed when the time is up: what
    has been done stays done, and the next deployment goes on.
    """
    deadline = time.monotonic() + TIME_LIMIT
    moved = left = 0
    last = ""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION time_zone = '+00:00'")  # created_at is copied
        while page := _page(connection, cursor, last):
            if time.monotonic() > deadline:
                raise MigrationFailed(f"{moved} clients have their canonical RUT now, others don't: deploy again")
            done = _move_patiently(connection, cursor, page)
            moved, left, last = moved + done, left + len(page) - done, page[-1]
    if moved or left:
        log.info("clients moved to their canonical RUT", moved=moved, conflicts=left)
    return {"moved": moved, "conflicts": left}


def _page(connection: Any, cursor: Any, last: str) -> list[str]:
    """The next of those that begin with a zero, which the primary key finds at once."""
    cursor.execute("SELECT rut FROM CLIENTS WHERE rut > %s AND rut < '1' ORDER BY rut LIMIT %s", (last, PAGE))
    found = [spelling for (spelling,) in cursor.fetchall()]
    connection.commit()
    return found


def _move_patiently(connection: Any, cursor: Any, page: Sequence[str]) -> int:
    for attempt in range(1, TRIES + 1):
        try:
            moved = _move(cursor, page)
            connection.commit()
            return moved
        except pymysql.MySQLError as error:
            if error.args[0] not in _DISTURBED or attempt == TRIES:
                raise MigrationFailed(  # the server's own words may hold a RUT
                    f"clients can't be brought under their canonical RUT: error {error.args[0]}; deploy again"
                ) from None
            connection.rollback()
    return 0


def _move(cursor: Any, page: Sequence[str]) -> int:
    """Copies under the canonical RUT take the place of the rows; the locked client keeps new children away."""
    wanted = {spelling: rut.canonical(spelling) for spelling in page if rut.is_valid(spelling)}
    if not wanted:
        return 0
    spellings = [each for canonical in set(wanted.values()) for each in _spellings(canonical)]
    cursor.execute("SELECT rut FROM CLIENTS WHERE rut IN %s FOR UPDATE", (spellings,))
    standing = Counter(rut.canonical(each) for (each,) in cursor.fetchall())
    moves = {spelling: canonical for spelling, canonical in wanted.items() if standing[canonical] == 1}
    if not moves:
        return 0
    for table in TABLES:
        _copy(cursor, table, moves)
    for table in reversed(TABLES):
        cursor.execute(f"DELETE FROM {table} WHERE rut IN %s", (list(moves),))  # noqa: S608 - constants
    return len(moves)


def _spellings(canonical: str) -> set[str]:
    padded = {"0" * zeros + canonical for zeros in range(WIDTH - len(canonical) + 1)}
    return padded | {each.lower() for each in padded}


def _copy(cursor: Any, table: str, moves: dict[str, str]) -> None:
    cursor.execute(f"SELECT * FROM {table} WHERE rut IN %s FOR UPDATE", (list(moves),))  # noqa: S608 - constants
    names = [column[0] for column in cursor.description]
    key = names.index("rut")
    copies = [(*row[:key], moves[row[key]], *row[key + 1 :]) for row in cursor.fetchall()]
    values = ", ".join(["%s"] * len(names))
    columns = ", ".join(f"`{name}`" for name in names)
    cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", copies)  # noqa: S608 - constants
