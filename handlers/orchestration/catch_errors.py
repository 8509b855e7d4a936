"""The state CatchErrors: record which state failed and why, keep the event for a replay, and raise an alert.

The state machine sends `{"event", "execution", "failure": {"state", "error", "cause"}}`. For an execution that was
aborted or timed out, and so never came here, the bus sends the status change.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from handlers.orchestration.identity import event_id_of, lead_id_of
from handlers.shared import aws, lead_table, log, settings, strict_json
from handlers.shared.contract import Contract
from handlers.shared.errors import Unavailable
from handlers.shared.lead_table import Issue, LeadTable

# An event that no function can read, since it is nested thousands of levels deep.
UNREADABLE = "UnreadableEvent"
# Errors of our own, whose text is written without personal data; any other text may quote the payload.
_OUR_ERRORS = {"CrmUnavailable", "CrmRejected", "InvalidLead", "Unavailable"}


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


def catch(task: Mapping[str, Any], contract: Contract, table: LeadTable, alerts: Alerts) -> dict[str, str]:
    """Record first, then alert: a repeat of either does no harm."""
    event, execution = task["event"], task["execution"]
    failure = task["failure"]
    issue = Issue(step=failure["state"], code=failure["error"], description=_description(failure))
    lead_id = lead_id_of(event, execution, contract)
    if not table.fail(lead_id, execution, issue, event):
        if table.was_completed_by(lead_id, execution):
            # the last step's answer was lost and its repeat failed: the lead is in the CRM all the same
            log.warning("failed after the lead was done", leadId=lead_id, state=issue.step, code=issue.code)
            return {"leadId": lead_id}
        # the id belongs to another lead: the event is kept under its own
        log.warning("an event with the id of another lead", leadId=lead_id)
        lead_id = event_id_of(event, execution, contract)
        table.fail(lead_id, execution, issue, event)
    log.error("lead failed", leadId=lead_id, state=issue.step, code=issue.code)
    alerts.raise_alert("Leadbridge: a lead failed", {"leadId": lead_id, "state": issue.step, "code": issue.code})
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
    if task.get("source") == "aws.states":
        task = interrupted(task)
    return catch(task, Contract.bundled(), lead_table.from_environment(), _alerts())
