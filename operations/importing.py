"""Sending the leads of a file: noted in the table and put on the bus, ten at a time."""

import time
from collections.abc import Sequence
from typing import Any

from handlers.shared import lead_event
from handlers.shared.lead_table import LeadTable
from operations.errors import NotTaken
from operations.pace import Pace
from operations.stack import Stack

BATCH = 10  # what PutEvents takes
_TRIES = 6
_FIRST_PAUSE = 0.5  # seconds, doubled for each further try

Leads = Sequence[tuple[str, dict[str, Any]]]


class Sender:
    def __init__(self, stack: Stack, pace: Pace) -> None:
        self._bus = stack.client("events")
        self._bus_name = stack.bus_name
        client = stack.client("dynamodb")
        self._table = LeadTable(client, stack.table_name)
        self._known = client.exceptions.ConditionalCheckFailedException
        self._pace = pace

    def send(self, leads: Leads) -> None:
        """Each lead with its id. Raise NotTaken when the bus does not take them all."""
        for lead_id, lead in leads:
            self._pace.wait()
            try:
                self._table.submit(lead_id, lead["origin"])
            except self._known:
                continue  # noted by a run that could not write it down
        waiting = leads
        for attempt in range(_TRIES):
            waiting = self._put(waiting)
            if not waiting:
                return
            time.sleep(_FIRST_PAUSE * 2**attempt)
        for lead_id, _ in waiting:
            self._table.withdraw(lead_id)
        raise NotTaken(
            f"the event bus did not take {len(waiting)} leads, tried {_TRIES} times. Run the same command again"
            " when the bus is well."
        )

    def _put(self, leads: Leads) -> Leads:
        """Those that the bus did not take: PutEvents answers 200 all the same."""
        entries = [lead_event.entry(self._bus_name, lead_id, lead) for lead_id, lead in leads]
        answers = self._bus.put_events(Entries=entries).get("Entries", ())
        if len(answers) != len(leads):  # not AWS's answer: sending them again does no harm
            return leads
        return [lead for lead, answer in zip(leads, answers, strict=True) if "EventId" not in answer]
