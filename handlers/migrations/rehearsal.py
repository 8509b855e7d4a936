"""The rows that contract tests leave behind, told by their RUT, and their removal. See docs/adr/0008."""

from typing import Any

from handlers.migrations.app_user import TABLES

# Numbers below 1,000,000, padded with zeros: given out generations ago.
PREFIX = "00"


def remove(connection: Any) -> dict[str, int]:
    """How many rows of each table went."""
    removed = {}
    with connection.cursor() as cursor:
        for table in reversed(TABLES):
            removed[table] = cursor.execute(f"DELETE FROM {table} WHERE rut LIKE %s", (f"{PREFIX}%",))  # noqa: S608
    connection.commit()
    return removed
