"""The database user of the backends: what it may do, and its password in Secrets Manager."""

import json
import secrets
from typing import Any

APP_USER = "leadbridge_app"
GRANTS = {
    "CLIENTS": ("SELECT", "INSERT", "UPDATE"),
    "PARTNER": ("SELECT", "INSERT", "UPDATE"),
    "BENEFIT": ("SELECT", "INSERT", "UPDATE"),
}


def ensure_secret(client: Any, arn: str) -> str:
    """The user's password: the one in the secret, or a new one put there. It is never in the stack's state."""
    try:
        value = client.get_secret_value(SecretId=arn).get("SecretString")
    except client.exceptions.ResourceNotFoundException:
        value = None
    if value is not None:
        return str(json.loads(value)["password"])
    password = secrets.token_urlsafe(32)
    client.put_secret_value(SecretId=arn, SecretString=json.dumps({"username": APP_USER, "password": password}))
    return password


def ensure_user(connection: Any, database: str, password: str, *, require_tls: bool) -> None:
    """The user exists with this password and exactly these grants."""
    account = (APP_USER, "%")
    tls = "REQUIRE SSL" if require_tls else "REQUIRE NONE"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s {tls}", (*account, password))
        cursor.execute(f"ALTER USER %s@%s IDENTIFIED BY %s {tls}", (*account, password))
        cursor.execute("REVOKE ALL PRIVILEGES, GRANT OPTION FROM %s@%s", account)
        for table, privileges in GRANTS.items():
            cursor.execute(f"GRANT {', '.join(privileges)} ON `{database}`.`{table}` TO %s@%s", account)
