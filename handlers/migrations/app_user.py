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
        return str(json.loads(client.get_secret_value(SecretId=arn)["SecretString"])["password"])
    except client.exceptions.ResourceNotFoundException:
        password = secrets.token_urlsafe(32)
        value = json.dumps({"username": APP_USER, "password": password})
        client.put_secret_value(SecretId=arn, SecretString=value)
        return password


def ensure_user(connection: Any, database: str, password: str, *, require_tls: bool) -> None:
    """The user exists with this password and exactly these grants."""
    account = f"'{APP_USER}'@'%'"
    tls = "REQUIRE SSL" if require_tls else "REQUIRE NONE"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY %s {tls}", (password,))
        cursor.execute(f"ALTER USER {account} IDENTIFIED BY %s {tls}", (password,))
        cursor.execute(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}")
        for table, privileges in GRANTS.items():
            cursor.execute(f"GRANT {', '.join(privileges)} ON `{database}`.`{table}` TO {account}")
