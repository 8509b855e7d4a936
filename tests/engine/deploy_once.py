"""One deployment in a process of its own: deploy_once.py LAB_FOLDER COMMAND.

The cloud is a file. Creating `slow` leaves a mark named `creating`, and ends when a file `release` appears; with
`unrecorded` there, it ends once the thing exists in the cloud but before the engine hears of it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from local_cloud.engine import Engine, EngineError, Properties, Stack
from tests.engine.fakes import FakeCloud


class SlowCloud(FakeCloud):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "cloud.json")
        self.folder = folder

    def create(self, type_: str, urn: str, inputs: Properties) -> tuple[str, Properties]:
        result = super().create(type_, urn, inputs)
        if urn.endswith("::slow"):
            (self.folder / "creating").touch()
            while not (self.folder / "release").exists():
                time.sleep(0.01)
        return result


class Printer:
    def step(self, op: str, type_: str, name: str, detail: str) -> None:
        print("step", op, name, flush=True)

    def message(self, severity: str, text: str) -> None:
        print(severity, text, flush=True)


def main() -> None:
    folder, command = Path(sys.argv[1]), sys.argv[2]
    stack = Stack(project="test", name="lab", root=folder / "project", config={})
    engine: Any = Engine(stack, folder / "state" / "test.json", SlowCloud(folder), reporter=Printer(), parallel=1)
    try:
        getattr(engine, command)()
    except EngineError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
