"""A loopback proxy before the deployed API: it keeps what passes, and answers itself where a test says so."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3
from consumer.expectations import retry_after
from consumer.independent import Request, Response

# What the answer's own connection decides.
_HOP_BY_HOP = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}


class Break(Response):
    """Instead of an answer: the connection ends."""


def message(status: int, **headers: str) -> Response:
    """An answer in the contract's shape, with text that stands for what a person must not find elsewhere."""
    body = {"statusCode": status, "message": f"SAID_{status}", "description": "Said by the test."}
    return answer(status, body, **retry_after(status, seconds=1), **headers)


def answer(status: int, body: Any, **headers: str) -> Response:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Response(
        status=status, headers={"content-type": "application/json", **named}, body=json.dumps(body).encode()
    )


@dataclass(frozen=True)
class Exchange:
    """`response` came from the API, or from the test where `scripted`."""

    request: Request
    response: Response
    scripted: bool


Matches = Callable[[Request], bool]


class RecordingProxy:
    def __init__(self, upstream: str) -> None:
        self.exchanges: list[Exchange] = []
        self.url = ""
        self._upstream = upstream
        self._scripts: list[tuple[Matches, list[Response]]] = []
        self._lock = threading.Lock()
        self._http = urllib3.PoolManager(maxsize=16, retries=False, timeout=60)

    def script(self, matches: Matches, *responses: Response) -> None:
        """Answer the next matching requests with these, and leave those after them to the API."""
        with self._lock:
            self._scripts.append((matches, list(responses)))

    def forget(self) -> None:
        """Answer nothing itself any more."""
        with self._lock:
            self._scripts.clear()

    def requests(self, matches: Matches) -> list[Request]:
        return [each.request for each in self.exchanges if matches(each.request)]

    @contextmanager
    def running(self) -> Iterator["RecordingProxy"]:
        with ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)) as server:
            server.daemon_threads = True
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()
                self._http.clear()

    def pass_on(self, request: Request) -> Response:
        scripted = self._scripted(request)
        response = scripted or self._ask(request)
        self.exchanges.append(Exchange(request, response, scripted is not None))
        return response

    def _scripted(self, request: Request) -> Response | None:
        with self._lock:
            for matches, responses in self._scripts:
                if responses and matches(request):
                    return responses.pop(0)
        return None

    def _ask(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "connection")}
        answered = self._http.request(
            request.method, self._upstream + request.path, body=request.body, headers=headers, redirect=False
        )
        return Response(status=answered.status, headers=_lower(answered.headers), body=answered.data)


def _lower(headers: Any) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _handler(proxy: RecordingProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(method=self.command, path=self.path, headers=_lower(self.headers), body=body)
            response = proxy.pass_on(request)
            if isinstance(response, Break):
                self.close_connection = True
                return
            self.send_response(response.status)
            for name, value in {"access-control-allow-origin": "*", **response.headers}.items():
                if name not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(response.body)))
            with suppress(ConnectionError):  # the page may be gone before its last poll is answered
                self.end_headers()
                self.wfile.write(response.body)

        do_GET = do_POST = do_OPTIONS = _serve  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            """Silent."""

    return Handler
