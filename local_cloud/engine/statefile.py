"""The files that hold a state: Pulumi's deployment JSON, and a journal of what happened since it was written.

An operation appends one line to the journal; the JSON is rewritten once, at the end. Replaying a journal over
a state that already has its changes gives the same state, so no moment of a crash loses or repeats one.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import StateCorrupt
from .signatures import SECRET, SIGNATURE
from .urn import STACK_TYPE

Document = dict[str, Any]

ENGINE_VERSION = "v3.272.0"
"""The Pulumi version whose state format this is; the CLI wants one in the manifest."""


@dataclass
class Contents:
    """Resources by key (see Resource.key) and operations that began and have not ended, by URN."""

    resources: dict[str, Document] = field(default_factory=dict)
    pending: dict[str, Document] = field(default_factory=dict)
    journaled: bool = False

    def apply(self, entry: Mapping[str, Any]) -> None:
        for key in entry.get("drop", ()):
            self.resources.pop(key, None)
        for document in entry.get("put", ()):
            self.resources[key_of(document)] = document
        for urn in entry.get("end", ()):
            self.pending.pop(urn, None)
        if begun := entry.get("begin"):
            self.pending[begun["resource"]["urn"]] = begun


def key_of(document: Document) -> str:
    return f"{document['urn']}#{document.get('id', '')}" if document.get("delete") else str(document["urn"])


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")


def journal_path(state_path: Path) -> Path:
    return state_path.with_name(state_path.name + ".journal")


def read(state_path: Path) -> Contents:
    """Raises StateCorrupt."""
    contents = Contents()
    try:
        text = state_path.read_text()
    except FileNotFoundError:
        text = ""
    if text:
        try:
            document = json.loads(text)
            version, deployment = document["version"], document["deployment"] or {}
        except (ValueError, TypeError, KeyError) as error:
            raise StateCorrupt(f"{state_path}: not a Pulumi deployment ({error}); restore or remove it") from error
        if version != 3:
            raise StateCorrupt(f"{state_path}: deployment version {version}; this engine reads version 3")
        contents.resources = {key_of(resource): resource for resource in deployment.get("resources") or ()}
        operations = deployment.get("pending_operations") or ()
        contents.pending = {operation["resource"]["urn"]: operation for operation in operations}
    _replay(journal_path(state_path), contents)
    return contents


def _replay(path: Path, contents: Contents) -> None:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    contents.journaled = True
    # What follows the last newline is a line whose writer died in the middle of it.
    for number, line in enumerate(lines[:-1], start=1):
        try:
            contents.apply(json.loads(line))
        except (ValueError, TypeError, KeyError) as error:
            raise StateCorrupt(f"{path}, line {number}: {error}; restore or remove it") from error


def write(state_path: Path, resources: Iterable[Document], pending: Iterable[Document]) -> None:
    """Replaces the state and removes the journal."""
    manifest = {
        "time": now(),
        "magic": hashlib.sha256(ENGINE_VERSION.encode()).hexdigest(),
        "version": ENGINE_VERSION,
    }
    deployment: Document = {"manifest": manifest, "resources": list(resources), "metadata": {}}
    if operations := list(pending):
        deployment["pending_operations"] = operations
    state_path.parent.mkdir(parents=True, exist_ok=True)
    temporary = state_path.with_name(state_path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump({"version": 3, "deployment": deployment}, file, indent=4)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(state_path)
    journal_path(state_path).unlink(missing_ok=True)


class Journal:
    """Appends entries to the journal; created with the first of them."""

    def __init__(self, state_path: Path) -> None:
        self._path = journal_path(state_path)
        self._descriptor: int | None = None

    @property
    def is_empty(self) -> bool:
        return self._descriptor is None

    def append(self, entry: Mapping[str, Any]) -> None:
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def read_outputs(state_path: Path) -> dict[str, Any]:
    """The stack's outputs, plain, secrets included; {} when there are none."""
    for document in read(Path(state_path)).resources.values():
        if document.get("type") == STACK_TYPE:
            return {key: _plain(value) for key, value in document.get("outputs", {}).items()}
    return {}


def interrupted_creates(state_path: Path) -> tuple[str, ...]:
    """URNs of resources whose creation began and was never recorded, since the engine was killed meanwhile."""
    pending = read(Path(state_path)).pending
    return tuple(urn for urn, operation in pending.items() if operation.get("type") == "creating")


def _plain(form: Any) -> Any:
    if isinstance(form, list):
        return [_plain(item) for item in form]
    if not isinstance(form, dict):
        return form
    if form.get(SIGNATURE) == SECRET and "plaintext" in form:
        return _plain(json.loads(form["plaintext"]))
    return {key: _plain(item) for key, item in form.items()}
