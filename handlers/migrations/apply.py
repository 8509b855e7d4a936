"""Invoked by the deployment: brings the schema and the backends' user up to date."""

import json
from collections.abc import Mapping
from typing import Any

import pymysql

from handlers.backend import database
from handlers.migrations import app_user, schema
from handlers.shared import aws, settings
from handlers.shared.errors import MigrationFailed
from handlers.shared.secrets import ManagedSecret

# Seconds, below the function's time-out. A large table's change and the wait for another deployment take long.
STATEMENT_TIMEOUT = 100


def handler(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """`{"version": current, "applied": [new ones]}`. An error fails the deployment and changes nothing more."""
    address = database.Address.from_environment()
    secrets_manager = aws.client("secretsmanager")
    owner = json.loads(ManagedSecret(secrets_manager, settings.required("DATABASE_OWNER_SECRET_ARN")).get())
    migrations = schema.load()
    connection = _connect(address, owner)
    try:
        schema.lock(connection)  # the user's password too is made by one deployment only
        applied = schema.apply(connection, migrations)
        password = app_user.ensure_secret(secrets_manager, settings.required("DATABASE_SECRET_ARN"))
        app_user.ensure_user(connection, address.name, password, require_tls=address.tls)
    finally:
        connection.close()
    return {"version": len(migrations), "applied": applied}


def _connect(address: database.Address, owner: Mapping[str, str]) -> Any:
    try:
        return database.connect(address, owner["username"], owner["password"], statement_timeout=STATEMENT_TIMEOUT)
    except pymysql.MySQLError as error:
        raise MigrationFailed(
            f"can't connect to {address.host}:{address.port} as {owner['username']}: {error.args[-1]};"
            " check the host, the private link and the owner's secret"
        ) from error
