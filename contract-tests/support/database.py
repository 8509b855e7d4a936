"""The customer database behind a local stack, for what the API does not show."""

from collections.abc import Mapping
from typing import Any

import pymysql


def connect(outputs: Mapping[str, Any]) -> pymysql.Connection:
    """As its owner. `outputs`: those of `python -m local_cloud outputs`."""
    account = dict(outputs["database"])
    password = account.pop("password").encode()
    return pymysql.connect(database=account.pop("name"), password=password, charset="utf8mb4", **account)


def execute(outputs: Mapping[str, Any], *statements: str) -> None:
    connection = connect(outputs)
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def rows(outputs: Mapping[str, Any], statement: str, *arguments: object) -> list[tuple[Any, ...]]:
    connection = connect(outputs)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return list(cursor.fetchall())
