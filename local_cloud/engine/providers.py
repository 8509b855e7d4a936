"""Providers as resources of the stack: the default one of each package and version, and explicit ones."""

from __future__ import annotations

import re
import threading
import uuid
from dataclasses import replace

from .errors import EngineError
from .goal import Goal
from .provider import Properties
from .resource import PROVIDER_PREFIX, Resource
from .run import Run
from .settle import settle
from .signatures import UNKNOWN_TEXT
from .values import changed_names


class ProviderResources:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()

    def reference(self, goal_provider: str, package: str, version: str) -> str:
        """The provider that serves a resource or a function: URN::id."""
        if not goal_provider:
            return self._default(package, version)
        urn = goal_provider.rpartition("::")[0]
        if urn not in self._run.registered:
            raise EngineError(f"provider {urn} is used before the program registers it")
        return goal_provider

    def register(self, goal: Goal, urn: str) -> Resource:
        inputs = dict(goal.inputs)
        if goal.version:
            inputs["version"] = goal.version
        wanted = Resource(
            urn=urn,
            type=goal.type,
            custom=True,
            parent=goal.parent,
            dependencies=tuple(sorted(goal.dependencies)),
            property_dependencies=goal.property_dependencies,
            protect=goal.protect,
        )
        return self._put(wanted, inputs)

    def _default(self, package: str, version: str) -> str:
        suffix = "_" + re.sub(r"[.+-]", "_", version) if version else ""
        goal = Goal(type=PROVIDER_PREFIX + package, name="default" + suffix, custom=True)
        urn = self._run.urn(goal)
        with self._lock:
            resource = self._run.registered.get(urn)
            if resource is None:
                prefix = package + ":"
                config = self._run.stack.config.items()
                inputs: Properties = {
                    key.removeprefix(prefix): value for key, value in config if key.startswith(prefix)
                }
                if version:
                    inputs["version"] = version
                self._run.claim(urn)
                resource = self._put(Resource(urn=urn, type=goal.type, custom=True), inputs)
        return f"{urn}::{resource.id or UNKNOWN_TEXT}"

    def _put(self, wanted: Resource, inputs: Properties) -> Resource:
        old = self._run.state.live(wanted.urn)
        id_ = old.id if old else "" if self._run.preview else str(uuid.uuid4())
        new = replace(wanted, id=id_, inputs=inputs, outputs=dict(inputs))
        op = "create" if old is None else "update" if changed_names(old.inputs, inputs) else "same"
        return settle(self._run, op, new, old)
