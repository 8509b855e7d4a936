"""What needs an operator: failed leads, leads that are stuck, and dead letters, each with its reason."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from handlers.orchestration import catch_errors
from handlers.shared import lead_event
from handlers.shared.errors import IdOfAnotherLead
from operations import times
from operations.console import printable
from operations.dead_letters import DeadLetter, DeadLetters
from operations.errors import OperationsError
from operations.executions import RUNNING, Execution, Executions
from operations.leads import PROCESSING, SUBMITTED, Lead, Leads
from operations.stack import Stack

FAILED, STUCK, DEAD_LETTER = "failed", "stuck", "dead-letter"
KINDS = (FAILED, STUCK, DEAD_LETTER)
NOT_STARTED, STILL_RUNNING = "NotStarted", "StillRunning"
# An event that is refused as it stands will be refused again; a replay needs to be asked for it by name.
FOREIGN = IdOfAnotherLead.__name__
PERMANENT_ERRORS = frozenset({"InvalidLead", FOREIGN, catch_errors.UNREADABLE})
# Longer than the flow retries one step by itself.
STUCK_AFTER = timedelta(minutes=20)

_NOT_STARTED = (
    "no execution has begun. If an import was killed, run it again; else its event may be in the archive, for a"
    " replay of that time; else dismiss it"
)
MAX_SHOWN = 300  # characters of what a message says of itself

# As the contract's LeadId.
_LEAD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STATUS_CHANGE = "Step Functions Execution Status Change"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`state` and `error`: what really failed. `since`: when, as the table writes times."""

    kind: str
    id: str
    state: str
    error: str
    description: str
    since: str
    replayable: bool
    execution: str | None = None
    subject: Lead | DeadLetter = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        names = ("kind", "id", "state", "error", "description", "since", "replayable", "execution")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """None lets everything through; times as the table writes them. `stuck_after`: without news for so long."""

    kind: str | None = None
    state: str | None = None
    error: str | None = None
    since: str | None = None
    until: str | None = None
    stuck_after: timedelta = STUCK_AFTER

    def wants(self, kind: str) -> bool:
        return self.kind in (None, kind)

    def matches(self, finding: Finding) -> bool:
        return (
            self.wants(finding.kind)
            and self.state in (None, finding.state)
            and self.error in (None, finding.error)
            and (self.since is None or finding.since >= self.since)
            and (self.until is None or finding.since <= self.until)
        )


def of_leads(stack: Stack, wanted: Filter) -> Iterator[Finding]:
    """Failed leads, then stuck ones, each oldest first."""
    leads = Leads(stack)
    if wanted.wants(FAILED):
        found = leads.failed(since=wanted.since or "", until=wanted.until or "9")
        yield from filter(wanted.matches, map(of_failed, found))
    if wanted.wants(STUCK):
        executions = Executions(stack)
        before = times.iso(datetime.now(UTC) - wanted.stuck_after)
        for lead in leads.unfinished(until=before):
            execution = executions.describe(lead.execution) if lead.execution else None
            if lead.updated_at <= before and wanted.matches(finding := of_stuck(lead, execution)):
                yield finding


def of_failed(lead: Lead) -> Finding:
    return Finding(
        kind=FAILED,
        id=lead.lead_id,
        state=lead.error.get("step", "unknown"),
        error=lead.error.get("code", "unknown"),
        description=lead.error.get("description", ""),
        since=lead.updated_at,
        replayable=True,
        execution=lead.execution,
        subject=lead,
    )


def of_stuck(lead: Lead, execution: Execution | None) -> Finding:
    if lead.status != PROCESSING or execution is None:
        state, error, replayable = "EventBridge", NOT_STARTED, False
        description = _NOT_STARTED
    elif execution.status == RUNNING:
        state, error, replayable = "LeadFlow", STILL_RUNNING, False
        description = f"its execution still runs, after {lead.step}; it retries or waits"
    else:
        state, error, replayable = "LeadFlow", f"Execution.{execution.status}", True
        description = "its execution is over and left it unfinished"
    return Finding(
        kind=STUCK,
        id=lead.lead_id,
        state=state,
        error=error,
        description=description,
        since=lead.updated_at,
        replayable=replayable,
        execution=lead.execution,
        subject=lead,
    )


