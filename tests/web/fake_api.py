"""A stand-in for the deployed API, scripted answer by answer; it can only say what openapi.yaml allows."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from components import openapi
from handlers.shared.contract import Contract

DOCUMENT = openapi.load(Path(__file__).parents[2] / "openapi.yaml")
LEAD_ID = "0d9c1d5e-6f0e-4c2a-9a51-5c1f0e7b7a10"
STAGE = "/_aws/execute-api/abc123/local"


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class Disconnect:
    """Instead of an answer: the connection breaks."""


def accepted() -> Answer:
    body = {"leadId": LEAD_ID, "status": "SUBMITTED"}
    return Answer(status=202, body=body, headers={"Location": f"leads/{LEAD_ID}"})


def refused(status: int, code: str, description: str, **headers: str) -> Answer:
    body = {"statusCode": status, "message": code, "description": description}
    return Answer(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def busy(seconds: int = 1) -> Answer:
    return refused(503, "EVENT_BUS_UNAVAILABLE", "the event bus can't be reached", Retry_After=str(seconds))


def lead_status(status: str, step: str, **more: Any) -> Answer:
    body = {"leadId": LEAD_ID, "status": status, "step": step, "updatedAt": "2026-11-22T10:00:00.000Z", **more}
    return Answer(status=200, body=body)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    content_type: str | None
    body: Any


class FakeApi:
    """`on_submit` and `on_status` take the next answers; the last one repeats."""

    def __init__(self, document: openapi.Document) -> None:
        self._document = document
        self._contract = Contract(openapi.bundle(document, document["components"]["schemas"]))
        self._script: dict[str, list[Answer | Disconnect]] = {"POST": [accepted()], "GET": []}
        self.on_status(lead_status("COMPLETED", "benefit"))
        self.requests: list[Request] = []
        self.open_gate = threading.Event()
        self.open_gate.set()
        self.url = ""

    def on_submit(self, *answers: Answer | Disconnect) -> None:
        self._put("POST", "/leads", answers)

    def on_status(self, *answers: Answer | Disconnect) -> None:
        self._put("GET", "/leads/{leadId}", answers)

    def submissions(self) -> list[Any]:
        return [request.body for request in self.requests if request.method == "POST"]

    def polls(self) -> list[str]:
        return [request.path for request in self.requests if request.method == "GET"]

    def answer(self, request: Request) -> Answer | Disconnect:
        self.requests.append(request)
        self.open_gate.wait(10)
        script = self._script[request.method]
        return script.pop(0) if len(script) > 1 else script[0]

    def _put(self, method: str, path: str, answers: tuple[Answer | Disconnect, ...]) -> None:
        for answer in answers:
            if isinstance(answer, Answer):
                self._hold_to_contract(self._document["paths"][path][method.lower()], answer)
        self._script[method] = list(answers)

    def _hold_to_contract(self, operation: Mapping[str, Any], answer: Answer) -> None:
        response = operation["responses"][str(answer.status)]
        if "$ref" in response:
            response = openapi.resolve(self._document, response["$ref"])
        schema = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        self._contract.validate(schema, dict(answer.body))
        for name, rule in response.get("headers", {}).items():
            if "$ref" in rule:
                rule = openapi.resolve(self._document, rule["$ref"])
            assert re.search(rule["schema"]["pattern"], answer.headers[name]), f"{name}: {answer.headers[name]}"

    @contextmanager
    def running(self) -> Iterator["FakeApi"]:
        with serving(_api_handler(self)) as address:
            self.url = address + STAGE
            yield self
            self.open_gate.set()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A loopback server's address, for as long as the block lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True  # a browser's idle connection must not hold up the end
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(BaseHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        with suppress(ConnectionError):  # the page may be gone before its last poll is answered
            self.end_headers()
            self.wfile.write(body)


def _api_handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(QuietHandler):
        cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Location, Retry-After"}  # noqa: RUF012

        def do_OPTIONS(self) -> None:
            allow = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type"}
            self.send(204, {**self.cors, **allow}, b"")

        def do_GET(self) -> None:
            if self.path != f"{STAGE}/leads/{LEAD_ID}":
                return self._send(refused(404, "NOT_FOUND", "There is no such path."))
            return self._send(api.answer(Request("GET", self.path, None, None)))

        def do_POST(self) -> None:
            if self.path != f"{STAGE}/leads":
                return self._send(refused(404, "NOT_FOUND", "There is no such path."))
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return self._send(api.answer(Request("POST", self.path, self.headers["Content-Type"], body)))

        def _send(self, answer: Answer | Disconnect) -> None:
            if isinstance(answer, Disconnect):
                self.close_connection = True
                return
            headers = {**self.cors, "Content-Type": "application/json", **answer.headers}
            self.send(answer.status, headers, json.dumps(answer.body).encode())

    return Handler
