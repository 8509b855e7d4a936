"""The real servers that the handlers are tested against: on the loopback interface, each in its own folder."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql

START_SECONDS = 20
HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        assert process.poll() is None, f"{log.name}: ended with {process.returncode}\n{log.read_text()[-2000:]}"
        assert time.monotonic() < deadline, (
            f"{log.name}: not ready in {START_SECONDS} s\n{log.read_text()[-2000:]}"
        )
        time.sleep(0.02)


class MariaDb:
    """A MariaDB server with an empty data folder, TLS for whoever asks for it, and a root without a password."""

    port: int

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate = folder / "server.pem"
        self._process: subprocess.Popen[bytes] | None = None
        self._make_certificate()
        subprocess.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={folder / 'data'}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
                "--innodb-log-file-size=8M",
                *self._as_root(),
            ],
            check=True,
            capture_output=True,
        )
        self.port = free_port()

    def start(self) -> None:
        log = self._folder / "mariadb.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    "/usr/sbin/mariadbd",
                    "--no-defaults",
                    f"--datadir={self._folder / 'data'}",
                    "--socket=mariadb.sock",
                    "--skip-networking=0",
                    f"--bind-address={HOST}",
                    f"--port={self.port}",
                    "--skip-name-resolve",
                    "--character-set-server=utf8mb4",
                    "--performance-schema=OFF",
                    "--innodb-log-file-size=8M",
                    "--innodb-buffer-pool-size=16M",
                    "--innodb-flush-log-at-trx-commit=0",
                    f"--ssl-cert={self.certificate}",
                    f"--ssl-key={self._folder / 'server.key'}",
                    *self._as_root(),
                ],
                stdout=output,
                stderr=output,
            )
        wait_until(self._answers, self._process, log)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server accepts connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def connect(self, user: str = "root", password: str = "", database: str | None = None) -> Any:
        return pymysql.connect(
            host=HOST,
            port=self.port,
            user=user,
            password=password.encode(),
            database=database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=2,
            ssl_disabled=True,
        )

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """One statement as root."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except pymysql.MySQLError:
            return False
        return True

    def _make_certificate(self) -> None:
        subject = ["-subj", "/CN=leadbridge", "-addext", f"subjectAltName=IP:{HOST}"]
        files = ["-keyout", str(self._folder / "server.key"), "-out", str(self.certificate)]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
        subprocess.run(command, check=True, capture_output=True)

    @staticmethod
    def _as_root() -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []
