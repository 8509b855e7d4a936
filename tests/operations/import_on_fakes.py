"""`python -m tests.operations.import_on_fakes STATE POINT …`: the operator's commands on a cloud in a file.

At POINT (such as `put:2`, the second PutEvents) the process says so with the file STATE.reached and waits for
STATE.go. A test then knows where a signal meets it, however slow the machine is.
"""

import json
import runpy
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from operations import cli, journal, rows


class Conditional(ClientError):
    """DynamoDB's refusal of a conditional write."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "ConditionalCheckFailedException"}}, "write")


class FakeCloud:
    """The table of leads and the event bus, as the import uses them; kept in a file when there is one."""

    region, bus_name, table_name = "nowhere", "bus", "leads"

    class exceptions:  # noqa: N801 - as a boto3 client names it
        ConditionalCheckFailedException = Conditional

    def __init__(self, state: Path | None = None, point: str = "") -> None:
        self._state = state
        self._point = point
        self._passed: Counter[str] = Counter()
        known = json.loads(state.read_text()) if state and state.exists() else {}
        self.notes: dict[str, str] = known.get("notes", {})
        self.events: list[str] = known.get("events", [])

    def client(self, _service: str) -> "FakeCloud":
        return self

    def command(self, words: str) -> str:
        return words

    def close(self) -> None:
        pass

    def put_item(self, Item: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        lead_id = Item["leadId"]["S"]
        if lead_id in self.notes:
            raise Conditional
        self.notes[lead_id] = "SUBMITTED"
        self._save()
        self.reach("note")
        return {}

    def delete_item(self, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        if self.notes.get(Key["leadId"]["S"]) != "SUBMITTED":
            raise Conditional
        del self.notes[Key["leadId"]["S"]]
        self._save()
        return {}

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.reach("put")
        for entry in Entries:
            lead_id = json.loads(entry["Detail"])["leadId"]
            self.events.append(lead_id)
            self.notes[lead_id] = "COMPLETED"
        self._save()
        self.reach("taken")
        return {
            "FailedEntryCount": 0,
            "Entries": [{"EventId": lead_id} for lead_id in self.events[-len(Entries) :]],
        }

    def stuck(self) -> list[str]:
        return [lead_id for lead_id, status in self.notes.items() if status == "SUBMITTED"]

    def reach(self, point: str) -> None:
        self._passed[point] += 1
        if self._state is None or f"{point}:{self._passed[point]}" != self._point:
            return
        Path(f"{self._state}.reached").touch()
        while not Path(f"{self._state}.go").exists():
            time.sleep(0.01)

    def _save(self) -> None:
        if self._state is not None:
            new = Path(f"{self._state}.new")
            new.write_text(json.dumps({"notes": self.notes, "events": self.events}))
            new.replace(self._state)


def _reaching(cloud: FakeCloud, point: str, function: Any) -> Any:
    def reached(*arguments: Any) -> Any:
        cloud.reach(point)
        return function(*arguments)

    return reached


if __name__ == "__main__":
    cloud = FakeCloud(Path(sys.argv[1]), sys.argv[2])
    cli.find = lambda _place: cloud  # type: ignore[assignment, return-value]
    rows._judged = _reaching(cloud, "judge", rows._judged)
    journal.Journal.add = _reaching(cloud, "journal", journal.Journal.add)  # type: ignore[method-assign]
    sys.argv[1:3] = []
    runpy.run_module("operations", run_name="__main__", alter_sys=True)
