"""Invoked by the deployment: brings the schema and the backends' user up to date.

The one function that has the owner's account, it also removes what contract tests inserted, when asked to.
"""

from typing import Any

import pymysql

from handlers.backend import database
from handlers.migrations import app_user, canonical_ruts, schema, test_rows
from handlers.shared import aws, settings
from handlers.shared.errors import MigrationFailed, Unavailable
from handlers.shared.secrets import Credentials, ManagedSecret, parse_credentials

# Seconds, below the function's time-out. A large table's change and the wait for another deployment take long.
STATEMENT_TIMEOUT = 100
REMOVE_TEST_ROWS = "removeTestRows"


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """`{"version": current, "applied": [new ones], "ruts": {"moved", "conflicts": how many}}`.

    An error fails the deployment and changes nothing more. For the event `{"removeTestRows": [rows]}` it migrates
    nothing and answers as `test_rows.remove` does.
    """
    if REMOVE_TEST_ROWS in event:
        return _remove_test_rows(event[REMOVE_TEST_ROWS])
    address = database.Address.from_environment()
    secrets_manager = aws.client("secretsmanager")
    migrations = schema.load()
    connection = _connect(address, secrets_manager)
    try:
        schema.lock(connection)  # the user's password too is made by one deployment only
        applied = schema.apply(connection, migrations)
        ruts = canonical_ruts.ensure(connection)
        password = app_user.ensure_secret(secrets_manager, settings.required("DATABASE_SECRET_ARN"))
        app_user.ensure_user(connection, address, password)
    finally:
        connection.close()
    return {"version": len(migrations), "applied": applied, "ruts": ruts}


def _remove_test_rows(listed: object) -> dict[str, Any]:
    if settings.required("TEST_ROWS") != "removable":
        raise MigrationFailed("this stack is protected: no row of it is removed; run contract tests on another")
    wanted = test_rows.keys(listed)
    connection = _connect(database.Address.from_environment(), aws.client("secretsmanager"))
    try:
        return test_rows.remove(connection, wanted)
    finally:
        connection.close()


def _connect(address: database.Address, secrets_manager: Any) -> Any:
    owner = _owner(secrets_manager, settings.required("DATABASE_OWNER_SECRET_ARN"))
    try:
        return database.connect(address, owner.username, owner.password, statement_timeout=STATEMENT_TIMEOUT)
    except pymysql.MySQLError as error:
        raise MigrationFailed(
            f"can't connect to {address.host}:{address.port} as {owner.username}: {error.args[-1]};"
            " check the host, the private link and the owner's secret"
        ) from error


def _owner(secrets_manager: Any, arn: str) -> Credentials:
    try:
        return ManagedSecret(secrets_manager, arn, parse_credentials).get()
    except Unavailable as error:
        raise MigrationFailed(
            f'the owner\'s secret {arn}: {error}; it must hold {{"username": …, "password": …}}'
        ) from error
