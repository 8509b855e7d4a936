"""List what needs an operator: failed leads, stuck ones and dead letters, each with its reason."""

import argparse

from operations import findings
from operations.commands import selection
from operations.console import Console
from operations.stack import Stack

EXAMPLE = "failed --state CreateClient --since 2h"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    selection.add_arguments(parser)


def run(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    found = findings.all_of(stack, selection.wanted(options))
    for finding in found:
        console.say(line(finding))
    counts = {kind: sum(finding.kind == kind for finding in found) for kind in findings.KINDS}
    console.say(", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "nothing failed")
    if any(finding.replayable and finding.error not in findings.PERMANENT_ERRORS for finding in found):
        console.say(f"once the cause is gone: {stack.command('replay --all')}")
    console.result({"counts": counts, "findings": [finding.as_dict() for finding in found]})
    return 0


def line(finding: findings.Finding) -> str:
    return (
        f"{finding.id:<36}  {finding.kind:<11}  {finding.since}  {finding.state}: {finding.error}:"
        f" {finding.description}"
    )
