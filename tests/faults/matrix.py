"""The fault matrix: steps × faults, how each cell is injected, and why some make no sense."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.plan import Action, Do, Point, Status


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step's line. `state`: of the flow, that meets the fault; None: before the flow."""

    name: str
    point: Point
    state: str | None = None
    commit: Point | None = None

    @property
    def function(self) -> str:
        return self.point.function

    @property
    def service(self) -> str:
        return self.point.service


_KINDS = ("client", "partner", "benefit")
DELIVERY = Step(name="event delivery", point=Point("intake-submit-lead", "bus"))
SUBMIT_NOTE = Step(name="submission's note", point=Point("intake-submit-lead", "table"))
RECEIVE = Step(name="ReceiveLead", point=Point("flow-receive-lead", "table"), state="ReceiveLead")
CALLS = {
    kind: Step(
        name=f"Create{kind.title()} call", point=Point(f"flow-create-{kind}", "api"), state=f"Create{kind.title()}"
    )
    for kind in _KINDS
}
NOTES = {
    kind: Step(
        name=f"Create{kind.title()} note",
        point=Point(f"flow-create-{kind}", "table"),
        state=f"Create{kind.title()}",
    )
    for kind in _KINDS
}
TRANSACTIONS = {
    kind: Step(
        name=f"{kind} transaction",
        point=Point(f"api-create-{kind}", "insert"),
        commit=Point(f"api-create-{kind}", "commit"),
        state=f"Create{kind.title()}",
    )
    for kind in _KINDS
}
CATCH = Step(name="CatchErrors record", point=Point("flow-catch-errors", "table"), state="CatchErrors")
ALERT = Step(name="CatchErrors alert", point=Point("flow-catch-errors", "topic"), state="CatchErrors")
STEPS = (
    SUBMIT_NOTE,
    DELIVERY,
    RECEIVE,
    *(step for kind in _KINDS for step in (CALLS[kind], TRANSACTIONS[kind], NOTES[kind])),
    CATCH,
    ALERT,
)

TIMEOUT = "timeout"
REFUSED = "connection refused"
LOST = "connection lost mid-query"
STATUSES = {f"HTTP {code}": code for code in (429, 500, 502, 503, 504)}
MALFORMED = "malformed answer"
BEFORE = "crash before commit"
AFTER = "crash after commit, before the answer"
DEADLOCK = "deadlock"
LOCKED = "lock wait timeout"
FULL = "too many connections"
THRICE = "same event three times at once"
AGAIN = "same event again after completion"
REPLAY = "replay while the first still runs"
FAULTS = (
    *(TIMEOUT, REFUSED, LOST, *STATUSES, MALFORMED, BEFORE, AFTER),
    *(DEADLOCK, LOCKED, FULL, THRICE, AGAIN, REPLAY),
)
# They strike a whole line, so that nothing else may run on it; the others strike one lead.
WHOLE_LINE = (REFUSED, FULL)
# They keep a function's worker waiting for seconds.
HOLDING = (TIMEOUT, DEADLOCK, LOCKED, THRICE, REPLAY)
# The AWS SDK tries a call again by itself: this many faults are needed to get past that.
SDK_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Cell:
    step: Step
    fault: str

    def __str__(self) -> str:
        return f"{self.step.name} × {self.fault}"


def reason_against(cell: Cell) -> str | None:
    """Why the cell makes no sense; None when it does."""
    step, fault = cell.step, cell.fault
    if step.commit is not None:
        if fault in STATUSES:
            return "the database speaks MySQL's protocol, which has no HTTP status"
    elif fault in (DEADLOCK, LOCKED, FULL):
        return "no database stands behind this line; the step meets it as the API's 503, in the transaction's row"
    if fault == AGAIN and step not in (DELIVERY, ALERT):
        return "no step runs after completion; what the event then meets is event delivery's cell"
    if step is SUBMIT_NOTE and fault in (THRICE, REPLAY):
        return "the event does not exist yet: it is put on the bus after this note"
    if step is DELIVERY and fault == REPLAY:
        return "no execution runs yet"
    return None


def cells() -> Iterator[Cell]:
    """Those that make sense."""
    for step in STEPS:
        for fault in FAULTS:
            cell = Cell(step=step, fault=fault)
            if reason_against(cell) is None:
                yield cell


def told(cell: Cell) -> str | None:
    """The step that has to say in the log that its call was in vain; None when it can't know, or need not."""
    for kind in _KINDS:
        if cell.step in (CALLS[kind], NOTES[kind]):
            return kind if cell.fault in (TIMEOUT, REFUSED, LOST, *STATUSES, MALFORMED) else None
        if cell.step == TRANSACTIONS[kind]:
            return kind if cell.fault in (TIMEOUT, REFUSED, BEFORE, AFTER, LOCKED, FULL) else None
    return None


def actions(cell: Cell) -> tuple[Point, list[Action]]:
    """Where and how a fault that strikes one request is injected."""
    step, fault = cell.step, cell.fault
    transaction = step.commit is not None
    point = step.commit if transaction and fault in (BEFORE, AFTER) else step.point
    assert point is not None
    if fault in (BEFORE, AFTER):
        return point, [Do.KILL if fault == BEFORE else Do.KILL_AFTER]
    action: Action = {TIMEOUT: Do.HANG, LOST: Do.CUT_AFTER, MALFORMED: Do.GARBLE}.get(fault) or Status(
        STATUSES[fault]
    )
    return point, [action] * (1 if transaction or step.service == "api" else SDK_TRIES)
