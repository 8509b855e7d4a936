"""The state CatchErrors: record which state failed and why, keep the event for a replay, and raise an alert.

The state machine sends `{"event", "execution", "failure": {"state", "error", "cause"}}`. For an execution that was
aborted or timed out, and so never came here, the bus sends the status change.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from handlers.orchestration import dead_letters
from handlers.orchestration.dead_letters import DeadLetterQueue
from handlers.orchestration.identity import lead_id_of
from handlers.shared import aws, fingerprint, lead_table, log, settings, strict_json
from handlers.shared.contract import Contract
from handlers.shared.errors import IdOfAnotherLead, Unavailable
from handlers.shared.fingerprint import Fingerprints
from handlers.shared.lead_table import Failure, Issue, LeadTable

# An event that no function can read, since it is nested thousands of levels deep.
UNREADABLE = "UnreadableEvent"
# Errors of our own, whose text is written without personal data; any other text may quote the payload.
_OUR_ERRORS = {"CrmUnavailable", "CrmRejected", "IdOfAnotherLead", "InvalidLead", "Unavailable"}
# The source of a report about an execution, which may come at any time, and more than once.
_STEP_FUNCTIONS = "aws.states"


class Alerts(Protocol):
    def raise_alert(self, subject: str, details: Mapping[str, str]) -> None: ...


class TopicAlerts:
    def __init__(self, client: Any, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def raise_alert(self, subject: str, details: Mapping[str, str]) -> None:
        try:
            aws.call(
                self._client.publish,
                "MessageId",
                TopicArn=self._topic_arn,
                Subject=subject,
                Message=json.dumps(details),
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("the topic of alerts can't be reached; try again later") from error


@dataclass(frozen=True, kw_only=True)
class CatchErrors:
    contract: Contract
    table: LeadTable
    fingerprints: Fingerprints
    alerts: Alerts
    letters: DeadLetterQueue

    def catch(self, task: Mapping[str, Any], *, late: bool = False) -> dict[str, str]:
        """Record first, then alert: a repeat of either does no harm. `late`: as in LeadTable.fail."""
        event, execution, failure = task["event"], task["execution"], task["failure"]
        issue = Issue(step=failure["state"], code=failure["error"], description=_description(failure))
        lead_id = lead_id_of(event, execution, self.contract)
        mark = self.fingerprints.of(lead_id, event.get("detail")) if isinstance(event, Mapping) else None
        outcome = self.table.fail(lead_id, execution, issue, event, mark, late=late)
        known = {"leadId": lead_id, "state": issue.step, "code": issue.code}
        if outcome is Failure.RECORDED:
            log.error("lead failed", **known)
            self.alerts.raise_alert("Leadbridge: a lead failed", known)
        elif outcome is Failure.FOREIGN:
            log.warning("an event with the id of another lead", **known)
            reason = (
                f"It carries the id of another lead, and failed: {issue.step}: {issue.code}: {issue.description}"
            )
            self.letters.put(event, execution, IdOfAnotherLead.__name__, reason)
        else:
            log.info("the lead has gone on since", **known)
        return {"leadId": lead_id}


def _description(failure: Mapping[str, str]) -> str:
    if failure["error"] in _OUR_ERRORS:
        try:
            return str(json.loads(failure["cause"])["errorMessage"])
        except (ValueError, KeyError, TypeError):
            return "The state gave no reason."
    return f"The state {failure['state']} ended with {failure['error']}."


@cache
def _alerts() -> TopicAlerts:
    return TopicAlerts(aws.client("sns"), settings.required("ALERT_TOPIC_ARN"))


def interrupted(change: Mapping[str, Any]) -> dict[str, Any]:
    """The task that a "Step Functions Execution Status Change" stands for."""
    detail = change["detail"]
    error = f"Execution.{detail['status']}"
    # AWS leaves an input out of the change that is too large for an event
    event = None
    if detail.get("input"):
        try:
            event = json.loads(detail["input"])
        except RecursionError:
            error = UNREADABLE
        if strict_json.is_too_deep(event):
            event, error = None, UNREADABLE
    failure = {"state": "LeadFlow", "error": error, "cause": ""}
    return {"event": event, "execution": detail["executionArn"], "failure": failure}


def handler(task: dict[str, Any], _context: Any) -> dict[str, str]:
    errors = CatchErrors(
        contract=Contract.bundled(),
        table=lead_table.from_environment(),
        fingerprints=fingerprint.from_environment(),
        alerts=_alerts(),
        letters=dead_letters.from_environment(),
    )
    if task.get("source") == _STEP_FUNCTIONS:
        return errors.catch(interrupted(task), late=True)
    return errors.catch(task)
