"""How many leads the intake has taken today (UTC): one counter for each day, in the table of leads."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import aws, log, settings
from handlers.shared.errors import DailyLimitReached, Unavailable

KEY_PREFIX = "intake#"  # no lead's id holds a #
KEPT = timedelta(days=35)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DayCount:
    """Each change is one atomic write, so that the count is right however many functions take at once.

    Where an answer of the table is lost, a lead may be counted twice; never too few.
    """

    def __init__(self, client: Any, table_name: str, clock: Callable[[], datetime] = _utc_now) -> None:
        self._client = client
        self._table = table_name
        self._clock = clock

    def take(self, limit: int) -> str:
        """Count one lead; the day's key, to give it back by. Raises DailyLimitReached or Unavailable."""
        now = self._clock()
        key = _key(now)
        values = {
            ":one": {"N": "1"},
            ":limit": {"N": str(limit)},
            ":expires": {"N": str(int((now + KEPT).timestamp()))},
        }
        try:
            self._call(
                "update_item",
                "Attributes",
                ReturnValues="UPDATED_NEW",
                Key={"leadId": {"S": key}},
                UpdateExpression="SET expiresAt = :expires ADD taken :one",
                ConditionExpression="attribute_not_exists(taken) OR taken < :limit",
                ExpressionAttributeValues=values,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise DailyLimitReached(
                "as many leads have been taken today as this service takes in a day; send it again tomorrow",
                retry_after=_seconds_to_midnight(now),
            ) from None
        return key

    def give_back(self, key: str) -> None:
        """A lead that was counted was not accepted. Where the table can't be reached, the count stays too high."""
        try:
            self._call(
                "update_item",
                Key={"leadId": {"S": key}},
                UpdateExpression="ADD taken :minus_one",
                ExpressionAttributeValues={":minus_one": {"N": "-1"}},
            )
        except Unavailable:
            log.warning("a lead that was not accepted stays counted", count=key)

    def taken(self) -> int:
        """How many leads have been taken today."""
        item = self._call("get_item", Key={"leadId": {"S": _key(self._clock())}}).get("Item")
        return int(item["taken"]["N"]) if item else 0

    def _call(self, method: str, proof: str | None = None, **arguments: Any) -> dict[str, Any]:
        try:
            return aws.call(getattr(self._client, method), proof, TableName=self._table, **arguments)
        except self._client.exceptions.ConditionalCheckFailedException:
            raise
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("the count of the day's leads can't be reached; try again later") from error


@cache
def from_environment() -> DayCount:
    return DayCount(aws.client("dynamodb"), settings.required("LEAD_TABLE_NAME"))


def _key(now: datetime) -> str:
    return f"{KEY_PREFIX}{now.date().isoformat()}"


def _seconds_to_midnight(now: datetime) -> int:
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    return math.ceil((midnight - now).total_seconds())
