"""The rows that a run may have inserted, written down before anything can go wrong.

A row is known by its table, its RUT and the lead beside it. A request with a lead id of the run's own, which
nobody else can have, is written down before it is sent; any other when its answer says that it created the row. A
file stays until its rows are removed: the next run removes those of one that was killed.
"""

import fcntl
import hashlib
import json
import os
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from support import rut

ROOT = Path(__file__).parents[2]
# Where the files of runs are, if not in build/test-rows.
FOLDER = "TEST_ROWS_FOLDER"
# The file that this process and those that it starts write to.
FILE = "TEST_ROWS_FILE"
LEAD_HEADER = "X-Lead-Id"
# path -> the table that the operation writes a row of
TABLES = {
    path: path.removeprefix("/create_").upper().replace("CLIENT", "CLIENTS")
    for path in yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))["paths"]
    if path.startswith("/create_")
}
Key = tuple[str, str, str | None]

_RUN = f"{uuid.uuid4().hex}-"


def own(lead_id: str = "") -> str:
    """A lead id of this process's own that ends as the given one does, as far as 64 characters hold it."""
    return _RUN + (lead_id or uuid.uuid4().hex)[-(64 - len(_RUN)) :]


def is_own(lead_id: str | None) -> bool:
    return lead_id is not None and lead_id.startswith(_RUN)


def rows_of_lead(lead_id: str, key: object) -> list[Key]:
    """What the flow writes of a lead under this RUT."""
    return [(table, rut.canonical(str(key)), lead_id) for table in TABLES.values()]


def add(keys: Iterable[Key]) -> None:
    if path := os.environ.get(FILE):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, _lines(keys).encode())
        finally:
            os.close(descriptor)


def sending(path: str, body: object, lead_id: str | None) -> None:
    if path in TABLES and is_own(lead_id) and isinstance(body, dict):
        add([(TABLES[path], rut.canonical(str(body.get("rut"))), lead_id)])


def answered(path: str, body: object, lead_id: str | None, status: int, answer: object) -> None:
    """`answer`: the body as JSON, or None."""
    if not isinstance(body, dict) or not isinstance(answer, Mapping):
        return
    if status == 202 and "leadId" in answer:
        add(rows_of_lead(str(answer["leadId"]), body.get("rut")))
    elif path in TABLES and not is_own(lead_id) and str(answer.get("message")).endswith("_CREATED"):
        add([(TABLES[path], rut.canonical(str(body.get("rut"))), lead_id)])


def leads(keys: Iterable[Key]) -> list[str]:
    """Those that go, or went, through the flow: they have a row in each table, and so more than one key."""
    counted = Counter(lead_id for *_, lead_id in keys if lead_id is not None)
    return [lead_id for lead_id, rows in counted.items() if rows > 1]


def write(path: Path, keys: Iterable[Key]) -> None:
    """These and no others; the file, and the lock on it, stay."""
    path.write_text(_lines(keys), encoding="utf-8")


def _lines(keys: Iterable[Key]) -> str:
    return "".join(json.dumps(key) + "\n" for key in keys)


def read(path: Path) -> list[Key]:
    """Each key once. A line that a crash cut off names no row."""
    found: dict[Key, None] = {}
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            table, key, lead_id = json.loads(line)
            found[table, key, lead_id] = None
    return list(found)


def _folder(url: str) -> Path:
    return (
        Path(os.environ.get(FOLDER, ROOT / "build" / "test-rows")) / hashlib.sha256(url.encode()).hexdigest()[:16]
    )


@contextmanager
def opened(url: str) -> Iterator[int]:
    """A file of this run's own; the descriptor that holds its lock, for the processes that the run starts."""
    folder = _folder(url)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.jsonl"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    before = os.environ.get(FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.environ[FILE] = str(path)
        yield descriptor
    finally:
        if before is None:
            os.environ.pop(FILE, None)
        else:
            os.environ[FILE] = before
        _close(path, descriptor)


def _close(path: Path, descriptor: int) -> None:
    """A file without rows goes while its lock is held."""
    if not os.fstat(descriptor).st_size:
        path.unlink(missing_ok=True)
    os.close(descriptor)


@contextmanager
def left_behind(url: str) -> Iterator[list[Path]]:
    """Files of runs against this API that have ended, or were killed, with rows that nobody removed."""
    held: dict[Path, int] = {}
    try:
        for path in sorted(_folder(url).glob("*.jsonl")):
            descriptor = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)  # a run that goes on
            else:
                held[path] = descriptor
        yield list(held)
    finally:
        for path, descriptor in held.items():
            _close(path, descriptor)
