"""A proxy before the database, for one function: it reads the statements of MySQL's protocol and cuts at them."""

import contextlib
import re
import selectors
import socket
import threading

from tests.faults.http_proxy import HOST
from tests.faults.plan import Do, Gate, Plan, Point
from tests.faults.processes import kill_asking_worker

_HEADER = 4  # three bytes of length, one of sequence
_QUERY = 3
_LAST_VALUE = re.compile(rb"'([A-Za-z0-9_-]{1,64})'\)$")
_GARBAGE = b"\x03\x00\x00\x07\xfe\xff\xff"


class MysqlProxy:
    def __init__(self, host: str, port: int, function: str, plan: Plan) -> None:
        self._upstream = (host, port)
        self._function = function
        self._plan = plan
        self._connections: set[_Connection] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        self._listener = socket.create_server((HOST, self.port), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """The port refuses connections, and those that were open are cut."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut_all()

    def cut_all(self) -> None:
        for connection in list(self._connections):
            connection.cut()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, address = listener.accept()
            except OSError:  # closed
                return
            connection = _Connection(client, address[1], self)
            self._connections.add(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: "_Connection") -> None:
        try:
            connection.run(self._upstream)
        except OSError:  # one of the two sides has ended
            pass
        finally:
            self._connections.discard(connection)
            connection.close()


class _Connection:
    """One client's connection and its lead, which is known from the INSERT to the COMMIT."""

    def __init__(self, client: socket.socket, client_port: int, proxy: MysqlProxy) -> None:
        self._client = client
        self._client_port = client_port
        self._proxy = proxy
        self._server: socket.socket | None = None
        self._lead_id: str | None = None
        self._pending = b""
        self._reaction: Do | None = None
        self._asked: Point | None = None

    def run(self, upstream: tuple[str, int]) -> None:
        self._server = socket.create_connection(upstream, timeout=10)
        self._server.settimeout(None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._client, selectors.EVENT_READ)
            selector.register(self._server, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    if not (self._from_client(data) if key.fileobj is self._client else self._from_server(data)):
                        return

    def cut(self) -> None:
        """May be called by any thread; the connection's own then closes it."""
        for end in (self._client, self._server):
            if end is not None:
                with contextlib.suppress(OSError):  # it has ended already
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        for end in (self._client, self._server):
            if end is not None:
                end.close()

    def _from_client(self, data: bytes) -> bool:
        """Pass whole packets on; False ends the connection."""
        self._pending += data
        while len(self._pending) >= _HEADER:
            end = _HEADER + int.from_bytes(self._pending[:3], "little")
            if len(self._pending) < end:
                break
            packet, self._pending = self._pending[:end], self._pending[end:]
            if not self._packet(packet):
                return False
        return True

    def _packet(self, packet: bytes) -> bool:
        point = self._point(packet)
        if point is not None:
            plan = self._proxy._plan
            plan.ask(point, self._lead_id)
            action = plan.take(point, self._lead_id)
            self._asked = point
            if isinstance(action, Gate):
                action.wait()
            elif action is Do.HANG:
                while self._client.recv(65536):
                    pass
                return False
            elif action in (Do.CUT, Do.KILL):
                if action is Do.KILL:
                    kill_asking_worker(self._client_port, self._proxy.port)
                return False
            elif isinstance(action, Do):
                self._reaction = action
        assert self._server is not None
        self._server.sendall(packet)
        return True

    def _point(self, packet: bytes) -> Point | None:
        if packet[3] != 0 or packet[4] != _QUERY:
            return None
        statement = packet[5:]
        if statement.startswith(b"INSERT"):
            found = _LAST_VALUE.search(statement)
            self._lead_id = found[1].decode() if found else None
            return Point(self._proxy._function, "insert")
        return Point(self._proxy._function, "commit") if statement == b"COMMIT" else None

    def _from_server(self, data: bytes) -> bool:
        reaction, self._reaction = self._reaction, None
        asked, self._asked = self._asked, None
        if asked is not None:
            self._proxy._plan.answer(asked, self._lead_id, 0)
        if reaction is Do.GARBLE:
            self._client.sendall(_GARBAGE)
            return True
        if reaction is Do.KILL_AFTER:
            kill_asking_worker(self._client_port, self._proxy.port)
        if reaction is not None:
            return False
        self._client.sendall(data)
        return True
