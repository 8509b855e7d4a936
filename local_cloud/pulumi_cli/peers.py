"""Who is at the other end of a loopback connection: a port is open to every user of the machine."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from local_cloud.home import HOST

CONNECTIONS = Path("/proc/net/tcp")
CONNECTIONS_6 = Path("/proc/net/tcp6")  # a socket of IPv6 speaks IPv4, too
_ESTABLISHED = "01"


class OwnUserOnly(grpc.ServerInterceptor):  # type: ignore[misc]
    """Refuses what another user asks. Where there is no CONNECTIONS (Linux has it) it can't tell, and serves."""

    def intercept_service(self, continuation: Callable[[Any], Any], call: Any) -> Any:
        handler = continuation(call)
        if handler is None:
            return None

        def guarded(serve: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
            def checked(request: Any, context: Any) -> Any:
                if not is_of_own_user(context.peer()):
                    context.abort(grpc.StatusCode.PERMISSION_DENIED, "this plugin serves the user who started it")
                return serve(request, context)

            return checked

        served = {name: guarded(serve) for name in _KINDS if (serve := getattr(handler, name))}
        return handler._replace(**served)


_KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


def is_of_own_user(peer: str) -> bool:
    """`peer`: as gRPC writes it, `ipv4:127.0.0.1:43210`."""
    if not CONNECTIONS.exists():
        return True
    family, _, port = peer.partition(f":{HOST}:")
    if family != "ipv4" or not port.isdigit():
        return False
    address = f"{int.from_bytes(socket.inet_aton(HOST), sys.byteorder):08X}"  # as the kernel prints it
    mapped = f"{0:016X}{int.from_bytes(bytes.fromhex('0000ffff'), sys.byteorder):08X}{address}"
    end = f":{int(port):04X}"
    for table, start in ((CONNECTIONS, address), (CONNECTIONS_6, mapped)):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            _, local, _, state, _, _, _, user, *_ = line.split()
            if local == start + end and state == _ESTABLISHED:
                return int(user) == os.getuid()
    return False
