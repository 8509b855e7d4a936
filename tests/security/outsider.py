"""Everything that another user of the machine tries: prints what came back as JSON.

Usage: python -P outsider.py USER_ID ADDRESSES, the latter as JSON. It becomes that user before it tries.
"""

import contextlib
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pymysql

QUERY = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fus-east-1%2F{service}%2Faws4_request"
    "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
)


def main() -> None:
    user, where = int(sys.argv[1]), json.loads(sys.argv[2])
    answer(where["form"])  # whose interpreter may be closed to the other user: what it imports late, it does now
    become(user)
    found = {
        "user": os.getuid(),
        "cloud": [*answers(where["endpoint"], where["function"])],
        "files": [*files(Path(where["home"]))],
        "processes": [*processes()],
        "database": [*logins(where["database_port"], where["database_user"])],
        "form": answer(where["form"]),
    }
    print(json.dumps(found))


def become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def answers(endpoint: str, function: str) -> Any:
    target = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Content-Type": "application/x-amz-json-1.1"}
    secret = b'{"SecretId": "crm-owner"}'
    yield answer(f"{endpoint}/?{QUERY.format(service='secretsmanager')}", secret, **target)
    yield answer(f"{endpoint}/", secret, **target)
    for path in (
        "/2015-03-31/functions/",
        f"/2015-03-31/functions/{function}",
        f"/_ministack/lambda-code/{function}",
    ):
        yield answer(endpoint + path)
        yield answer(f"{endpoint}{path}?{QUERY.format(service='lambda')}")
    code = f"{endpoint}/2015-03-31/functions/{function}/invocations?{QUERY.format(service='lambda')}"
    yield answer(code, b"{}")
    for path in ("/_ministack/health", "/_leadbridge/start", "/_leadbridge/start-id"):
        yield answer(endpoint + path)


def answer(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, data=body, headers={n.replace("_", "-"): v for n, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def files(home: Path) -> Any:
    paths = [home / name for name in ("ports.json", "state/stack.json", "run/mariadb.cnf", "logs/cloud.log")]
    paths += [home / "secrets" / name for name in ("database-owner", "aws-access-key-id", "aws-secret-access-key")]
    for path in [home, *paths]:
        with contextlib.suppress(OSError):
            yield path.read_text() if path.is_file() else [entry.name for entry in path.iterdir()]


def processes() -> Any:
    for name in ("environ", "cmdline"):
        for path in Path("/proc").glob(f"[0-9]*/{name}"):
            with contextlib.suppress(OSError):
                yield path.read_bytes().decode(errors="replace")


def logins(port: int, owner: str) -> Any:
    for user in ("root", "", "mysql", "mariadb.sys", "test", owner):
        for password in ("", "root", "password", owner):
            try:
                pymysql.connect(host="127.0.0.1", port=port, user=user, password=password).close()
            except pymysql.err.MySQLError:
                continue
            yield [user, password]


if __name__ == "__main__":
    main()
