"""An in-memory cloud behind the Provider protocol, a reporter that remembers, and small programs to deploy."""

from __future__ import annotations

import json
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local_cloud.engine import UNKNOWN, CheckFailed, Diff, Engine, Properties, ProviderError, Stack

PRELUDE = """\
import pulumi

class Thing(pulumi.CustomResource):
    def __init__(self, logical_name, /, opts=None, **props):
        outputs = dict.fromkeys(("arn", "name", "secretToken", "version"))
        super().__init__("fake:index:Thing", logical_name, {**outputs, **props}, opts)

class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("test:index:Group", name, {}, opts)

"""


class FakeCloud:
    """Implements Provider. `kind` and `name` force a replacement; `fixed` asks for delete-before-replace."""

    def __init__(self, file: Path | None = None) -> None:
        self.things: dict[str, Properties] = {}
        self.calls: list[tuple[str, str]] = []
        self.faults: dict[tuple[str, str], Exception] = {}
        self.during: Callable[[str, str], None] = lambda operation, name: None
        self.answers: dict[str, Properties] = {}
        self.busiest = 0
        self.arguments: dict[tuple[str, str], Any] = {}
        self._busy = 0
        self._count = 0
        self._file = file
        self._lock = threading.Lock()
        if file is not None and file.exists():
            self.things = json.loads(file.read_text())
            self._count = max((int(id_.removeprefix("id-")) for id_ in self.things), default=0)

    def names(self) -> set[str]:
        return {str(thing["name"]) for thing in self.things.values()}

    def operations(self, *kinds: str) -> list[tuple[str, str]]:
        wanted = kinds or ("create", "update", "delete")
        return [call for call in self.calls if call[0] in wanted]

    def _enter(self, operation: str, name: str, arguments: Any = None) -> None:
        with self._lock:
            self.calls.append((operation, name))
            self.arguments[operation, name] = arguments
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        try:
            self.during(operation, name)
            if (operation, name) in self.faults:
                raise self.faults[operation, name]
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        with self._lock:
            self._busy -= 1
            if self._file is not None:
                self._file.write_text(json.dumps(self.things))

    def check(self, type_: str, urn: str, old: Properties | None, new: Properties) -> Properties:
        logical = urn.rsplit("::", 1)[1]
        self._enter("check", logical, new)
        try:
            if isinstance(new.get("size"), int) and new["size"] < 0:
                raise CheckFailed(f"size is {new['size']}; it must not be negative")
            if "name" in new:
                return new
            if old and "name" in old:
                return {**new, "name": old["name"]}
            return {**new, "name": f"{logical}-{time.perf_counter_ns():x}"}
        finally:
            self._leave()

    def diff(self, type_: str, old_inputs: Properties, old_outputs: Properties, new: Properties) -> Diff:
        changed = tuple(
            sorted(
                key
                for key in {*old_inputs, *new}
                if old_inputs.get(key) != new.get(key) or new.get(key) is UNKNOWN
            )
        )
        replace = tuple(key for key in changed if key in ("kind", "name"))
        return Diff(changed=changed, replace=replace, delete_before_replace=bool(new.get("fixed")))

    def create(self, type_: str, urn: str, inputs: Properties) -> tuple[str, Properties]:
        logical = urn.rsplit("::", 1)[1]
        self._enter("create", logical, inputs)
        try:
            with self._lock:
                if inputs["name"] in self.names():
                    raise ProviderError(f"CreateThing: {inputs['name']} already exists")
                self._count += 1
                id_ = f"id-{self._count}"
                self.things[id_] = self._outputs(id_, logical, inputs, 1)
                return id_, self.things[id_]
        finally:
            self._leave()

    @staticmethod
    def _outputs(id_: str, logical: str, inputs: Properties, version: int) -> Properties:
        shown = {key: value for key, value in inputs.items() if isinstance(value, str | int | float | list | dict)}
        return {**shown, "arn": f"arn:{id_}", "secretToken": f"token-of-{logical}", "version": version}

    def update(
        self, type_: str, id_: str, old_inputs: Properties, old_outputs: Properties, new: Properties
    ) -> Properties:
        logical = str(old_outputs["secretToken"]).removeprefix("token-of-")
        self._enter("update", logical, new)
        try:
            self.things[id_] = self._outputs(id_, logical, new, old_outputs["version"] + 1)
            return self.things[id_]
        finally:
            self._leave()

    def read(self, type_: str, id_: str, inputs: Properties, outputs: Properties) -> Properties | None:
        self._enter("read", id_)
        try:
            return self.things.get(id_)
        finally:
            self._leave()

    def delete(self, type_: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        logical = str(outputs["secretToken"]).removeprefix("token-of-")
        self._enter("delete", logical, (inputs, outputs))
        try:
            self.things.pop(id_, None)
        finally:
            self._leave()

    def invoke(self, token: str, args: Properties) -> Properties:
        self._enter("invoke", token, args)
        try:
            if token == "fake:index:refuse":
                raise ProviderError(f"{token}: refused")
            return self.answers.get(token, {"token": token, **args})
        finally:
            self._leave()

    def secret_outputs(self, type_: str) -> frozenset[str]:
        return frozenset({"secretToken"})


class Recorder:
    """Implements Reporter."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, str, str]] = []
        self.messages: list[tuple[str, str]] = []

    def step(self, op: str, type_: str, name: str, detail: str) -> None:
        self.steps.append((op, name, detail))

    def message(self, severity: str, text: str) -> None:
        self.messages.append((severity, text))

    def texts(self, severity: str) -> list[str]:
        return [text for kind, text in self.messages if kind == severity]

    def ops(self, *, without_same: bool = True) -> set[tuple[str, str]]:
        return {(op, name) for op, name, _ in self.steps if not (without_same and op == "same")}


class Lab:
    """A project folder, a cloud and a state, to deploy one version of a program after another."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.root.mkdir()
        self.state_path = folder / "state" / "test.json"
        self.cloud = FakeCloud()
        self.recorder = Recorder()
        self.config: dict[str, str] = {}
        self.secret_keys: frozenset[str] = frozenset()
        self.write("")

    def write(self, body: str) -> None:
        (self.root / "__main__.py").write_text(PRELUDE + textwrap.dedent(body))

    def engine(self, parallel: int = 8) -> Engine:
        self.recorder = Recorder()
        stack = Stack(
            project="test",
            name="lab",
            root=self.root,
            config=self.config,
            secret_keys=self.secret_keys,
        )
        return Engine(stack, self.state_path, self.cloud, reporter=self.recorder, parallel=parallel)

    def up(self, body: str | None = None, parallel: int = 8) -> Any:
        if body is not None:
            self.write(body)
        self.cloud.calls.clear()
        return self.engine(parallel).up()

    def preview(self, body: str | None = None) -> Any:
        if body is not None:
            self.write(body)
        self.cloud.calls.clear()
        return self.engine().preview()

    def destroy(self, parallel: int = 8) -> Any:
        self.cloud.calls.clear()
        return self.engine(parallel).destroy()

    def state(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.state_path.read_text())
        return document

    def resources(self) -> list[dict[str, Any]]:
        resources: list[dict[str, Any]] = self.state()["deployment"]["resources"]
        return resources

    def resource(self, name: str) -> dict[str, Any]:
        return next(one for one in self.resources() if one["urn"].endswith(f"::{name}"))
