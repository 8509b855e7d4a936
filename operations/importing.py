"""Sending the leads of a file: noted in the table and put on the bus, ten at a time."""

from collections.abc import Callable, Sequence
from typing import Any

from handlers.shared import lead_event
from handlers.shared.errors import Unavailable
from handlers.shared.lead_table import LeadTable
from operations.errors import NotTaken
from operations.interrupts import Held, held
from operations.pace import Pace
from operations.stack import Stack

BATCH = 10  # what PutEvents takes
_TRIES = 6
_FIRST_PAUSE = 0.5  # seconds, doubled for each further try

Leads = Sequence[tuple[str, dict[str, Any]]]
Taken = Callable[[Sequence[str]], None]


class Sender:
    def __init__(self, stack: Stack, pace: Pace) -> None:
        self._bus = stack.client("events")
        self._bus_name = stack.bus_name
        client = stack.client("dynamodb")
        self._table = LeadTable(client, stack.table_name)
        self._known = client.exceptions.ConditionalCheckFailedException
        self._pace = pace

    def send(self, leads: Leads, taken: Taken = lambda _: None) -> None:
        """Each lead with its id; `taken` hears of those that are on the bus, also when the others are not.

        Raise NotTaken when the bus does not take them all. Whatever ends this, an interrupt too, takes back the
        notes of the leads that the bus has not taken.
        """
        self._pace.wait(len(leads))
        with held() as interrupt:
            waiting = dict(leads)
            noted: list[str] = []
            try:
                for lead_id, lead in leads:
                    noted.append(lead_id)  # before it is known: the answer may get lost
                    self._note(lead_id, lead)
                self._put_all(waiting, taken, interrupt)
            except BaseException:
                self._withdraw([lead_id for lead_id in noted if lead_id in waiting])
                raise
            self._withdraw(list(waiting))
        if waiting:
            raise NotTaken(
                f"the event bus did not take {len(waiting)} leads, tried {_TRIES} times. Run the same command"
                " again when the bus is well."
            )

    def _note(self, lead_id: str, lead: dict[str, Any]) -> None:
        try:
            self._table.submit(lead_id, lead["origin"])
        except self._known:
            pass  # noted by a run that could not write it down
        except Unavailable as error:
            raise NotTaken(f"{error}. Run the same command again when it can.") from error

    def _put_all(self, waiting: dict[str, dict[str, Any]], taken: Taken, interrupt: Held) -> None:
        """Leaves in `waiting` those that the bus does not take."""
        for attempt in range(_TRIES):
            done = self._put(list(waiting.items()))
            for lead_id in done:
                del waiting[lead_id]
            if done:
                taken(done)
            if not waiting:
                return
            if attempt < _TRIES - 1:
                interrupt.sleep(_FIRST_PAUSE * 2**attempt)
            if interrupt.came is not None:
                return

    def _put(self, leads: Leads) -> list[str]:
        """Those that the bus took: PutEvents answers 200 all the same."""
        entries = [lead_event.entry(self._bus_name, lead_id, lead) for lead_id, lead in leads]
        answers = self._bus.put_events(Entries=entries).get("Entries", ())
        if len(answers) != len(leads):  # not AWS's answer: sending them again does no harm
            return []
        return [lead_id for (lead_id, _), answer in zip(leads, answers, strict=True) if "EventId" in answer]

    def _withdraw(self, lead_ids: Sequence[str]) -> None:
        """A lead that has begun meanwhile stays."""
        for done, lead_id in enumerate(lead_ids):
            try:
                self._table.withdraw(lead_id)
            except Unavailable as error:
                raise NotTaken(
                    f"{error}. {len(lead_ids) - done} leads are noted there as SUBMITTED and are not on the bus."
                    " Run the same command again when it can: it sends them. Else dismiss them, once `failed`"
                    " lists them."
                ) from error
