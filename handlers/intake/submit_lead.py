"""`POST /leads`: note the lead, put it on the event bus, answer 202."""

import uuid
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import aws, day_count, fingerprint, http, lead_event, lead_table, log, rut, settings
from handlers.shared.contract import Contract
from handlers.shared.day_count import DayCount
from handlers.shared.errors import EventBusUnavailable
from handlers.shared.fingerprint import Fingerprints
from handlers.shared.lead_table import SUBMITTED, LeadTable


class EventBus:
    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def publish(self, lead_id: str, lead: dict[str, Any]) -> None:
        """Raise EventBusUnavailable when the bus did not take the event."""
        entry = lead_event.entry(self._name, lead_id, lead)
        try:
            answer = aws.call(self._client.put_events, "Entries", Entries=[entry])
        except (BotoCoreError, ClientError) as error:
            raise EventBusUnavailable("the event bus can't be reached; send the lead again") from error
        if answer.get("FailedEntryCount"):  # PutEvents answers 200 all the same
            raise EventBusUnavailable("the event bus did not take the lead; send it again")


def submit(
    lead: dict[str, Any],
    table: LeadTable,
    fingerprints: Fingerprints,
    bus: EventBus,
    count: DayCount,
    limit: int,
) -> str:
    """The new lead's id. Either the lead is on the bus, or nothing of it remains and an error is raised.

    `limit`: how many leads are taken in a day.
    """
    lead_id = str(uuid.uuid4())
    day = count.take(limit)
    try:
        table.submit(lead_id, lead["origin"], fingerprints.of(lead_id, lead))
    except BaseException:
        count.give_back(day)
        raise
    try:
        bus.publish(lead_id, lead)
    except EventBusUnavailable:
        if table.withdraw(lead_id):
            count.give_back(day)
        raise
    log.info("lead submitted", leadId=lead_id, origin=lead["origin"])
    return lead_id


@cache
def _bus() -> EventBus:
    return EventBus(aws.client("events"), settings.required("EVENT_BUS_NAME"))


@http.operation
def handler(event: http.Event, _context: Any) -> http.Answer:
    lead = rut.with_canonical(http.json_body(event, Contract.bundled(), "Lead"))
    limit = int(settings.required("INTAKE_DAILY_LIMIT"))
    lead_id = submit(
        lead,
        lead_table.from_environment(),
        fingerprint.from_environment(),
        _bus(),
        day_count.from_environment(),
        limit,
    )
    return http.resource(202, {"leadId": lead_id, "status": SUBMITTED}, {"Location": f"leads/{lead_id}"})
