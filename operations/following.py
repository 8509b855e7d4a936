"""Leads on their way: waiting until they have ended."""

import time
from collections.abc import Mapping, Sequence

from operations.console import Console
from operations.errors import OperationsError
from operations.executions import RUNNING, Executions
from operations.leads import COMPLETED, FAILED, Lead, Leads
from operations.replay import Outcome
from operations.stack import Stack

WAIT_SECONDS = 20 * 60  # longer than the retries of one step
_POLL_SECONDS = (0.1, 2.0)  # from the first look to the later ones


def follow(
    stack: Stack,
    lead_ids: Sequence[str],
    console: Console,
    *,
    replays: Mapping[str, Outcome] | None = None,
    seconds: float = WAIT_SECONDS,
) -> list[Lead]:
    """Each lead once it has completed or failed. Raise OperationsError when one takes longer.

    `replays`: lead -> its replay. The failure that is being replayed is no end, unless the replay has ended too.
    """
    leads, executions = Leads(stack), Executions(stack)

    def has_ended(lead: Lead) -> bool:
        replay = (replays or {}).get(lead.lead_id)
        if lead.status != FAILED or replay is None or lead.execution != replay.failed_execution:
            return lead.status in (COMPLETED, FAILED)
        return replay.execution is None or executions.describe(replay.execution).status != RUNNING

    deadline = time.monotonic() + seconds
    ended: dict[str, Lead] = {}
    pause, longest = _POLL_SECONDS
    while True:
        for lead_id in lead_ids:
            lead = leads.get(lead_id) if lead_id not in ended else None
            if lead is not None and has_ended(lead):
                ended[lead_id] = leads.get(lead_id) or lead
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
