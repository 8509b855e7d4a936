"""List the leads that went on although the CRM held other data for their client, which it kept."""

import argparse

from operations import times
from operations.console import Console
from operations.leads import Lead, Leads
from operations.stack import Stack

EXAMPLE = "warnings --since 7d"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since", metavar="TIME", help="only leads that changed since then: 15m, 2h, 3d ago, or ISO 8601"
    )


def run(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    since = times.iso(times.parse(options.since)) if options.since else ""
    found: list[Lead] = []
    for lead in Leads(stack).warned(since=since):
        found.append(lead)
        console.progress(f"reading the table of leads: {len(found)} with a warning")
    found.sort(key=lambda lead: lead.updated_at)
    for lead in found:
        said = "; ".join(f"{each['step']}: {each['description']}" for each in lead.warnings)
        console.say(f"{lead.lead_id:<36}  {lead.status:<10}  {lead.updated_at}  {said}")
    console.say(f"{len(found)} with a warning" if found else "no lead has a warning")
    console.result({"leads": [_entry(lead) for lead in found]})
    return 0


def _entry(lead: Lead) -> dict[str, object]:
    return {
        "leadId": lead.lead_id,
        "status": lead.status,
        "updatedAt": lead.updated_at,
        "warnings": list(lead.warnings),
    }
