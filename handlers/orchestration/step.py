"""What the flow's three steps share: one call to the CRM API, and a note of how far the lead has come.

The state machine sends `{"leadId", "execution", "step", "final", "record"}`; `step` is one of the contract's
LeadStep.
"""

from collections.abc import Mapping
from typing import Any

from handlers.orchestration import crm_client
from handlers.orchestration.crm_client import CrmClient
from handlers.shared import lead_table, log
from handlers.shared.errors import LeadbridgeError
from handlers.shared.lead_table import Issue, LeadTable

# The line of a try in vain: the state machine may try again.
NOT_DONE = "step not done"


def run(task: Mapping[str, Any], path: str, crm: CrmClient, table: LeadTable) -> dict[str, str]:
    """Create the record, go on over a conflict, note the step as done. Safe to repeat."""
    try:
        return _run(task, path, crm, table)
    except LeadbridgeError as error:
        log.warning(NOT_DONE, leadId=task["leadId"], step=task["step"], code=error.code, reason=str(error))
        raise


def _run(task: Mapping[str, Any], path: str, crm: CrmClient, table: LeadTable) -> dict[str, str]:
    lead_id, step = task["leadId"], task["step"]
    outcome = crm.create(path, task["record"], lead_id)
    warning = None
    if outcome.conflict:
        warning = Issue(
            step=step,
            code=outcome.code,
            description=f"The CRM holds other data for this {step} and has kept it.",
        )
        log.warning("the CRM keeps other data", leadId=lead_id, step=step, code=outcome.code)
    if not table.progress(lead_id, task["execution"], step, final=task["final"], warning=warning):
        log.warning("the lead belongs to another execution by now", leadId=lead_id, step=step)
    log.info("step done", leadId=lead_id, step=step, code=outcome.code)
    return {"step": step, "outcome": outcome.code}


def handle(task: Mapping[str, Any], path: str) -> dict[str, str]:
    return run(task, path, crm_client.from_environment(), lead_table.from_environment())
