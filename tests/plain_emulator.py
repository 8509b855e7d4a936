"""MiniStack without the local cloud's repairs, for tests, behind the local cloud's guard: it runs code, so nobody
but the tests may reach it.

As a program: python -m tests.plain_emulator START_ID, with GATEWAY_PORT and the key pair in the environment.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_cloud.aws_key import AwsKey
from local_cloud.emulator.server import serve_guarded
from local_cloud.emulator_process import START_ID_PATH

ROOT = Path(__file__).parents[1]
HOST = "127.0.0.1"
START_SECONDS = 30
KEY = AwsKey("LBKEYTESTS", secrets.token_hex(16))


@contextmanager
def plain_emulator(folder: Path, **variables: str) -> Iterator[str]:
    """The endpoint; `KEY` opens it. `variables`: further ones of MiniStack."""
    port = _free_port()
    url = f"http://{HOST}:{port}"
    start_id = secrets.token_hex(8)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "GATEWAY_PORT": str(port),
        "AWS_ACCESS_KEY_ID": KEY.id,
        "AWS_SECRET_ACCESS_KEY": KEY.secret,
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(folder),
        "S3_DATA_DIR": str(folder / "s3"),
        **variables,
    }
    log = folder / "emulator.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.plain_emulator", start_id],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while _start_id(url) != start_id:
            assert process.poll() is None, f"the emulator ended at its start:\n{log.read_text()}"
            assert time.monotonic() < deadline, f"the emulator was not ready in time:\n{log.read_text()}"
            time.sleep(0.02)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start_id(url: str) -> str:
    page = url + START_ID_PATH
    try:
        request = urllib.request.Request(page, headers=KEY.signed_headers("GET", page))
        with urllib.request.urlopen(request, timeout=2) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(serve_guarded(int(os.environ["GATEWAY_PORT"]), sys.argv[1]))
