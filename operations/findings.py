"""What needs an operator: failed leads, leads that are stuck, and dead letters, each with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from handlers.orchestration import catch_errors
from handlers.shared import lead_event
from operations import times
from operations.dead_letters import DeadLetter, DeadLetters
from operations.executions import RUNNING, Execution, Executions
from operations.leads import PROCESSING, Lead, Leads
from operations.stack import Stack

FAILED, STUCK, DEAD_LETTER = "failed", "stuck", "dead-letter"
KINDS = (FAILED, STUCK, DEAD_LETTER)
NOT_STARTED, STILL_RUNNING = "NotStarted", "StillRunning"
# An event that is refused as it stands will be refused again; a replay needs to be asked for it by name.
PERMANENT_ERRORS = frozenset({"InvalidLead", catch_errors.UNREADABLE})
# Longer than the flow retries one step by itself.
STUCK_AFTER = timedelta(minutes=20)

_NOT_STARTED = (
    "no execution has begun. If an import was killed, run it again; else its event may be in the archive, for a"
    " replay of that time; else dismiss it"
)
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


def of_dead_letter(letter: DeadLetter) -> Finding:
    error, description = letter.error or "NotALead", letter.error_text
    replayable = is_lead(letter) or is_report(letter)
    if letter.event is None:
        description = "the message is no event"
    elif is_report(letter):
        description = description or "CatchErrors could not be told that an execution was interrupted"
    elif not replayable:
        description = (
            f"source {letter.event.get('source')!r} and detail-type {letter.event.get('detail-type')!r} are no"
            " lead's; put its producer right"
        )
    return Finding(
        kind=DEAD_LETTER,
        id=id_of(letter),
        state="EventBridge",
        error=error,
        description=description or "EventBridge could not start an execution",
        since=times.iso(datetime.fromtimestamp(letter.sent_at, UTC)),
        replayable=replayable,
        subject=letter,
    )


def id_of(letter: DeadLetter) -> str:
    """The lead's id where the event names one, else the event's, which becomes the lead's."""
    event = letter.event or {}
    lead_id = event["detail"].get("leadId") if is_lead(letter) else None
    return str(lead_id or event.get("id") or letter.message_id)


def is_lead(letter: DeadLetter) -> bool:
    event = letter.event
    return (
        event is not None
        and event.get("detail-type") == lead_event.DETAIL_TYPE
        and str(event.get("source")).startswith(lead_event.SOURCE_PREFIX)
    )


def is_report(letter: DeadLetter) -> bool:
    """The report of an interrupted execution, which the function CatchErrors did not get."""
    event = letter.event
    return (
        event is not None
        and event.get("source") == "aws.states"
        and event.get("detail-type") == _STATUS_CHANGE
        and ":function:" in letter.target
    )


def all_of(stack: Stack, wanted: Filter) -> list[Finding]:
    found = {finding.id: finding for finding in of_leads(stack, wanted)}
    if wanted.wants(DEAD_LETTER):
        with DeadLetters(stack).held() as letters:
            # a lead whose event is in the queue is not listed twice
            found |= {each.id: each for each in map(of_dead_letter, letters) if wanted.matches(each)}
    return sorted(found.values(), key=lambda finding: finding.since)
