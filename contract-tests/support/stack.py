"""The deployed stack under test: where it answers, how to ask it, and how it is left clean."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from support import curl

ROOT = Path(__file__).parents[2]
REMOVE_TEST_ROWS = b'{"removeTestRows": true}'
ENDED = ("COMPLETED", "FAILED")
OK, FORBIDDEN, NOT_FOUND, TOO_MANY_REQUESTS = 200, 403, 404, 429
PATIENCE = 5  # times that a throttled request or a removal that was disturbed is sent again


class StackError(Exception):
    """The stack can't be reached, started or cleaned; the text says what to do."""


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
        given = {name: value for name, value in sent.items() if value is not None}
        response = _HTTP.request(method, self.url + path, body=body, headers=given)
        for _ in range(PATIENCE if patient else 0):
            if response.status != TOO_MANY_REQUESTS:
                break
            time.sleep(int(response.headers.get("Retry-After", "1")))
            response = _HTTP.request(method, self.url + path, body=body, headers=given)
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
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}),
        )

    def check(self) -> None:
        """Raise StackError when nothing answers, or not to this key: every test would fail for that reason."""
        try:
            answer = self.request("GET", "/clients/00000000-0")
        except urllib3.exceptions.HTTPError as error:
            raise StackError(f"{self.url} can't be reached: {error}") from error
        if answer.status == FORBIDDEN:
            raise StackError(f"{self.url} refuses the API key: use the stack's output api_key")

    def remove_test_rows(self) -> dict[str, int] | None:
        """How many rows of each table went. None: nobody said which function removes them."""
        if self.cleaner is None:
            return None
        payload: dict[str, Any] = {}
        for _ in range(PATIENCE):  # a lead that nobody waited for may write between two of its statements
            try:
                answer = self.aws("lambda").invoke(FunctionName=self.cleaner, Payload=REMOVE_TEST_ROWS)
            except (BotoCoreError, ClientError) as error:
                raise StackError(
                    f"{self.cleaner} can't be invoked, so no test rows are removed: {error}"
                ) from error
            payload = json.loads(answer["Payload"].read())
            if "removed" in payload:
                return dict(payload["removed"])
        raise StackError(f"{self.cleaner} did not remove the test rows: {payload.get('errorMessage', payload)}")

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


_HTTP = urllib3.PoolManager(maxsize=16, retries=False, timeout=60)