def of_dead_letter(letter: DeadLetter, flow_arn: str) -> Finding:
    error, description = printable(letter.error) or "NotALead", printable(letter.error_text)
    report = is_report(letter, flow_arn)
    replayable = is_lead(letter) or report
    if letter.event is None:
        description = "the message is no event"
    elif report:
        description = description or "CatchErrors could not be told that an execution was interrupted"
    elif not replayable:
        description = (
            f"source {letter.event['source']!r} and detail-type {letter.event['detail-type']!r} are no"
            " lead's; put its producer right"
        )
    return Finding(
        kind=DEAD_LETTER,
        id=id_of(letter),
        state="EventBridge",
        error=error[:MAX_SHOWN],
        description=(description or "EventBridge could not start an execution")[:MAX_SHOWN],
        since=times.iso(datetime.fromtimestamp(letter.sent_at, UTC)),
        replayable=replayable,
        subject=letter,
    )


def id_of(letter: DeadLetter) -> str:
    """The lead's id as the event gives it; the event's own where another lead has that; else the message's."""
    event = letter.event or {}
    own = event.get("id")
    claimed = event["detail"].get("leadId", own) if is_lead(letter) and letter.error != FOREIGN else own
    return str(claimed) if _is_id(claimed) else letter.message_id


def lead_id_of(letter: DeadLetter) -> str:
    """The id that the event's lead has or gets when it is sent on."""
    event = letter.event or {}
    ids = (event.get("detail", {}).get("leadId"), event.get("id"))
    return next((str(each) for each in ids if _is_id(each)), letter.message_id)


def named(wanted: str, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """The letters with this id: SQS's own, or the one that their event gives, which is the same event each time.

    Raise OperationsError when different events claim the id: one of them may be meant to get another dealt with.
    """
    if exact := [each for each in letters if each.message_id == wanted]:
        return exact
    found = [each for each in letters if id_of(each) == wanted]
    if any(each.event != found[0].event for each in found):
        ids = ", ".join(each.message_id for each in found)
        raise OperationsError(f"{wanted}: {len(found)} dead letters claim this id; say which of them: {ids}")
    return found


def is_lead(letter: DeadLetter) -> bool:
    event = letter.event
    return (
        event is not None
        and event["detail-type"] == lead_event.DETAIL_TYPE
        and event["source"].startswith(lead_event.SOURCE_PREFIX)
    )


def is_report(letter: DeadLetter, flow_arn: str) -> bool:
    """The report of an interrupted execution of this flow, which the function CatchErrors did not get."""
    event = letter.event
    if event is None or (event["source"], event["detail-type"]) != ("aws.states", _STATUS_CHANGE):
        return False
    execution = event["detail"].get("executionArn")
    return (
        event["detail"].get("stateMachineArn") == flow_arn
        and isinstance(execution, str)
        and execution.startswith(f"{flow_arn.replace(':stateMachine:', ':execution:')}:")
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _LEAD_ID.fullmatch(value) is not None


def all_of(stack: Stack, wanted: Filter) -> list[Finding]:
    """A letter whose id another letter or a lead that has begun has, too, is listed by its message's id."""
    found = list(of_leads(stack, wanted))
    if wanted.wants(DEAD_LETTER):
        leads = Leads(stack)
        with DeadLetters(stack).held() as letters:
            read = list(letters)
        claims = Counter(map(id_of, _without_repeats(read)))
        for letter in _without_repeats(read):
            finding = of_dead_letter(letter, stack.flow_arn)
            lead = leads.get(finding.id)
            if claims[finding.id] > 1 or (lead is not None and (lead.status != SUBMITTED or lead.dismissed)):
                finding = replace(finding, id=letter.message_id)
            if wanted.matches(finding):
                found.append(finding)
    return sorted(found, key=lambda finding: finding.since)


def _without_repeats(letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Each event once: EventBridge delivers at least once, to the dead-letter queue too."""
    kept: list[DeadLetter] = []
    by_id: dict[str, list[DeadLetter]] = {}
    for letter in letters:
        same = by_id.setdefault(id_of(letter), [])
        if letter.event is None or all(each.event != letter.event for each in same):
            same.append(letter)
            kept.append(letter)
    return kept
