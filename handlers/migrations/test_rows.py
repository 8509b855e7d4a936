"""The removal of the rows that a run of the contract tests inserted. See docs/adr/0023."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from handlers.migrations.app_user import TABLES
from handlers.shared.errors import MigrationFailed

# (table, RUT, the lead beside the row or None)
Key = tuple[str, str, str | None]
BATCH = 500  # RUTs in one transaction
CLIENTS, *CHILDREN = TABLES


def keys(listed: object) -> list[Key]:
    """`[{"table", "rut", "leadId"}, …]`, checked. Raise MigrationFailed for anything else."""
    if not isinstance(listed, list):
        raise MigrationFailed("removeTestRows takes the list of the rows that the run inserted")
    found = []
    for each in listed:
        match each:
            case {"table": str(table), "rut": str(rut), "leadId": str() | None as lead_id} if table in TABLES:
                found.append((table, rut, lead_id))
            case _:
                raise MigrationFailed('a row is listed as {"table": a table, "rut": text, "leadId": text or null}')
    return found


def remove(connection: Any, wanted: Iterable[Key]) -> dict[str, Any]:
    """`{"removed": {table: rows}, "kept": [keys]}`.

    A row goes when it stands under the RUT with the very lead of a key, and so is the one that the run inserted. A
    client is kept while a row that is not the run's refers to it.
    """
    by_rut: dict[str, set[Key]] = {}
    for key in wanted:
        if key[1].isascii():  # the columns are: no row stands under another, and MariaDB compares none with it
            by_rut.setdefault(key[1], set()).add(key)
    removed = dict.fromkeys(reversed(TABLES), 0)
    kept: list[dict[str, str | None]] = []
    left = iter(by_rut.items())
    while batch := dict(islice(left, BATCH)):
        with connection.cursor() as cursor:
            done, stay = _remove(cursor, batch)
        connection.commit()
        for table in done:
            removed[table] += len(done[table])
        kept += [{"table": CLIENTS, "rut": rut, "leadId": lead_id} for rut, lead_id in stay.items()]
    return {"removed": removed, "kept": kept}


def _remove(cursor: Any, batch: dict[str, set[Key]]) -> tuple[dict[str, Sequence[str]], dict[str, str | None]]:
    clients = _standing(cursor, CLIENTS, batch)  # locked first, so that they get no further children
    done: dict[str, Sequence[str]] = {}
    referred: set[str] = set()
    for table in CHILDREN:
        done[table] = list(_standing(cursor, table, batch))
        _delete(cursor, table, done[table])
        cursor.execute(f"SELECT rut FROM {table} WHERE rut IN %s", (list(batch),))  # noqa: S608 - constants
        referred.update(rut for (rut,) in cursor.fetchall())
    done[CLIENTS] = [rut for rut in clients if rut not in referred]
    _delete(cursor, CLIENTS, done[CLIENTS])
    return done, {rut: lead_id for rut, lead_id in clients.items() if rut in referred}


def _standing(cursor: Any, table: str, batch: dict[str, set[Key]]) -> dict[str, str | None]:
    """RUT -> lead of the rows that are the run's."""
    cursor.execute(
        f"SELECT rut, lead_id FROM {table} WHERE rut IN %s FOR UPDATE",  # noqa: S608 - constants
        (list(batch),),
    )
    return {rut: lead_id for rut, lead_id in cursor.fetchall() if (table, rut, lead_id) in batch[rut]}


def _delete(cursor: Any, table: str, ruts: Sequence[str]) -> None:
    if ruts:
        cursor.execute(f"DELETE FROM {table} WHERE rut IN %s", (ruts,))  # noqa: S608 - constants
