"""The table of leads, as an operator reads it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handlers.shared import lead_table
from handlers.shared.lead_table import COMPLETED, FAILED, PROCESSING, SUBMITTED
from operations.stack import Stack

__all__ = ["COMPLETED", "FAILED", "PROCESSING", "SUBMITTED", "Lead", "Leads"]

# Everything but the payload, which is large and personal data.
_SHOWN = (
    "leadId",
    "status",
    "step",
    "error",
    "warnings",
    "origin",
    "createdAt",
    "updatedAt",
    "claimedBy",
    "dismissed",
)


@dataclass(frozen=True, kw_only=True)
class Lead:
    """`execution`: the one that holds the lead, or that failed it."""

    lead_id: str
    status: str
    step: str
    updated_at: str
    created_at: str = ""
    origin: str = ""
    execution: str | None = None
    error: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[Mapping[str, str]] = ()
    dismissed: Mapping[str, str] = field(default_factory=dict)
    payload: str | None = None


class Leads:
    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("dynamodb")
        self._table = stack.table_name

    def get(self, lead_id: str, *, with_payload: bool = False) -> Lead | None:
        names = (*_SHOWN, "payload") if with_payload else _SHOWN
        answer = self._client.get_item(
            TableName=self._table, Key={"leadId": {"S": lead_id}}, ConsistentRead=True, **_projection(names)
        )
        item = answer.get("Item", {})
        return _lead(item) if "status" in item else None  # else the count of a day's leads

    def failed(self, *, since: str = "", until: str = "9") -> Iterator[Lead]:
        """Oldest failure first; times as the table writes them."""
        yield from map(_lead, self._indexed("failed", "updatedAt", since or "0", until, _projection(_SHOWN)))

    def unfinished(self, *, until: str) -> Iterator[Lead]:
        """Leads that came in before then and have neither completed nor failed, oldest first."""
        for item in self._indexed(lead_table.UNFINISHED_INDEX, "createdAt", "0", until, {}):
            lead = self.get(item["leadId"]["S"])
            if lead is not None and lead.status in (SUBMITTED, PROCESSING):  # the index is a moment behind
                yield lead

    def warned(self, *, since: str = "") -> Iterator[Lead]:
        """Leads with a warning, in no order. Reads the whole table; times as the table writes them."""
        projection = _projection(_SHOWN)
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="attribute_exists(#warnings) AND #updatedAt >= :since",
            ExpressionAttributeValues={":since": {"S": since or "0"}},
            **projection,
        )
        for page in pages:
            yield from map(_lead, page["Items"])

    def dismiss(self, lead: Lead, by: str, reason: str) -> bool:
        """Take a failed lead off the list for good, its event with it. False: it has moved on meanwhile."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"leadId": {"S": lead.lead_id}},
                UpdateExpression="SET dismissed = :dismissed, expiresAt = :expires REMOVE failed, payload",
                ConditionExpression="#status = :failed AND claimedBy = :execution",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    **_dismissal(by, reason),
                    ":failed": {"S": FAILED},
                    ":execution": {"S": lead.execution or ""},
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def dismiss_unstarted(self, lead: Lead, by: str, reason: str) -> bool:
        """Take a lead that nothing has begun off the list. False: it has begun meanwhile, and stays as it is.

        Should its event arrive after all, the lead is claimed as if it had not been dismissed.
        """
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"leadId": {"S": lead.lead_id}},
                UpdateExpression="SET dismissed = :dismissed, expiresAt = :expires REMOVE unfinished",
                ConditionExpression="#status = :submitted",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    **_dismissal(by, reason),
                    ":submitted": {"S": SUBMITTED},
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _indexed(
        self, index: str, time: str, since: str, until: str, projection: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        names = {"#index": index, "#time": time, **projection.get("ExpressionAttributeNames", {})}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#index = :yes AND #time BETWEEN :since AND :until",
            ExpressionAttributeValues={":yes": {"S": "yes"}, ":since": {"S": since}, ":until": {"S": until}},
            **{**projection, "ExpressionAttributeNames": names},
        )
        for page in pages:
            yield from page["Items"]


def _dismissal(by: str, reason: str) -> dict[str, Any]:
    told = {"by": {"S": by}, "at": {"S": lead_table.now()}, "reason": {"S": reason}}
    return {":dismissed": {"M": told}, ":expires": {"N": str(lead_table.expiry())}}


def _projection(names: Sequence[str]) -> dict[str, Any]:
    aliases = {f"#{name}": name for name in names}
    return {"ProjectionExpression": ", ".join(aliases), "ExpressionAttributeNames": aliases}


def _lead(item: Mapping[str, Any]) -> Lead:
    plain = {name: _plain(value) for name, value in item.items()}
    return Lead(
        lead_id=plain["leadId"],
        status=plain["status"],
        step=plain["step"],
        updated_at=plain["updatedAt"],
        created_at=plain.get("createdAt", ""),
        origin=plain.get("origin", ""),
        execution=plain.get("claimedBy"),
        error=plain.get("error", {}),
        warnings=tuple(plain.get("warnings", {}).values()),
        dismissed=plain.get("dismissed", {}),
        payload=plain.get("payload"),
    )


def _plain(attribute: Mapping[str, Any]) -> Any:
    if "M" in attribute:
        return {name: _plain(inner) for name, inner in attribute["M"].items()}
    return attribute.get("S", attribute.get("N"))
