"""What the proxies do to which request: armed for one lead at one point of the stack, counted as it happens."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Point:
    """A line of the stack: who asks, and for what: `api`, `table`, `bus`, `topic`, `insert` or `commit`."""

    function: str
    service: str


class Do(Enum):
    """What happens to one request. `*_AFTER`: the other side has done the work, only its answer is lost."""

    HANG = "no answer"
    CUT = "connection cut before the work"
    CUT_AFTER = "connection cut after the work"
    GARBLE = "answer mangled"
    KILL = "asking process killed before the work"
    KILL_AFTER = "asking process killed after the work"


@dataclass(frozen=True)
class Status:
    """An HTTP status instead of the work."""

    code: int


class Gate:
    """A request that waits here until it is let through."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.opened = threading.Event()

    def wait(self) -> None:
        self.arrived.set()
        self.opened.wait()


Action = Do | Status | Gate
# What is armed under ANYONE is taken by whoever comes first.
ANYONE = "*"
# Seconds; a loaded machine needs many, and nobody waits longer than for the event.
PATIENCE = 200


class Plan:
    def __init__(self) -> None:
        self._armed: dict[tuple[Point, str], list[Action]] = {}
        self._changed = threading.Condition()
        self._gates: set[Gate] = set()
        self._often: dict[Point, tuple[Action, Callable[[], bool]]] = {}
        self.asked: Counter[tuple[Point, str]] = Counter()
        self.answered: Counter[tuple[Point, str, int]] = Counter()

    def arm(self, point: Point, lead_id: str, *actions: Action) -> None:
        """The next requests of the lead at the point meet these, one each, in this order."""
        with self._changed:
            self._armed.setdefault((point, lead_id), []).extend(actions)
            self._gates.update(action for action in actions if isinstance(action, Gate))

    def take(self, point: Point, lead_id: str | None) -> Action | None:
        with self._changed:
            for who in (lead_id or "", ANYONE):
                actions = self._armed.get((point, who))
                if actions:
                    return actions.pop(0)
            action, strikes = self._often.get(point, (None, bool))
            return action if strikes() else None

    def strike(self, point: Point, action: Action | None, strikes: Callable[[], bool] = lambda: True) -> None:
        """From now on the action meets each request at the point that `strikes` says; None: none any more."""
        with self._changed:
            self._often.pop(point, None)
            if action is not None:
                self._often[point] = (action, strikes)

    def ask(self, point: Point, lead_id: str | None) -> None:
        self._count(lambda: self.asked.update([(point, lead_id or "")]))

    def answer(self, point: Point, lead_id: str | None, status: int) -> None:
        """A request of the lead has been answered with this status (0: not HTTP)."""
        self._count(lambda: self.answered.update([(point, lead_id or "", status)]))

    def _count(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()

    def armed(self, lead_id: str) -> int:
        """How many actions have not happened yet."""
        with self._changed:
            return sum(len(actions) for (_, who), actions in self._armed.items() if who == lead_id)

    def wait(self, until: Callable[["Plan"], bool], what: str, timeout: float = PATIENCE) -> None:
        """Until the predicate over this plan holds; it is asked again after every request."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not until(self):
                left = deadline - time.monotonic()
                assert left > 0, f"waited {timeout} s for {what}"
                self._changed.wait(left)

    def calls(self, service: str) -> int:
        with self._changed:
            return sum(count for (point, _), count in self.asked.items() if point.service == service)

    def clear(self) -> None:
        """Nothing more happens; whoever waits goes on."""
        with self._changed:
            self._armed.clear()
            self._often.clear()
            for gate in self._gates:
                gate.opened.set()
            self._gates.clear()
