"""The database user of the backends: what it may do, and its password in Secrets Manager."""

import json
import re
import secrets
from collections.abc import Iterable
from typing import Any

from handlers.backend import database
from handlers.shared.errors import MigrationFailed
from handlers.shared.secrets import parse_credentials

APP_USER = "leadbridge_app"
# A row is written once and never changed: no UPDATE. See docs/adr/0009.
PRIVILEGES = ("SELECT", "INSERT")
# A client before what belongs to it.
TABLES = ("CLIENTS", "PARTNER", "BENEFIT")

_GRANT = re.compile(r"GRANT (?P<privileges>.+) ON (?P<target>`[^`]+`\.`[^`]+`) TO \S+")
_LOGIN = re.compile(r"GRANT USAGE ON \*\.\* TO (?!.*WITH)")


def ensure_secret(client: Any, arn: str) -> str:
    """The user's password: the one in the secret, or a new one put there. It is never in the stack's state.

    Raise MigrationFailed for a secret that holds something else.
    """
    try:
        value = client.get_secret_value(SecretId=arn).get("SecretString")
    except client.exceptions.ResourceNotFoundException:
        value = None
    if value is not None:
        account = parse_credentials(str(value))
        if account is None or account.username != APP_USER:
            raise MigrationFailed(
                f'the secret {arn} does not hold {{"username": "{APP_USER}", "password": …}}; put that there, or'
                " take AWSCURRENT from its version, so that the next deployment makes a new password"
            )
        return account.password
    password = secrets.token_urlsafe(32)
    client.put_secret_value(SecretId=arn, SecretString=json.dumps({"username": APP_USER, "password": password}))
    return password


def ensure_user(owner: Any, address: database.Address, password: str) -> None:
    """The user exists with this password and exactly these grants, and can log in.

    What is right already is left alone: a REVOKE would refuse the statements of leads that are under way.
    """
    account = (APP_USER, "%")
    tls = "REQUIRE SSL" if address.tls else "REQUIRE NONE"
    targets = [f"`{address.name}`.`{table}`" for table in TABLES]
    with owner.cursor() as cursor:
        cursor.execute(f"CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s {tls}", (*account, password))
        cursor.execute(f"ALTER USER %s@%s IDENTIFIED BY %s {tls}", (*account, password))
        _grant(cursor, targets, account)
        if _own_grants(address, password) != {target.casefold(): set(PRIVILEGES) for target in targets}:
            cursor.execute("REVOKE ALL PRIVILEGES, GRANT OPTION FROM %s@%s", account)
            _grant(cursor, targets, account)


def _grant(cursor: Any, targets: Iterable[str], account: tuple[str, str]) -> None:
    for target in targets:
        cursor.execute(f"GRANT {', '.join(PRIVILEGES)} ON {target} TO %s@%s", account)


def _own_grants(address: database.Address, password: str) -> dict[str, set[str]]:
    """Table -> privileges, asked as the user itself, since an owner need not be able to read others' grants.

    Anything else that the user has stands under its whole line.
    """
    found: dict[str, set[str]] = {}
    connection = database.connect(address, APP_USER, password)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW GRANTS")
            for (line,) in cursor.fetchall():
                if match := _GRANT.fullmatch(line):
                    found[match["target"].casefold()] = set(match["privileges"].split(", "))
                elif not _LOGIN.match(line):
                    found[line] = set()
    finally:
        connection.close()
    return found
