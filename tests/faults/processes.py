"""Which process holds the other end of a loopback connection, and its end."""

import os
import signal
from pathlib import Path

LAMBDA_WORKER = b"lambda_bootstrap.py"


def kill_asking_worker(client_port: int, server_port: int) -> None:
    """kill -9 of the function's process that is connected from `client_port` to the proxy's `server_port`."""
    inode = _inode(client_port, server_port)
    for process in Path("/proc").glob("[0-9]*"):
        if _holds(process, inode):
            os.kill(int(process.name), signal.SIGKILL)
            return
    raise ProcessLookupError(f"no worker of a function is connected from port {client_port}")


def _inode(client_port: int, server_port: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ports = [int(fields[column].rpartition(":")[2], 16) for column in (1, 2)]
        if ports == [client_port, server_port]:
            return f"socket:[{fields[9]}]"
    raise ProcessLookupError(f"nothing is connected from port {client_port} to {server_port}")


def _holds(process: Path, inode: str) -> bool:
    try:
        if LAMBDA_WORKER not in (process / "cmdline").read_bytes():
            return False
        return any(os.readlink(link) == inode for link in (process / "fd").iterdir())
    except OSError:  # it has ended meanwhile
        return False
