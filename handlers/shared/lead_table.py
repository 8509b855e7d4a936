"""The state of each lead in the flow: a DynamoDB table. The CRM's records are not here."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import aws, settings, strict_json
from handlers.shared.errors import IdOfAnotherLead, NotFound, Unavailable
from handlers.shared.fingerprint import Fingerprint

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


class Failure(Enum):
    """What became of the note that a lead has failed."""

    RECORDED = "the lead is FAILED, for this execution's reason"
    KNOWN = "the lead's own event; the lead has come further, or is FAILED or dismissed already: nothing was done"
    FOREIGN = "the id is another lead's, which was left alone"


# What was written by a release that kept no fingerprint, nor the digest before it.
_UNMARKED = "(attribute_not_exists(fingerprint) AND attribute_not_exists(digest))"


class LeadTable:
    """Every write is conditional, so that events may come twice, late and out of order."""

    def __init__(self, client: Any, table_name: str) -> None:
        self._client = client
        self._table = table_name

    @property
    def name(self) -> str:
        return self._table

    def submit(self, lead_id: str, origin: str, fingerprint: Fingerprint | None = None) -> None:
        """Note a lead that is about to be put on the bus. Safe to repeat when an answer is lost."""
        moment = now()
        marked = {"fingerprint": {"S": fingerprint.mac}} if fingerprint else {}
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
                **marked,
            },
            ConditionExpression="attribute_not_exists(leadId) OR (#status = :submitted AND createdAt = :now)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":submitted": {"S": SUBMITTED}, ":now": {"S": moment}},
        )

    def withdraw(self, lead_id: str) -> bool:
        """Forget a lead that the bus did not take; its sender was told so. False: the flow has it after all."""
        standing = self._conditional(
            "delete_item",
            Key={"leadId": {"S": lead_id}},
            ConditionExpression="#status = :submitted",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":submitted": {"S": SUBMITTED}},
        )
        return standing is None

    def claim(self, lead_id: str, execution: str, origin: str, fingerprint: Fingerprint | None = None) -> bool:
        """Take the lead for this execution. False: another execution has it or has completed it.

        A function may outlive its execution: what has been recorded as this execution's failure stays so. Raise
        IdOfAnotherLead when the lead of this id has another fingerprint. Where the caller or the lead has none,
        nothing is compared.
        """
        free = f" AND ({_UNMARKED} OR {_same(fingerprint)})" if fingerprint else ""
        standing = self._update(
            lead_id,
            "SET #status = :processing, #step = :received, origin = :origin, claimedBy = :execution,"
            " updatedAt = :now, createdAt = if_not_exists(createdAt, :now), expiresAt = :expires,"
            f" unfinished = :yes{_marking(fingerprint)}"
            f" REMOVE #error, failed, warnings, dismissed{_unmarking(fingerprint)}",
            f"attribute_not_exists(leadId) OR (#status = :submitted{free})"
            f" OR (#status = :failed AND claimedBy <> :execution AND attribute_not_exists(dismissed){free})"
            " OR (claimedBy = :execution AND #status = :processing)",
            {
                ":yes": "yes",
                ":processing": PROCESSING,
                ":received": "received",
                ":origin": origin,
                ":execution": execution,
                ":submitted": SUBMITTED,
                ":failed": FAILED,
                **_marks(fingerprint),
            },
            expires=True,
        )
        if standing and fingerprint and not _may_be(standing, execution, fingerprint):
            raise IdOfAnotherLead("the event carries the id of another lead, whose data are others")
        return standing is None

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
        return (
            self._update(
                lead_id,
                expression + remove,
                "claimedBy = :execution AND #status IN (:processing, :status)",
                values,
                names={"#warned": step} if "#warned" in expression else {},
                expires=True,
            )
            is None
        )

    def fail(
        self,
        lead_id: str,
        execution: str,
        error: Issue,
        event: Any,
        fingerprint: Fingerprint | None = None,
        *,
        late: bool = False,
    ) -> Failure:
        """Note a failed lead, with the event to replay unless it is too large for an item; None: it is not known.

        The first reason that an execution gives stays. `late`: other executions may have come after this one, so a
        failure of theirs stays too.
        """
        payload = _payload(event)
        kept = ", payload = :payload" if payload else ""
        if event is None:
            kept = ", payload = if_not_exists(payload, :payload)"
        same = _same(fingerprint)
        again = (
            f" OR (#status = :failed AND claimedBy <> :execution AND attribute_not_exists(dismissed) AND {same})"
        )
        standing = self._update(
            lead_id,
            "SET #status = :failed, #step = if_not_exists(#step, :submitted_step), #error = :error,"
            " failed = :yes, claimedBy = :execution, updatedAt = :now,"
            " createdAt = if_not_exists(createdAt, :now)"
            f"{_marking(fingerprint)}{kept} REMOVE expiresAt, unfinished, dismissed{_unmarking(fingerprint)}",
            f"attribute_not_exists(leadId) OR (#status = :submitted AND ({_UNMARKED} OR {same}))"
            f" OR (claimedBy = :execution AND #status = :processing){'' if late else again}",
            {
                ":failed": FAILED,
                ":submitted": SUBMITTED,
                ":processing": PROCESSING,
                ":submitted_step": "submitted",
                ":error": error.as_dict(),
                ":yes": "yes",
                ":payload": payload,
                ":execution": execution,
                **_marks(fingerprint),
            },
        )
        if standing is None:
            return Failure.RECORDED
        held = _text(standing, "claimedBy") == execution
        if held and _text(standing, "status") == FAILED and "dismissed" not in standing:
            return Failure.RECORDED
        return Failure.KNOWN if held or _is_same(standing, fingerprint) else Failure.FOREIGN

    def status(self, lead_id: str) -> dict[str, Any]:
        """What is recorded of the lead but for its warnings. Raise NotFound for an unknown lead."""
        item = self._call("get_item", Key={"leadId": {"S": lead_id}}, ConsistentRead=True).get("Item")
        if not item:
            raise NotFound("there is no such lead")
        result: dict[str, Any] = {name: item[name]["S"] for name in ("leadId", "status", "step", "updatedAt")}
        if "error" in item:
            result["error"] = _plain(item["error"])
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
    ) -> dict[str, Any] | None:
        values = {**values, ":now": now()}
        if expires:
            values[":expires"] = expiry()
        used = {"#status": "status", "#step": "step", "#error": "error", **(names or {})}
        text = expression + condition
        return self._conditional(
            "update_item",
            "Attributes",
            ReturnValues="UPDATED_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            Key={"leadId": {"S": lead_id}},
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeNames={name: value for name, value in used.items() if name in text},
            ExpressionAttributeValues={name: _attribute(value) for name, value in values.items() if name in text},
        )

    def _conditional(self, method: str, proof: str | None = None, **arguments: Any) -> dict[str, Any] | None:
        """None when it was done; else the item that the condition did not hold for, as far as it was asked for."""
        try:
            self._call(method, proof, **arguments)
        except self._client.exceptions.ConditionalCheckFailedException as refusal:
            return dict(refusal.response.get("Item", {}))
        return None

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


def _same(fingerprint: Fingerprint | None) -> str:
    """The condition that an item is of the lead with this fingerprint; never so when it is not known."""
    if fingerprint is None:
        return "attribute_not_exists(leadId)"
    older = ", ".join(f":older{number}" for number, _ in enumerate(fingerprint.older))
    by_digest = f" OR (attribute_not_exists(fingerprint) AND digest IN ({older}))" if older else ""
    return f"(fingerprint = :fingerprint{by_digest})"


def _is_same(item: Mapping[str, Any], fingerprint: Fingerprint | None) -> bool:
    if fingerprint is None:
        return False
    if "fingerprint" in item:
        return _text(item, "fingerprint") == fingerprint.mac
    return _text(item, "digest") in fingerprint.older


def _may_be(item: Mapping[str, Any], execution: str, fingerprint: Fingerprint) -> bool:
    unmarked = not {"fingerprint", "digest"} & set(item)
    return unmarked or _text(item, "claimedBy") == execution or _is_same(item, fingerprint)


def _marks(fingerprint: Fingerprint | None) -> dict[str, str]:
    if fingerprint is None:
        return {}
    older = {f":older{number}": digest for number, digest in enumerate(fingerprint.older)}
    return {":fingerprint": fingerprint.mac, **older}


def _marking(fingerprint: Fingerprint | None) -> str:
    return ", fingerprint = :fingerprint" if fingerprint else ""


def _unmarking(fingerprint: Fingerprint | None) -> str:
    """The fingerprint takes the place of an earlier release's digest, which has no key: RUTs can be tried out."""
    return ", digest" if fingerprint else ""


def _text(item: Mapping[str, Any], name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"M": {name: _attribute(inner) for name, inner in value.items()}}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def _plain(attribute: Mapping[str, Any]) -> Any:
    if "M" in attribute:
        return {name: _plain(inner) for name, inner in attribute["M"].items()}
    return attribute["S"]
