"""Tell where one lead is, why, and what to do next."""

import argparse

from operations.console import Console
from operations.errors import OperationsError
from operations.executions import RUNNING, Execution, Executions
from operations.findings import PERMANENT_ERRORS
from operations.leads import COMPLETED, FAILED, SUBMITTED, Lead, Leads
from operations.stack import Stack

EXAMPLE = "status 4b1e8d1c-7a44-4f5e-9a55-0f4cf0a9be11"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lead_id", metavar="LEAD_ID")


def run(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    lead = Leads(stack).get(options.lead_id)
    if lead is None:
        raise OperationsError(
            f"There is no lead {options.lead_id}. An event that waits in the dead-letter queue is not in the table"
            f" yet: {stack.command('failed')}"
        )
    execution = Executions(stack).describe(lead.execution) if lead.execution else None
    advice = _advice(lead, execution, stack)
    lines = {
        "lead": lead.lead_id,
        "status": lead.status,
        "step": lead.step,
        "error": ": ".join(lead.error[key] for key in ("step", "code", "description") if key in lead.error),
        "warning": "; ".join(f"{each['step']}: {each['description']}" for each in lead.warnings),
        "created": lead.created_at,
        "updated": lead.updated_at,
        "execution": f"{execution.arn} ({execution.status})" if execution else "",
        "dismissed": ", ".join(lead.dismissed.values()),
        "next": advice,
    }
    for name, value in lines.items():
        if value:
            console.say(f"{name:<11}{value}")
    result = {
        "leadId": lead.lead_id,
        "status": lead.status,
        "step": lead.step,
        "createdAt": lead.created_at,
        "updatedAt": lead.updated_at,
        "error": lead.error,
        "warnings": list(lead.warnings),
        "execution": {"arn": execution.arn, "status": execution.status} if execution else None,
        "dismissed": lead.dismissed,
        "next": advice,
    }
    console.result({name: value for name, value in result.items() if value})
    return 0


def _advice(lead: Lead, execution: Execution | None, stack: Stack) -> str:
    if lead.status == COMPLETED:
        return "nothing; look at the CRM's record if the warning matters" if lead.warnings else "nothing"
    if lead.dismissed:
        return "nothing; it was dismissed"
    if lead.status == FAILED:
        if lead.error.get("code") in PERMANENT_ERRORS:
            return (
                f"it can't pass: submit it corrected, then {stack.command(f'dismiss {lead.lead_id} --reason …')}"
            )
        return f"once the cause is gone: {stack.command(f'replay {lead.lead_id}')}"
    if lead.status == SUBMITTED:
        return f"wait; if it stays so, look for its event: {stack.command('failed')}"
    if execution is not None and execution.status == RUNNING:
        return "wait; the step is done or retried by itself for at least ten minutes"
    return f"its execution does not run: {stack.command(f'replay {lead.lead_id}')}"
