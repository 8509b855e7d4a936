"""Leads on their way: waiting until they have ended."""

import time
from collections.abc import Mapping, Sequence

from operations.console import Console
from operations.errors import OperationsError
from operations.leads import COMPLETED, FAILED, Lead, Leads
from operations.stack import Stack

WAIT_SECONDS = 20 * 60  # longer than the retries of one step
_POLL_SECONDS = (0.1, 2.0)  # from the first look to the later ones


def follow(
    stack: Stack,
    lead_ids: Sequence[str],
    console: Console,
    *,
    failed_before: Mapping[str, str | None] | None = None,
    seconds: float = WAIT_SECONDS,
) -> list[Lead]:
    """Each lead once it has completed or failed. Raise OperationsError when one takes longer.

    `failed_before`: lead -> the execution whose failure is being replayed, and so is no end.
    """
    leads = Leads(stack)
    deadline = time.monotonic() + seconds
    ended: dict[str, Lead] = {}
    pause, longest = _POLL_SECONDS
    while True:
        for lead_id in lead_ids:
            lead = leads.get(lead_id) if lead_id not in ended else None
            if lead is not None and _has_ended(lead, (failed_before or {}).get(lead_id)):
                ended[lead_id] = lead
        waiting = len(lead_ids) - len(ended)
        if not waiting:
            return [ended[lead_id] for lead_id in lead_ids]
        if time.monotonic() > deadline:
            raise OperationsError(
                f"{waiting} of {len(lead_ids)} leads have not ended after {seconds:.0f} s. They go on without this"
                f" command; ask again with: {stack.command('status LEAD_ID')}"
            )
        console.progress(f"waiting for {waiting} of {len(lead_ids)} leads")
        time.sleep(pause)
        pause = min(pause * 1.3, longest)


def _has_ended(lead: Lead, failed_before: str | None) -> bool:
    return lead.status == COMPLETED or (lead.status == FAILED and lead.execution != failed_before)
