"""The folder in which one local cloud keeps everything it has: ports, processes, data, logs, state."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import random
import re
import secrets
import socket
import threading
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_cloud import ownership
from local_cloud.aws_key import AwsKey
from local_cloud.errors import HomeLocked, LocalCloudError, Unusable
from local_cloud.ownership import LOCK, MARKER

REPOSITORY = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
# Below the range from which Linux (32768) and macOS (49152) take ports for outgoing connections,
# so that a kept port is not lost to one while its server is down.
PORTS = range(20_000, 32_000)

# Servers of one home are started at the same moment; a port is chosen and written down by one at a time.
_choosing_port = threading.Lock()

_AWS_SECRET_KEY = "aws-secret-access-key"  # noqa: S105 (the name of the file that holds it)

PULUMI_CLI = "pulumi"
"""The record of a running Pulumi CLI; it is there only while one runs."""

STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")

# What the local cloud makes in a home, and so all that it ever deletes there.
_FOLDERS_AT_ONCE = ("logs", "state", "tmp", "secrets", "run")
_FOLDERS = (*_FOLDERS_AT_ONCE, "data", "pulumi")
_FILES = ("ports.json",)


class Home:
    """One local cloud's folder. Every folder in it is 0700 and every secret 0600.

    Raises LocalCloudError for a path that no home can have.
    """

    def __init__(self, path: Path) -> None:
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in str(path.absolute())):
            raise Unusable(
                f"{str(path.absolute())!r} can't be a local cloud's folder: it has a line break or another control"
                " character in its name, or is not UTF-8. Use another."
            )
        try:
            self.path = path.resolve()
        except (OSError, RuntimeError) as error:
            raise Unusable(f"{path} leads nowhere ({error}). Give --home another folder.") from error

    @classmethod
    def of_stack(cls, stack: str, root: Path = REPOSITORY) -> Home:
        """Raises LocalCloudError for what can't be a stack's name."""
        check_stack_name(stack)
        return cls(root / ".leadbridge" / stack)

    @property
    def marker(self) -> str:
        """A word in the command line of every process of this home, by which a stray one is found."""
        return "leadbridge-" + hashlib.sha256(str(self.path).encode()).hexdigest()[:16]

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def state_file(self) -> Path:
        return self.path / "state" / "stack.json"

    @property
    def deployed_on(self) -> Path:
        """The start id of the emulator that holds what the state file describes."""
        return self.path / "state" / "deployed-on"

    @property
    def pulumi(self) -> Path:
        """What the Pulumi CLI keeps, where it is the engine."""
        return self.path / "pulumi"

    @property
    def unfinished(self) -> Path:
        """There while the Pulumi CLI deploys; found later, it was killed."""
        return self.pulumi / "unfinished"

    def log(self, service: str) -> Path:
        return self.path / "logs" / f"{service}.log"

    def tmp(self, service: str) -> Path:
        return self.path / "tmp" / service

    def record(self, service: str) -> Path:
        return self.path / "run" / f"{service}.json"

    def secret(self, name: str) -> Path:
        return self.path / "secrets" / name

    @property
    def certificate(self) -> Path:
        """The local database's, and the authority to verify it by."""
        return self.secret("database-certificate.pem")

    @property
    def certificate_key(self) -> Path:
        return self.secret("database-certificate.key")

    def exists(self) -> bool:
        """Whether the folder is a home. Raises LocalCloudError for one with the marker of another."""
        return ownership.read_marker(self.path) is not None or self._is_of_previous_release()

    def _is_of_previous_release(self) -> bool:
        from local_cloud.processes import Process  # late, since it imports this module

        if not ownership.is_of_previous_release(self.path, self.marker):
            return False
        # In a copy, what runs belongs to the folder that it was copied from.
        own = (self.marker, f"--defaults-file={self.path / 'run' / 'mariadb.cnf'}")
        processes = [Process.load(self.record(service)) for service in ("cloud", "database")]
        return not any(process and process.marker not in own and process.is_alive() for process in processes)

    def create(self) -> None:
        """Make the folder, or complete it. Raises LocalCloudError for one that is somebody else's."""
        try:
            if ownership.read_marker(self.path) is None:
                write_private(self.path / MARKER, self._new_marker().text())
            self.path.chmod(0o700)
            self.refuse_strangers()
            for name in _FOLDERS_AT_ONCE:
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise LocalCloudError(
                f"The folder {self.path} can't be used: {error.strerror or error}. "
                "Give --home a folder that you may write to."
            ) from error

    def _new_marker(self) -> ownership.Marker:
        if self._is_of_previous_release():  # whose `down` deleted the folder of every home
            return ownership.marker_of(self.path, folder_made=True)
        return ownership.take(self.path, REPOSITORY, lambda parent: Home(parent).exists())

    def refuse_strangers(self) -> None:
        """Raises LocalCloudError when an entry of the home is a link, a mount or otherwise not what was made."""
        ownership.refuse_strangers(self.path, _FOLDERS, (*_FILES, LOCK, MARKER))

    def clear_tmp(self, service: str = "") -> None:
        ownership.delete_tree(self.path / "tmp" / service)

    def remove(self) -> None:
        """Delete what the local cloud made: the folder itself only if it did, and when nothing else is in it."""
        marker = ownership.read_marker(self.path)
        if marker is None:
            return
        self.refuse_strangers()
        for name in _FOLDERS:
            ownership.delete_tree(self.path / name)
        try:
            for name in (*_FILES, MARKER, LOCK):  # the lock last: whoever waits for it finds no marker any more
                for entry in self.path.iterdir():
                    if entry.name == name or ownership.draft_of(name).fullmatch(entry.name):
                        entry.unlink()
            if not marker.folder_made:
                self.path.chmod(marker.mode)
            elif not any(self.path.iterdir()):
                self.path.rmdir()
        except OSError as error:
            raise LocalCloudError(f"{error.filename} can't be deleted: {error.strerror or error}.") from error

    def port(self, service: str) -> int:
        """The service's port: the one it had before while that is free, else a free one, kept for next time."""
        kept = self.ports().get(service)
        if kept is not None and is_free(kept):
            return kept
        return self.new_port(service)

    def new_port(self, service: str) -> int:
        with _choosing_port:
            ports = self.ports()
            taken = set(ports.values())
            for port in random.sample(PORTS, k=len(PORTS)):
                if port not in taken and is_free(port):
                    write_private(self.path / "ports.json", json.dumps(ports | {service: port}, indent=2) + "\n")
                    return port
        raise LocalCloudError(f"No free port on {HOST} between {PORTS.start} and {PORTS.stop - 1}: free one.")

    def ports(self) -> dict[str, int]:
        path = self.path / "ports.json"
        try:
            return {name: int(port) for name, port in json.loads(path.read_text()).items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError) as error:
            raise LocalCloudError(
                f"{path} is not JSON of ports ({error}). Delete it: new ones are chosen."
            ) from error

    def generated_secret(self, name: str) -> str:
        """A random secret, made at first use and kept, readable by the owner only."""
        path = self.secret(name)
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    def aws_key(self) -> AwsKey:
        """The key pair to the emulator, made at first use and kept. Its id can't be mistaken for one of AWS."""
        key_id = self.generated_secret("aws-access-key-id").replace("-", "0").replace("_", "1")
        return AwsKey(f"LBKEY{key_id}", self.generated_secret(_AWS_SECRET_KEY))

    def has_aws_key(self) -> bool:
        return self.secret(_AWS_SECRET_KEY).exists()

    @contextlib.contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold the folder for one command. The lock dies with its process.

        Raises HomeLocked, which names the command that holds it.
        """
        handle = self._lock_file(command)
        try:
            yield
        finally:
            os.close(handle)

    def _lock_file(self, command: str) -> int:
        path = self.path / LOCK
        while True:
            self.create()
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:
                continue  # a `down` deleted the folder in between
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(handle, 1000, 0).decode(errors="replace").strip() or "another command"
                os.close(handle)
                raise HomeLocked(
                    f"{self.path} is in use by {holder}. Wait until it ends, or give --home another folder."
                ) from None
            if _is_same_file(handle, path):
                break
            os.close(handle)  # a `down` deleted the folder in between
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"`{command}` (process {os.getpid()}, since {time.strftime('%H:%M:%S')})\n".encode(), 0)
        return handle


def check_stack_name(stack: str) -> None:
    """Pulumi's own rule, which also keeps a name from leading out of the folder that is named after it."""
    if not STACK_NAME.fullmatch(stack) or stack in (".", ".."):
        raise Unusable(
            f"{stack!r} can't be a stack's name: use up to 100 letters, digits, hyphens, underscores and periods,"
            " but not . or .."
        )


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """The file's JSON object; None when there is none, or it is not one."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _is_same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
