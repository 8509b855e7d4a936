"""The state of each lead in the flow: a DynamoDB table. The CRM's records are not here."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import aws, settings, strict_json
from handlers.shared.errors import NotFound, Unavailable

# A finished lead is forgotten after this; a failed one is kept until it has been replayed.
RETENTION_SECONDS = 90 * 24 * 3600
# An item is at most 400 KB, and holds a little besides:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
MAX_PAYLOAD_BYTES = 390_000

# The sparse index of the leads that have neither completed nor failed, by their age.
UNFINISHED_INDEX = "unfinished"

SUBMITTED, PROCESSING, COMPLETED, FAILED = "SUBMITTED", "PROCESSING", "COMPLETED", "FAILED"


@dataclass(frozen=True, kw_only=True)
class Issue:
    """Why a lead failed, or what is worth a look although it went on. Holds no personal data."""

    step: str
    code: str
    description: str

    def as_dict(self) -> dict[str, str]:
        return {"step": self.step, "code": self.code, "description": self.description}


class LeadTable:
    """Every write is conditional, so that events may come twice, late and out of order."""

    def __init__(self, client: Any, table_name: str) -> None:
        self._client = client
        self._table = table_name

    @property
    def name(self) -> str:
        return self._table

    def submit(self, lead_id: str, origin: str) -> None:
        """Note a lead that is about to be put on the bus. Safe to repeat when an answer is lost."""
        moment = now()
        self._call(
            "put_item",
            Item={
                "leadId": {"S": lead_id},
                "status": {"S": SUBMITTED},
                "step": {"S": "submitted"},
                "unfinished": {"S": "yes"},
                "origin": {"S": origin},
                "createdAt": {"S": moment},
                "updatedAt": {"S": moment},
                "expiresAt": {"N": str(expiry())},
            },
            ConditionExpression="attribute_not_exists(leadId) OR (#status = :submitted AND createdAt = :now)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":submitted": {"S": SUBMITTED}, ":now": {"S": moment}},
        )

    def withdraw(self, lead_id: str) -> bool:
        """Forget a lead that the bus did not take; its sender was told so. False: the flow has it after all."""
        return self._conditional(
            "delete_item",
            Key={"leadId": {"S": lead_id}},
            ConditionExpression="#status = :submitted",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":submitted": {"S": SUBMITTED}},
        )

    def claim(self, lead_id: str, execution: str, origin: str) -> bool:
        """Take the lead for this execution. False: another execution has it or has completed it.

        A function may outlive its execution: what has been recorded as this execution's failure stays so.
        """
        return self._update(
            lead_id,
            "SET #status = :processing, #step = :received, origin = :origin, claimedBy = :execution,"
            " updatedAt = :now, createdAt = if_not_exists(createdAt, :now), expiresAt = :expires,"
            " unfinished = :yes"
            " REMOVE #error, failed, warnings, dismissed",
            "attribute_not_exists(leadId) OR #status = :submitted"
            " OR (#status = :failed AND claimedBy <> :execution AND attribute_not_exists(dismissed))"
            " OR (claimedBy = :execution AND #status = :processing)",
            {
                ":yes": "yes",
                ":processing": PROCESSING,
                ":received": "received",
                ":origin": origin,
                ":execution": execution,
                ":submitted": SUBMITTED,
                ":failed": FAILED,
            },
            expires=True,
        )

    def progress(
        self, lead_id: str, execution: str, step: str, *, final: bool = False, warning: Issue | None = None
    ) -> bool:
        """Note a step that has been done. False: the lead is no longer this execution's."""
        values: dict[str, Any] = {
            ":step": step,
            ":status": COMPLETED if final else PROCESSING,
            ":execution": execution,
            ":processing": PROCESSING,
        }
        expression = "SET #status = :status, #step = :step, updatedAt = :now, expiresAt = :expires"
        remove = " REMOVE payload, digest, unfinished" if final else ""
        if warning:
            # keyed by step: a retry of the step does not write its warning twice
            expression += (
                ", warnings.#warned = :warning" if self._has_warnings(lead_id) else ", warnings = :warnings"
            )
            values |= (
                {":warning": warning.as_dict()}
                if "#warned" in expression
                else {":warnings": {step: warning.as_dict()}}
            )
        return self._update(
            lead_id,
            expression + remove,
            "claimedBy = :execution AND #status IN (:processing, :status)",
            values,
            names={"#warned": step} if "#warned" in expression else {},
            expires=True,
        )

    def fail(self, lead_id: str, execution: str, error: Issue, event: Any) -> bool:
        """Note a failed lead, with the event to replay unless it is too large for an item; None: it is not known.

        The first reason that an execution gives stays. False: the lead is completed, belongs to another
        execution, or has failed with another event.
        """
        payload, digest = _payload(event), _digest(event, execution)
        kept = ", payload = :payload" if payload else ""
        if event is None:
            kept = ", payload = if_not_exists(payload, :payload)"
        values = {
            ":failed": FAILED,
            ":submitted": SUBMITTED,
            ":processing": PROCESSING,
            ":submitted_step": "submitted",
            ":error": error.as_dict(),
            ":yes": "yes",
            ":payload": payload,
            ":digest": digest,
            ":execution": execution,
        }
        return (
            self._update(
                lead_id,
                "SET #status = :failed, #step = if_not_exists(#step, :submitted_step), #error = :error,"
                " failed = :yes, claimedBy = :execution, digest = :digest, updatedAt = :now,"
                " createdAt = if_not_exists(createdAt, :now)"
                f"{kept} REMOVE expiresAt, unfinished, dismissed",
                "attribute_not_exists(leadId) OR #status = :submitted"
                " OR (claimedBy = :execution AND #status = :processing)"
                " OR (#status = :failed AND claimedBy <> :execution AND digest = :digest"
                " AND attribute_not_exists(dismissed))",
                values,
            )
            or self._is_held(lead_id, execution, FAILED)
            or self._is_dismissed(lead_id, digest)
        )

    def was_completed_by(self, lead_id: str, execution: str) -> bool:
        return self._is_held(lead_id, execution, COMPLETED)

    def _is_held(self, lead_id: str, execution: str, status: str) -> bool:
        """Asked by a write that changes nothing: it needs no right to read."""
        return self._update(
            lead_id,
            "SET claimedBy = :execution",
            "claimedBy = :execution AND #status = :status",
            {":execution": execution, ":status": status},
        )

    def _is_dismissed(self, lead_id: str, digest: str) -> bool:
        condition = "#status = :failed AND attribute_exists(dismissed) AND digest = :digest"
        values = {":failed": FAILED, ":digest": digest}
        return self._update(lead_id, "SET digest = :digest", condition, values)

    def status(self, lead_id: str) -> dict[str, Any]:
        """The contract's LeadStatus. Raise NotFound for an unknown lead."""
        item = self._call("get_item", Key={"leadId": {"S": lead_id}}, ConsistentRead=True).get("Item")
        if not item:
            raise NotFound("there is no such lead")
        result: dict[str, Any] = {name: item[name]["S"] for name in ("leadId", "status", "step", "updatedAt")}
        if "error" in item:
            result["error"] = _plain(item["error"])
        if "warnings" in item:
            result["warnings"] = list(_plain(item["warnings"]).values())
        return result

    def oldest_unfinished_age(self) -> float:
        """Seconds since the oldest lead that has not ended was first heard of; 0 when there is none."""
        found = self._call(
            "query",
            IndexName=UNFINISHED_INDEX,
            KeyConditionExpression="unfinished = :yes",
            ExpressionAttributeValues={":yes": {"S": "yes"}},
            Limit=1,
        )["Items"]
        if not found:
            return 0.0
        since = datetime.fromisoformat(found[0]["createdAt"]["S"])
        return max(0.0, (datetime.now(UTC) - since).total_seconds())

    def _has_warnings(self, lead_id: str) -> bool:
        item = self._call("get_item", Key={"leadId": {"S": lead_id}}, ConsistentRead=True).get("Item")
        return "warnings" in (item or {})

    def _update(
        self,
        lead_id: str,
        expression: str,
        condition: str,
        values: Mapping[str, Any],
        *,
        names: Mapping[str, str] | None = None,
        expires: bool = False,
    ) -> bool:
        values = {**values, ":now": now()}
        if expires:
            values[":expires"] = expiry()
        used = {"#status": "status", "#step": "step", "#error": "error", **(names or {})}
        text = expression + condition
        return self._conditional(
            "update_item",
            "Attributes",
            ReturnValues="UPDATED_NEW",
            Key={"leadId": {"S": lead_id}},
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeNames={name: value for name, value in used.items() if name in text},
            ExpressionAttributeValues={name: _attribute(value) for name, value in values.items() if name in text},
        )

    def _conditional(self, method: str, proof: str | None = None, **arguments: Any) -> bool:
        try:
            self._call(method, proof, **arguments)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _call(self, method: str, proof: str | None = None, **arguments: Any) -> dict[str, Any]:
        try:
            return aws.call(getattr(self._client, method), proof, TableName=self._table, **arguments)
        except self._client.exceptions.ConditionalCheckFailedException:
            raise
        except (BotoCoreError, ClientError) as error:
            if _is_our_fault(error):
                raise
            raise Unavailable("the table of leads can't be reached; try again later") from error


