"""A loopback HTTP server whose answers a test writes: the CRM API, or an AWS service that misbehaves."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.handlers.servers import HOST


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    """`hold`: say nothing until the server stops. `cut`: close the connection after half of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: bool = False
    cut: bool = False

    @classmethod
    def json(cls, status: int, body: object, **headers: str) -> "Reply":
        return cls(
            status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json", **headers}
        )


class ScriptedServer:
    """Gives the replies in turn, the last one again and again, and keeps the requests."""

    def __init__(self, replies: list[Reply]) -> None:
        self.requests: list[Request] = []
        self._replies = replies
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer((HOST, 0), self._handler_class())
        self.url = f"http://{HOST}:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["ScriptedServer"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _next(self, request: Request) -> Reply:
        self.requests.append(request)
        return self._replies[min(len(self.requests), len(self._replies)) - 1]

    def _handler_class(script) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(method=self.command, path=self.path, headers=headers, body=body)
                reply = script._next(request)
                if reply.hold:
                    script._stopping.wait(30)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
                self.close_connection = True

            do_GET = do_POST = do_PATCH = _answer  # noqa: N815

            def log_message(self, *_arguments: Any) -> None:
                """Silent."""

        return Handler
