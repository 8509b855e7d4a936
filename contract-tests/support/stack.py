"""The deployed stack under test: where it answers, how to ask it, and how it is left clean."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import urllib3
from boto3.dynamodb.types import TypeDeserializer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from command_line import boundary
from support import curl, journal, rut

ROOT = Path(__file__).parents[2]
ROWS_AT_ONCE = 10_000  # below 2 MB; Lambda takes 6
ENDED = ("COMPLETED", "FAILED")
OK, FORBIDDEN, NOT_FOUND, TOO_MANY_REQUESTS = 200, 403, 404, 429
LONGEST_WAIT = 60  # seconds; a limit of the day is not waited for
PATIENCE = 5  # times that a throttled request or a removal that was disturbed is sent again


class StackError(Exception):
    """The stack can't be reached, started or cleaned; the text says what to do."""

    exit_code = boundary.UNUSABLE


def local_cloud(command: str, home: Path | None, *options: str) -> str:
    """Run `python -m local_cloud` and return what it printed."""
    place = ["--home", str(home)] if home else []
    line = [sys.executable, "-m", "local_cloud", command, *place, *options]
    result = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if result.returncode:
        raise StackError(f"python -m local_cloud {command} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`curl`: the line that asks for it again."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    curl: str

    def json(self) -> Any:
        return json.loads(self.data)


@dataclass(frozen=True, kw_only=True)
class Removal:
    """`removed`: rows of each table. `kept`: clients that a row which is not the run's refers to."""

    removed: Mapping[str, int]
    kept: Sequence[journal.Key]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """`cleaner`: the migrations function, which removes test rows. `outputs`: empty where only a URL is known."""

    url: str
    api_key: str = field(repr=False)
    cleaner: str | None = None
    outputs: Mapping[str, Any] = field(repr=False)

    @classmethod
    def deployed(cls, home: Path | None) -> "Stack":
        """The local cloud's, started and brought up to date if it isn't."""
        local_cloud("up", home, "--no-leads")
        return cls.running(home)

    @classmethod
    def running(cls, home: Path | None) -> "Stack":
        """The local cloud's as it is."""
        outputs = json.loads(local_cloud("outputs", home, "--json"))
        return cls(
            url=outputs["api_url"],
            api_key=outputs["api_key"],
            cleaner=outputs["migrations_function_name"],
            outputs=outputs,
        )

    @classmethod
    def given(cls) -> "Stack | None":
        """The one that URL and API_KEY name, or the local one in STACK_HOME, if the environment says so."""
        url, key, home = (os.environ.get(name) for name in ("URL", "API_KEY", "STACK_HOME"))
        if home:
            return cls.running(Path(home))
        if not url:
            return None
        if not key:
            raise StackError("URL is set and API_KEY is not: the CRM operations need the key")
        return cls(url=url.rstrip("/"), api_key=key, cleaner=os.environ.get("CLEANER"), outputs={})

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: bool = True,
        patient: bool = True,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """`body`: bytes as they are, anything else as JSON. A header that is None is not sent.

        `patient`: after a 429 wait as long as the answer says, and ask again.
        """
        sent: dict[str, str | None] = {"x-api-key": self.api_key} if key else {}
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent |= headers or {}
        named = {name.lower(): value for name, value in sent.items()}
        if method == "POST" and path in journal.TABLES and "x-lead-id" not in named:
            sent["X-Lead-Id"] = named["x-lead-id"] = journal.own()
        given = {name: value for name, value in sent.items() if value is not None}
        lead_id, asked = named.get("x-lead-id"), _json(body)
        if method == "POST":
            journal.sending(path, asked, lead_id)
        response = _HTTP.request(method, self.url + path, body=body, headers=given)
        for _ in range(PATIENCE if patient else 0):
            seconds = int(response.headers.get("Retry-After", "1"))
            if response.status != TOO_MANY_REQUESTS or seconds > LONGEST_WAIT:
                break
            time.sleep(seconds)
            response = _HTTP.request(method, self.url + path, body=body, headers=given)
        if method == "POST":
            journal.answered(path, asked, lead_id, response.status, _json(response.data))
        return Answer(
            status=response.status,
            headers=response.headers,
            data=response.data,
            curl=curl.line(method, self.url + path, given, body, self.api_key),
        )

    def aws(self, service: str) -> Any:
        """A client: of the local cloud, or of AWS with the credentials of the environment."""
        if not self.outputs:
            return boto3.client(service)
        return boto3.client(
            service,
            endpoint_url=self.outputs["aws_endpoint_url"],
            region_name=self.outputs["region"],
            aws_access_key_id=self.outputs["aws_access_key_id"],
            aws_secret_access_key=self.outputs["aws_secret_access_key"],
            config=Config(proxies={}),
        )

    def signed(self, url: str) -> urllib.request.Request:
        """A GET that the local cloud takes as its owner's. On AWS a link would be signed itself."""
        key = Credentials(self.outputs["aws_access_key_id"], self.outputs["aws_secret_access_key"])
        request = AWSRequest(method="GET", url=url)
        SigV4Auth(key, "lambda", self.outputs["region"]).add_auth(request)
        return urllib.request.Request(url, headers=dict(request.headers))

    def record(self, lead_id: str) -> dict[str, Any]:
        """What the table of leads holds, which is more than getLead tells."""
        key, table = {"leadId": {"S": lead_id}}, self.outputs["lead_table_name"]
        item = self.aws("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
        return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}

    def check(self, patience: float = 0, pause: float = 5) -> None:
        """Raise StackError when nothing answers, or not to this key: every test would fail for that reason.

        `patience`: seconds in which a key that was just made may become known to API Gateway.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                answer = self.request("GET", f"/clients/{rut.NOBODY}")
            except urllib3.exceptions.HTTPError as error:
                raise StackError(f"{self.url} can't be reached: {error}") from error
            if answer.status != FORBIDDEN:
                return
            if time.monotonic() >= deadline:
                raise StackError(f"{self.url} refuses the API key: use the stack's output api_key")
            time.sleep(pause)

    def remove_rows(self, keys: Sequence[journal.Key]) -> Removal | None:
        """Of the rows with these keys. None: nobody said which function removes them."""
        if self.cleaner is None:
            return None
        keys = sorted(keys, key=lambda key: key[0] == "CLIENTS")  # what refers to a client goes before it
        removed: Counter[str] = Counter()
        kept: list[journal.Key] = []
        for start in range(0, max(len(keys), 1), ROWS_AT_ONCE):
            answer = self._remove(keys[start : start + ROWS_AT_ONCE])
            removed.update(answer["removed"])
            kept += [(row["table"], row["rut"], row["leadId"]) for row in answer["kept"]]
        return Removal(removed=dict(removed), kept=kept)

    def _remove(self, keys: Sequence[journal.Key]) -> dict[str, Any]:
        rows = [{"table": table, "rut": key, "leadId": lead_id} for table, key, lead_id in keys]
        payload: dict[str, Any] = {}
        for _ in range(PATIENCE):  # a lead may hold a row, or its client's
            try:
                answer = self.aws("lambda").invoke(
                    FunctionName=self.cleaner, Payload=json.dumps({"removeTestRows": rows}).encode()
                )
            except (BotoCoreError, ClientError) as error:
                raise StackError(
                    f"{self.cleaner} can't be invoked, so no test rows are removed: {error}"
                ) from error
            payload = json.loads(answer["Payload"].read())
            if "removed" in payload:
                return payload
        raise StackError(f"{self.cleaner} did not remove the test rows: {payload.get('errorMessage', payload)}")

    def remove_file(self, path: Path) -> Removal | None:
        """The rows that a run wrote down there, when its leads have ended. What stays is written there again."""
        keys = journal.read(path)
        self.await_leads(journal.leads(keys))
        removal = self.remove_rows(keys)
        if removal is not None:
            journal.write(path, removal.kept)
        return removal

    def remove_test_rows(self) -> Removal | None:
        """Those that this run has inserted by now."""
        return self.remove_file(Path(os.environ[journal.FILE]))

    def await_leads(self, lead_ids: Iterable[str], timeout: float = 300) -> None:
        """Return when every one has ended; a lead on its way would write rows behind the cleaner's back."""
        deadline = time.monotonic() + timeout
        for lead_id in lead_ids:
            while not self._is_done(lead_id):
                if time.monotonic() > deadline:
                    raise StackError(
                        f"lead {lead_id} has not ended after {timeout:.0f} s: its rows would stay behind"
                    )
                time.sleep(0.1)

    def _is_done(self, lead_id: str) -> bool:
        """A lead that nobody knows writes nothing, either."""
        answer = self.request("GET", f"/leads/{lead_id}")
        return answer.status == NOT_FOUND or (answer.status == OK and answer.json().get("status") in ENDED)


def _json(data: bytes | None) -> Any:
    """None for what is no JSON."""
    try:
        return json.loads(data or b"null")
    except (ValueError, RecursionError):
        return None


_HTTP = urllib3.PoolManager(maxsize=16, retries=False, timeout=60)