@cache
def from_environment() -> LeadTable:
    return LeadTable(aws.client("dynamodb"), settings.required("LEAD_TABLE_NAME"))


def _is_our_fault(error: Exception) -> bool:
    """A request that DynamoDB will refuse however often it is sent."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "ValidationException"


def expiry() -> int:
    """When a lead that ends now is forgotten, in seconds of the epoch."""
    return int(time.time()) + RETENTION_SECONDS


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _payload(event: Any) -> str:
    """The event as text; empty for one that can't be kept, which its execution's input still holds."""
    text = "" if strict_json.is_too_deep(event) else json.dumps(event)
    return text if len(text) <= MAX_PAYLOAD_BYTES else ""


def _digest(event: Any, execution: str) -> str:
    """The same for the same lead, however often and by whatever event it is sent."""
    detail = event.get("detail") if isinstance(event, Mapping) else None
    can_be_told = detail is not None and not strict_json.is_too_deep(detail)
    text = json.dumps(detail, sort_keys=True) if can_be_told else execution
    return hashlib.sha256(text.encode()).hexdigest()


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"M": {name: _attribute(inner) for name, inner in value.items()}}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def _plain(attribute: Mapping[str, Any]) -> Any:
    if "M" in attribute:
        return {name: _plain(inner) for name, inner in attribute["M"].items()}
    return attribute["S"]
