"""What a stack consists of, kept in memory and, unless it is a preview's, in its files."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from . import statefile
from .resource import Resource


class State:
    """Safe to use from several threads."""

    def __init__(self, path: Path, root: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()
        contents = statefile.read(path)
        self._resources = {key: Resource.from_json(doc, root) for key, doc in contents.resources.items()}
        self.interrupted = tuple(
            (str(operation["type"]), str(operation["resource"]["urn"])) for operation in contents.pending.values()
        )
        """(kind, URN) of the operations that an earlier deployment began and nobody saw end."""
        self._pending = dict(contents.pending)
        self._journal = None if read_only else statefile.Journal(path)
        if contents.journaled and not read_only:
            self._write()

    def live(self, urn: str) -> Resource | None:
        """The resource with this URN that is not merely waiting for its deletion."""
        with self._lock:
            return self._resources.get(urn)

    def all(self) -> tuple[Resource, ...]:
        with self._lock:
            return tuple(self._resources.values())

    def begin(self, kind: str, resource: Resource) -> None:
        """`kind` as Pulumi calls it: creating, updating or deleting."""
        self._record({"begin": {"resource": resource.to_json(), "type": kind}})

    def abandon(self, urn: str) -> None:
        """The operation that had begun ended without a change."""
        self._record({"end": [urn]})

    def forget_interrupted(self) -> None:
        if urns := [urn for _, urn in self.interrupted]:
            self._record({"end": urns})

    def put(self, *resources: Resource) -> None:
        """Records them as they are now, and that what had begun on them has ended."""
        changed = [resource for resource in resources if self.live(resource.key) != resource]
        entry: dict[str, object] = {}
        if changed:
            entry["put"] = [resource.to_json() for resource in changed]
        if ended := [resource.urn for resource in resources if resource.urn in self._pending]:
            entry["end"] = list(ended)
        if entry:
            self._record(entry, put=changed)

    def drop(self, *resources: Resource) -> None:
        keys = [resource.key for resource in resources]
        self._record({"drop": keys, "end": [resource.urn for resource in resources]}, drop=keys)

    def close(self) -> None:
        """Folds the journal into the state."""
        if self._journal is None:
            return
        if not self._journal.is_empty:
            self._write()
        self._journal.close()

    def _record(self, entry: dict[str, object], put: Iterable[Resource] = (), drop: Iterable[str] = ()) -> None:
        with self._lock:
            if self._journal is not None:
                self._journal.append(entry)
            ended = entry.get("end")
            for urn in ended if isinstance(ended, list) else ():
                self._pending.pop(urn, None)
            begun = entry.get("begin")
            if isinstance(begun, dict):
                self._pending[begun["resource"]["urn"]] = begun
            for key in drop:
                self._resources.pop(key, None)
            for resource in put:
                self._resources[resource.key] = resource

    def _write(self) -> None:
        ordered = in_dependency_order(self._resources.values())
        statefile.write(self._path, (resource.to_json() for resource in ordered), self._pending.values())


def in_dependency_order(resources: Iterable[Resource]) -> list[Resource]:
    """Each after what it needs, as the Pulumi CLI wants them; references to what no longer exists are dropped."""
    by_urn: dict[str, list[Resource]] = {}
    for resource in resources:
        by_urn.setdefault(resource.urn, []).append(resource)
    ordered: list[Resource] = []
    visited: set[str] = set()

    def visit(urn: str) -> None:
        if urn not in visited and urn in by_urn:
            visited.add(urn)
            for resource in by_urn[urn]:
                for needed in sorted(resource.needs()):
                    visit(needed)
            ordered.extend(by_urn[urn])

    for urn in list(by_urn):
        visit(urn)
    return [_without_dangling(resource, by_urn) for resource in ordered]


def _without_dangling(resource: Resource, by_urn: dict[str, list[Resource]]) -> Resource:
    if all(urn in by_urn for urn in resource.needs()):
        return resource
    dependencies = tuple(urn for urn in resource.dependencies if urn in by_urn)
    property_dependencies = {
        key: tuple(urn for urn in urns if urn in by_urn) for key, urns in resource.property_dependencies.items()
    }
    deleted_with = resource.deleted_with if resource.deleted_with in by_urn else ""
    return replace(
        resource,
        dependencies=dependencies,
        property_dependencies=property_dependencies,
        deleted_with=deleted_with,
    )
