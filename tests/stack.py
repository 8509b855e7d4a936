"""`LocalCloud` deploys a real local stack, `Stack` uses one, and a few leads to send through it."""

import json
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pymysql
import urllib3
from boto3.dynamodb.types import TypeDeserializer

from components.openapi import load
from handlers.shared.rut import check_character

ROOT = Path(__file__).parents[1]
EXAMPLE = load(ROOT / "openapi.yaml")["paths"]["/leads"]["post"]["requestBody"]["content"]["application/json"][
    "example"
]


class LocalCloud:
    """`python -m local_cloud` for one home."""

    def __init__(self, home: Path, root: Path = ROOT, stack: str = "local") -> None:
        self.home = home
        self.root = root
        self.stack = stack

    def run(
        self, command: str, *options: str, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess:
        result = subprocess.run(
            [
                sys.executable,
                "-m",
                "local_cloud",
                command,
                "--home",
                str(self.home),
                "--stack",
                self.stack,
                *options,
            ],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def up(self) -> str:
        return self.run("up", "--no-leads").stdout

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.run("outputs", "--json").stdout)

    def resources(self) -> list[dict[str, Any]]:
        """What the deployment's state holds."""
        state = json.loads((self.home / "state" / "stack.json").read_text())
        return state["deployment"]["resources"]

    def down(self) -> str:
        return self.run("down").stdout


class Stack:
    """A deployed stack as its users see it: HTTP, the bus, the rows."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self.outputs = outputs
        self.api_url = outputs["api_url"]
        self.http = urllib3.PoolManager(maxsize=32, retries=False, timeout=60)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.outputs["aws_endpoint_url"],
            region_name=self.outputs["region"],
            aws_access_key_id=self.outputs["aws_access_key_id"],
            aws_secret_access_key=self.outputs["aws_secret_access_key"],
        )

    def request(
        self, method: str, path: str, body: Any = None, *, key: bool = False, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        if body is not None:
            headers = {"Content-Type": "application/json", **headers}
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        if key:
            headers["x-api-key"] = self.outputs["api_key"]
        return self.http.request(method, self.api_url + path, body=body, headers=headers)

    def submit(self, lead: dict[str, Any]) -> str:
        response = self.request("POST", "/leads", lead)
        assert response.status == 202, response.data
        return response.json()["leadId"]

    def put_event(self, detail: Any, source: str = "leadbridge.app", detail_type: str = "LeadReceived") -> str:
        """The event's id."""
        entry = {
            "EventBusName": self.outputs["event_bus_name"],
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
        }
        answer = self.client("events").put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0, answer
        return answer["Entries"][0]["EventId"]

    def ended(self, lead_id: str, timeout: float = 40) -> dict[str, Any]:
        """The lead's status once it has completed or failed."""

        def look() -> dict[str, Any] | None:
            response = self.request("GET", f"/leads/{lead_id}")
            status = response.json()
            return status if response.status == 200 and status["status"] in ("COMPLETED", "FAILED") else None

        return wait_for(look, timeout, f"lead {lead_id} to end")

    def recorded(self, lead_id: str) -> dict[str, Any]:
        """What the table of leads holds, which is more than the public status."""
        table, key = self.outputs["lead_table_name"], {"leadId": {"S": lead_id}}
        item = self.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
        return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}

    def connection(self) -> pymysql.Connection:
        database = self.outputs["database"]
        return pymysql.connect(
            host=database["host"],
            port=database["port"],
            user=database["user"],
            password=database["password"].encode(),
            database=database["name"],
            charset="utf8mb4",
        )

    def rows(self, statement: str, *arguments: Any) -> tuple[tuple[Any, ...], ...]:
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchall()

    def rows_of(self, rut: str) -> dict[str, tuple[tuple[Any, ...], ...]]:
        return {
            "CLIENTS": self.rows("SELECT name, lastname, phone, mail FROM CLIENTS WHERE rut = %s", rut),
            "PARTNER": self.rows("SELECT store FROM PARTNER WHERE rut = %s", rut),
            "BENEFIT": self.rows("SELECT wants_benefit FROM BENEFIT WHERE rut = %s", rut),
        }


STEP = re.compile(r"^  [~+±-]+ *(create|update|replace|delete) +(\S+) (\S+)", re.MULTILINE)


def steps(output: str) -> list[tuple[str, str, str]]:
    """What a preview or an up shows: operation, type, name."""
    return STEP.findall(output)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path} does not hold {old!r}"
    path.write_text(text.replace(old, new, 1))


def copy_of_the_project(folder: Path) -> Path:
    """A copy that a test may edit."""
    root = folder / "leadbridge"
    ignored = shutil.ignore_patterns(".git", ".venv*", ".leadbridge", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, root, ignore=ignored)
    (root / ".venv-lambda").symlink_to(ROOT / ".venv-lambda")
    return root


def wait_for(look: Callable[[], Any], timeout: float, what: str) -> Any:
    deadline = time.monotonic() + timeout
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"waited {timeout} s for {what}"
        time.sleep(0.05)


def new_rut() -> str:
    digits = str(10_000_000 + uuid.uuid4().int % 80_000_000)
    return f"{digits}-{check_character(digits)}"


def new_lead(**changes: Any) -> dict[str, Any]:
    return {**EXAMPLE, "rut": new_rut(), **changes}
