"""A proxy before one HTTP server, for one function: passes everything on but what the plan says."""

import http.server
import re
import socket
import threading
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import urllib3

from tests.faults.plan import Do, Gate, Plan, Point, Status
from tests.faults.processes import kill_asking_worker

HOST = "127.0.0.1"
_LEAD_ID = re.compile(r'leadId"\s*:\s*(?:\{"S":\s*)?"([A-Za-z0-9_-]{1,64})"')
# Not `host`: the caller has signed it.
_OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_TARGETS = {"DynamoDB": "table", "AWSEvents": "bus", "secretsmanager": "secret"}


class HttpProxy:
    """`url`: what the function gets instead of the server's. `service`: None for AWS, which the request names."""

    def __init__(self, upstream: str, function: str, plan: Plan, service: str | None = None) -> None:
        self._upstream = urlsplit(upstream)
        self._function = function
        self._plan = plan
        self._service = service
        self._pool = urllib3.PoolManager(maxsize=64, retries=False, timeout=120)
        self._server: _Server | None = None
        self.port = 0
        self.open()

    @property
    def url(self) -> str:
        return self._upstream._replace(netloc=f"{HOST}:{self.port}").geturl()

    def open(self) -> None:
        self._server = _Server((HOST, self.port), self._handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """The port refuses connections, and those that were open are cut."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut_all()
            self._server = None

    def _point(self, headers: Any, body: bytes) -> Point:
        service = self._service
        if service is None:
            target = str(headers.get("X-Amz-Target", "")).partition("_")[0].partition(".")[0]
            service = _TARGETS.get(target, "topic" if b"Action=Publish" in body else "other")
        return Point(self._function, service)

    def _forward(self, method: str, path: str, headers: Any, body: bytes) -> urllib3.BaseHTTPResponse:
        kept = {name: value for name, value in headers.items() if name.lower() not in _OF_A_CONNECTION}
        url = f"{self._upstream.scheme}://{self._upstream.netloc}{path}"
        return self._pool.request(method, url, body=body, headers=kept, redirect=False, decode_content=False)

    def _handler(proxy) -> type[http.server.BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                point = proxy._point(self.headers, body)
                lead_id = lead_of(self.headers, body)
                proxy._plan.ask(point, lead_id)
                action = proxy._plan.take(point, lead_id)
                if isinstance(action, Gate):
                    action.wait()
                if isinstance(action, Status):
                    self._answer(action.code, {}, b"<html>injected</html>")
                    proxy._plan.answer(point, lead_id, action.code)
                elif action is Do.HANG:
                    self._until_the_caller_gives_up()
                elif action in (Do.CUT, Do.KILL):
                    self._end(action)
                else:
                    self._pass_on(point, lead_id, body, action)

            def _pass_on(self, point: Point, lead_id: str | None, body: bytes, action: Any) -> None:
                try:
                    answer = proxy._forward(self.command, self.path, self.headers, body)
                except urllib3.exceptions.HTTPError:
                    self._end(Do.CUT)
                    return
                if action in (Do.CUT_AFTER, Do.KILL_AFTER):
                    self._end(action)
                else:
                    data = b"\x00{not json" if action is Do.GARBLE else answer.data
                    self._answer(answer.status, answer.headers, data)
                proxy._plan.answer(point, lead_id, answer.status)

            def _answer(self, status: int, headers: Any, body: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in _OF_A_CONNECTION:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _end(self, action: Do) -> None:
                self.close_connection = True
                if action in (Do.KILL, Do.KILL_AFTER):
                    kill_asking_worker(self.client_address[1], proxy.port)
                elif action is Do.CUT_AFTER:  # in the middle of the answer
                    self.wfile.write(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
                    )
                    self.wfile.flush()

            def _until_the_caller_gives_up(self) -> None:
                self.close_connection = True
                while self.connection.recv(1):
                    pass

            do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

            def log_message(self, *_arguments: Any) -> None:
                """Silent."""

        return Handler


def lead_of(headers: Any, body: bytes) -> str | None:
    """The lead that a request names: in its header, or as a member of its body, however often quoted."""
    if headers.get("x-lead-id"):
        return str(headers["x-lead-id"])
    found = _LEAD_ID.search(unquote_plus(body.decode(errors="replace")).replace("\\", ""))
    return found[1] if found else None


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        for request in list(self._open):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended meanwhile
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed or gave up is what this proxy is for."""
