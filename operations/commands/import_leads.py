"""Send the leads of a file, CSV or JSON lines; running it again sends nothing twice."""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from operations import contract, rows
from operations.console import Console
from operations.importing import BATCH, Sender
from operations.journal import Journal
from operations.pace import Pace
from operations.stack import Stack

EXAMPLE = "import leads.csv --origin web --rate 20 --dry-run"
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="*.csv with a header, or *.jsonl")
    parser.add_argument("--origin", choices=("web", "app"), help="for rows that name none")
    parser.add_argument("--rate", type=float, default=20, help="at most so many leads a second (default: 20)")
    parser.add_argument("--dry-run", action="store_true", help="only check every row")
    parser.add_argument("--journal", type=Path, help="what was sent already (default: FILE.journal)")


def run(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    return _check(options, console) if options.dry_run else _import(options, stack, console)


def _check(options: argparse.Namespace, console: Console) -> int:
    counts: Counter[str] = Counter()
    rejected = []
    for row in _rows(options):
        counts["rejected" if row.reason else "valid"] += 1
        if row.reason:
            console.say(f"line {row.line}: {row.reason}")
            rejected.append({"line": row.line, "reason": row.reason})
        console.progress(f"line {row.line} read: {_said(counts)}")
    console.say(f"{_said(counts)} (dry run: nothing was sent)")
    console.result({"counts": counts, "rejected": rejected})
    return 1 if rejected else 0


def _import(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    counts: Counter[str] = Counter()
    sender = Sender(stack, Pace(options.rate))
    path = options.journal or options.file.with_name(f"{options.file.name}.journal")
    rows.format_of(options.file)
    with Journal(path, f"{stack.region} {stack.table_name}") as journal:
        rejects = rows.Rejects(options.file)
        batch: dict[str, rows.Row] = {}

        def send() -> None:
            sender.send([(lead_id, row.lead) for lead_id, row in batch.items()])
            journal.add(batch)
            counts["sent"] += len(batch)
            batch.clear()

        try:
            for row in _rows(options):
                lead_id = "" if row.reason else journal.lead_id(row.lead)
                if row.reason:
                    rejects.add(row)
                    counts["rejected"] += 1
                    if counts["rejected"] <= _SHOWN:
                        console.say(f"line {row.line}: {row.reason}")
                elif lead_id in journal.sent or lead_id in batch:
                    counts["known"] += 1
                else:
                    batch[lead_id] = row
                if len(batch) == BATCH:
                    send()
                console.progress(f"line {row.line} read: {_said(counts)}")
            if batch:
                send()
        finally:
            rejects.close()
            console.say(_said(counts))
    if counts["rejected"]:
        console.say(f"rejected rows, each with its reason: {rejects.path}")
    console.say(f"what became of them: {stack.command('failed')}")
    reject_file = str(rejects.path) if counts["rejected"] else None
    console.result({"counts": counts, "journal": str(path), "rejectFile": reject_file})
    return 1 if counts["rejected"] else 0


def _rows(options: argparse.Namespace) -> Iterator[rows.Row]:
    defaults = {"origin": options.origin} if options.origin else {}
    return rows.read(options.file, contract.load(), defaults)


def _said(counts: Counter[str]) -> str:
    words = {"sent": "sent", "valid": "valid", "known": "sent before", "rejected": "rejected"}
    return ", ".join(f"{counts[key]} {word}" for key, word in words.items() if counts[key]) or "nothing sent"
