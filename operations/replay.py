"""Bringing through what failed: an execution for each lead, the bus for each dead letter."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.orchestration.catch_errors import UNREADABLE
from handlers.shared.lead_table import Issue, LeadTable
from operations.dead_letters import DeadLetter, DeadLetters
from operations.errors import NotTaken
from operations.executions import RUNNING, Execution, Executions
from operations.findings import is_lead, is_report, lead_id_of
from operations.leads import FAILED, PROCESSING, SUBMITTED, Lead, Leads
from operations.stack import Stack

_INTERRUPTED = frozenset({"ABORTED", "FAILED", "TIMED_OUT"})
REPLAYED, UNCHANGED, IMPOSSIBLE = "replayed", "unchanged", "impossible"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`execution`: the one that replays what `failed_execution` did not bring through."""

    id: str
    what: str
    note: str
    execution: str | None = None
    failed_execution: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


class Replayer:
    """With `dry_run` it looks as closely and changes nothing."""

    def __init__(self, stack: Stack, *, dry_run: bool = False) -> None:
        self._stack = stack
        self._dry_run = dry_run
        self._leads = Leads(stack)
        self._executions = Executions(stack)
        self._letters = DeadLetters(stack)
        self._table = LeadTable(stack.client("dynamodb"), stack.table_name)

    def lead(self, lead_id: str) -> Outcome:
        """Start the execution that carries a failed lead through; safe to repeat and to do twice at once."""
        lead = self._leads.get(lead_id, with_payload=True)
        if lead is None:
            return Outcome(id=lead_id, what=IMPOSSIBLE, note="there is no such lead")
        if lead.status == PROCESSING and lead.execution is not None:
            execution = self._executions.describe(lead.execution)
            if execution.status == RUNNING:
                note = "its execution runs"
                return Outcome(id=lead_id, what=UNCHANGED, note=note, execution=execution.arn)
            lead = lead if self._dry_run else self._released(lead, execution)
        would_be_released = self._dry_run and lead.status == PROCESSING
        if lead.status != FAILED and not would_be_released:
            note = f"it is {lead.status}"
            if lead.status == SUBMITTED:
                note += (
                    ": its event is on its way; if it stays so, replay --from … --to … takes it from the archive"
                )
            return Outcome(id=lead_id, what=UNCHANGED, note=note)
        if lead.dismissed:
            return Outcome(id=lead_id, what=IMPOSSIBLE, note="it was dismissed, and its event with it")
        if lead.error.get("code") == UNREADABLE:
            note = "no function can read its event: put its producer right, and dismiss it"
            return Outcome(id=lead_id, what=IMPOSSIBLE, note=note)
        event = lead.payload if lead.payload not in (None, "null") else self._input(lead)
        if event is None:
            note = "its event is not kept any more; the archive may hold it: replay --from … --to …"
            return Outcome(id=lead_id, what=IMPOSSIBLE, note=note)
        if self._dry_run:
            return Outcome(id=lead_id, what=REPLAYED, note=": ".join(lead.error.values()))
        found = self._executions.start_once(lead_id, lead.execution or "", event, lambda: self._is_as_it_was(lead))
        if found is None:
            return Outcome(id=lead_id, what=UNCHANGED, note="it has moved on meanwhile")
        execution, started = found
        if not started:
            return Outcome(id=lead_id, what=UNCHANGED, note="its replay still runs", execution=execution.arn)
        return Outcome(
            id=lead_id,
            what=REPLAYED,
            note="execution started",
            execution=execution.arn,
            failed_execution=lead.execution,
        )

    def dead_letter(self, letter: DeadLetter, lead_id: str) -> Outcome:
        """Hand the event on again, and only then take it out of the queue."""
        if letter.event is None:
            return Outcome(id=lead_id, what=IMPOSSIBLE, note="the message is no event")
        report = is_report(letter, self._stack.flow_arn)
        if not (is_lead(letter) or report):
            return Outcome(id=lead_id, what=IMPOSSIBLE, note="it is no lead; its producer has to be put right")
        execution = self._executions.describe(letter.event["detail"]["executionArn"]) if report else None
        if execution is not None and execution.status not in _INTERRUPTED:
            note = f"its execution is {execution.status}, which is no interruption; dismiss it"
            return Outcome(id=lead_id, what=IMPOSSIBLE, note=note)
        if self._dry_run:
            return Outcome(id=lead_id, what=REPLAYED, note="out of the dead-letter queue")
        if execution is not None:
            lead_id = self._report(execution)
            note = "handed to CatchErrors"
        else:
            lead_id = self._put_on_the_bus(letter.event, lead_id_of(letter))
            note = "sent to the bus"
        self._letters.delete(letter)
        return Outcome(id=lead_id, what=REPLAYED, note=f"{note}, taken out of the queue")

    def _released(self, lead: Lead, execution: Execution) -> Lead:
        """The lead after a note that its execution, which is over, has failed it: the flow itself could not.

        The write is conditional: a lead that has moved on meanwhile is left as it is.
        """
        issue = Issue(
            step="LeadFlow",
            code=f"Execution.{execution.status}",
            description=f"The execution is {execution.status} and left the lead unfinished.",
        )
        event = json.loads(execution.input) if execution.input else None
        self._table.fail(lead.lead_id, execution.arn, issue, event)
        return self._leads.get(lead.lead_id, with_payload=True) or lead

    def _input(self, lead: Lead) -> str | None:
        return self._executions.describe(lead.execution).input if lead.execution else None

    def _is_as_it_was(self, lead: Lead) -> bool:
        now = self._leads.get(lead.lead_id)
        return now is not None and (now.status, now.execution) == (lead.status, lead.execution)

    def _put_on_the_bus(self, event: Mapping[str, Any], lead_id: str) -> str:
        """The id that the lead gets: the new event's where the detail names one that is none."""
        # the new event has an id of its own: the lead keeps the one that it would have got
        detail = {**event["detail"], "leadId": event["detail"].get("leadId", lead_id)}
        entry = {
            "EventBusName": self._stack.bus_name,
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Resources": event.get("resources", []),
            "Detail": json.dumps(detail),
        }
        answer = self._stack.client("events").put_events(Entries=[entry])
        if answer.get("FailedEntryCount") != 0:  # PutEvents answers 200 all the same
            raise NotTaken(f"{lead_id}: the event bus did not take the event ({answer.get('Entries')}).")
        return lead_id if detail["leadId"] == lead_id else str(answer["Entries"][0]["EventId"])

    def _report(self, execution: Execution) -> str:
        """The id of the lead that is then noted as failed. Step Functions' own words, none of the letter's."""
        detail = {"executionArn": execution.arn, "status": execution.status, "input": execution.input}
        event = {"source": "aws.states", "detail": detail}
        function = self._stack.catch_errors_arn
        answer = self._stack.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        result = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise NotTaken(f"CatchErrors failed with {result.get('errorType')}; the report stays in the queue.")
        return str(result["leadId"])
