"""The CRM's three tables: each row is written once under its natural key and never changed from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.constants import ER

from handlers.backend.database import Cursor
from handlers.shared.errors import Conflict, NotFound


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table whose primary key is `rut`, and the columns that a repeated request is compared by."""

    name: str
    noun: str
    columns: tuple[str, ...]


CLIENTS = Table(name="CLIENTS", noun="client", columns=("name", "lastname", "phone", "mail"))
PARTNER = Table(name="PARTNER", noun="partner", columns=("store",))
BENEFIT = Table(name="BENEFIT", noun="benefit", columns=("wants_benefit",))


def create(cursor: Cursor, table: Table, rut: str, values: Mapping[str, Any], lead_id: str | None) -> bool:
    """True: the row is new. False: the same row was there.

    Raises Conflict when other data stands under the RUT, and NotFound when the client that the row belongs to
    does not exist. Safe to repeat, also when the first answer was lost.
    """
    columns = ("rut", *table.columns, "lead_id")
    statement = (
        f"INSERT INTO {table.name} ({', '.join(columns)})"  # noqa: S608 - names are this module's constants
        f" VALUES ({', '.join(['%s'] * len(columns))})"
    )
    try:
        cursor.execute(statement, (rut, *(values[column] for column in table.columns), lead_id))
    except pymysql.err.IntegrityError as error:
        if error.args[0] == ER.NO_REFERENCED_ROW_2:
            raise NotFound("there is no client with this RUT") from None
        if error.args[0] != ER.DUP_ENTRY:
            raise
    else:
        return True
    stored = _find(cursor, table, rut)
    if stored != {column: values[column] for column in table.columns}:
        raise Conflict(f"the CRM holds another {table.noun} under this RUT; nothing was changed")
    return False


def find_client(cursor: Cursor, rut: str) -> dict[str, Any]:
    """The contract's ClientRecord. Raise NotFound for an unknown RUT."""
    client = _find(cursor, CLIENTS, rut)
    if client is None:
        raise NotFound("there is no client with this RUT")
    record = {"rut": rut, **client}
    if partner := _find(cursor, PARTNER, rut):
        record["partner"] = {"store": partner["store"]}
    if benefit := _find(cursor, BENEFIT, rut):
        record["benefit"] = {"wantsBenefit": bool(benefit["wants_benefit"])}
    return record


def _find(cursor: Cursor, table: Table, rut: str) -> dict[str, Any] | None:
    cursor.execute(
        f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE rut = %s",  # noqa: S608 - constants again
        (rut,),
    )
    row = cursor.fetchone()
    return dict(zip(table.columns, row, strict=True)) if row else None
