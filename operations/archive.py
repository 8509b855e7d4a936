"""The bus's archive: every event of a window of time, sent to the rule that starts the flow once more."""

import time
from datetime import UTC, datetime
from typing import Any

from operations import times
from operations.console import Console
from operations.errors import NotTaken, OperationsError
from operations.stack import Stack

_POLL_SECONDS = 1.0
_UNDER_WAY = {"STARTING", "RUNNING"}


class Archive:
    """Raise OperationsError when the bus has no archive, or nothing starts the flow."""

    def __init__(self, stack: Stack) -> None:
        self._events = stack.client("events")
        self._bus_arn = self._events.describe_event_bus(Name=stack.bus_name)["Arn"]
        archives = self._events.list_archives(EventSourceArn=self._bus_arn)["Archives"]
        if not archives:
            raise OperationsError(f"the bus {stack.bus_name} has no archive.")
        self.name: str = archives[0]["ArchiveName"]
        rules = self._events.list_rule_names_by_target(TargetArn=stack.flow_arn, EventBusName=stack.bus_name)
        self._rules = [
            self._events.describe_rule(Name=name, EventBusName=stack.bus_name)["Arn"]
            for name in rules["RuleNames"]
        ]
        if not self._rules:
            raise OperationsError(f"no rule of the bus {stack.bus_name} starts the flow.")

    def replay(self, since: datetime, until: datetime, console: Console) -> str:
        """Send the window's events and wait until they are sent; the replay's name. Ctrl-C cancels it."""
        name = f"leadbridge-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        answer = self._events.start_replay(
            ReplayName=name,
            Description=f"{times.iso(since)} to {times.iso(until)}",
            EventSourceArn=self._events.describe_archive(ArchiveName=self.name)["ArchiveArn"],
            EventStartTime=since,
            EventEndTime=until,
            # not to the rule of the strays: they would come into the dead-letter queue again
            Destination={"Arn": self._bus_arn, "FilterArns": self._rules},
        )
        if "ReplayArn" not in answer:
            raise NotTaken("EventBridge did not say that it started the replay.")
        try:
            self._wait(name, console)
        except KeyboardInterrupt:
            self._events.cancel_replay(ReplayName=name)
            console.error(f"the replay {name} is cancelled; what it has sent goes its way")
            raise
        return name

    def _wait(self, name: str, console: Console) -> None:
        while True:
            replay = self._events.describe_replay(ReplayName=name)
            if replay["State"] not in _UNDER_WAY:
                break
            console.progress(f"replay {name}: {replay['State']}, {_reached(replay)}")
            time.sleep(_POLL_SECONDS)
        if replay["State"] != "COMPLETED":
            raise OperationsError(f"the replay {name} ended {replay['State']}: {replay.get('StateReason', '')}")


def _reached(replay: Any) -> str:
    last = replay.get("EventLastReplayedTime")
    return f"up to {times.iso(last)}" if last else "nothing sent yet"
