"""Values of a secret {username, password} that can't work, and what a test does with them."""

import json
from typing import Any

from handlers.backend import create_client
from handlers.migrations.app_user import APP_USER
from tests.handlers.conftest import Site
from tests.handlers.samples import ALICE, post

CANARY = "hunter2-canary"
MALFORMED = {
    "not JSON": CANARY,
    "half of it": f'{{"username": "{APP_USER}", "password": "{CANARY}',
    "null": "null",
    "a text": json.dumps(CANARY),
    "a list": json.dumps([APP_USER, CANARY]),
    "a number": "7",
    "no members": "{}",
    "no password": json.dumps({"username": APP_USER, "pasword": CANARY}),
    "no username": json.dumps({"password": CANARY}),
    "an empty password": json.dumps({"username": APP_USER, "password": "", "note": CANARY}),
    "an empty username": json.dumps({"username": "", "password": CANARY}),
    "a password of null": json.dumps({"username": APP_USER, "password": None, "note": CANARY}),
    "a password that is a number": json.dumps({"username": APP_USER, "password": 1234567, "note": CANARY}),
    "a password that is an object": json.dumps({"username": APP_USER, "password": {"value": CANARY}}),
    "a username that is a list": json.dumps({"username": [APP_USER], "password": CANARY}),
    "half of a surrogate pair": json.dumps({"username": APP_USER, "password": f"{CANARY}\ud800"}),
    "nested without end": "[" * 20_000 + CANARY,
    "digits without end": "9" * 10_000,
}
# Well formed, and refused by the server.
REFUSED = {
    "another password": json.dumps({"username": APP_USER, "password": CANARY}),
    "another user": json.dumps({"username": f"user-{CANARY}", "password": "x"}),
    "a password beyond Latin-1": json.dumps({"username": APP_USER, "password": f"{CANARY} 密码 €"}),
    "a null byte": json.dumps({"username": f"{APP_USER}\0{CANARY}", "password": "\0"}),
}


def put(site: Site, text: str) -> None:
    site.secrets.put_secret_value(SecretId=site.app_secret_arn, SecretString=text)


def close_connections(site: Site) -> None:
    for (number,) in site.server.run(f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{APP_USER}'"):
        site.server.run(f"KILL {number}")


def add_alice() -> dict[str, Any]:
    return create_client.handler(post(ALICE), None)
