"""Take leads and dead letters that can never pass, and leads that never began, off the list."""

import argparse
import getpass
import os

from operations import findings
from operations.console import Console
from operations.dead_letters import DeadLetters
from operations.errors import Unusable
from operations.leads import FAILED, SUBMITTED, Lead, Leads
from operations.stack import Stack

EXAMPLE = 'dismiss 4b1e8d1c-7a44-4f5e-9a55-0f4cf0a9be11 --reason "submitted again with the right RUT"'

# What may be dismissed, and what it comes to.
_ENDS = {
    FAILED: ", and its event removed",
    SUBMITTED: "; should its event arrive after all, it goes on",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ids",
        nargs="+",
        metavar="ID",
        help="failed leads, leads that never began, or dead letters, as `failed` shows them",
    )
    parser.add_argument("--reason", required=True, help="why; kept with the lead, so without personal data")


def run(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    if not options.reason.strip():
        raise Unusable("--reason is empty: whoever looks at the lead later wants to know why.")
    leads, by = Leads(stack), _who(stack)
    dismissed, others = [], []
    for lead_id in options.ids:
        lead = leads.get(lead_id)
        if lead is None or lead.status not in _ENDS:
            others.append(lead_id)
        elif lead.dismissed:
            console.say(f"{lead_id:<36}  was dismissed before, by {lead.dismissed.get('by')}")
        elif _dismiss(leads, lead, by, options.reason):
            console.say(f"{lead_id:<36}  dismissed{_ENDS[lead.status]}")
            dismissed.append(lead_id)
        else:
            others.append(lead_id)
    letters = _dismiss_letters(stack, others, console) if others else []
    refused = [lead_id for lead_id in others if lead_id not in letters]
    for lead_id in refused:
        console.error(
            f"{lead_id:<36}  is neither a failed lead, nor one that never began, nor a dead letter;"
            f" see {stack.command('failed')}"
        )
    console.result({"dismissed": [*dismissed, *letters], "refused": refused})
    return 1 if refused else 0


def _dismiss(leads: Leads, lead: Lead, by: str, reason: str) -> bool:
    if lead.status == SUBMITTED:
        return leads.dismiss_unstarted(lead, by, reason)
    return leads.dismiss(lead, by, reason)


def _dismiss_letters(stack: Stack, ids: list[str], console: Console) -> list[str]:
    queue = DeadLetters(stack)
    found = []
    with queue.held() as letters:
        read = list(letters)
        chosen = {letter_id: findings.named(letter_id, read) for letter_id in ids}
        for letter_id, named in chosen.items():
            for letter in named:
                queue.delete(letter)
            if named:
                console.say(f"{letter_id:<36}  taken out of the dead-letter queue")
                found.append(letter_id)
    return found


def _who(stack: Stack) -> str:
    if stack.place.is_local:
        try:
            return getpass.getuser()
        except (OSError, KeyError):  # nobody of that number is known here, as in some containers
            return f"user {os.getuid()}"
    return str(stack.client("sts").get_caller_identity()["Arn"])
