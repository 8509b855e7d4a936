"""Send the leads of a file, CSV or JSON lines; running it again sends nothing twice."""

import argparse
import hashlib
import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from operations import contract, rows
from operations.console import Console
from operations.importing import BATCH, Sender
from operations.journal import Journal
from operations.judging import KNOWN, REJECTED, SENT, VALID, Judged, said
from operations.pace import PER_SECOND, Pace
from operations.stack import Stack

EXAMPLE = "import leads.csv --origin web --rate 20 --dry-run"
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="*.csv with a header, or *.jsonl, in UTF-8")
    parser.add_argument("--origin", choices=("web", "app"), help="for rows that name none")
    parser.add_argument("--rate", type=PER_SECOND, default=20, help="at most so many leads a second (default: 20)")
    parser.add_argument("--dry-run", action="store_true", help="only check every row; needs no stack")
    parser.add_argument(
        "--journal",
        type=Path,
        help="what was sent already (default: FILE.journal); rejected rows are written beside it",
    )


def run_offline(options: argparse.Namespace, console: Console) -> int | None:
    """A dry run; None when the command needs its stack."""
    if not options.dry_run:
        return None
    counts: Counter[str] = Counter()
    rejected: list[dict[str, Any]] = []
    seen: set[bytes] = set()

    def told(row: rows.Row) -> None:
        if row.reason:
            console.say(f"{row.record.place}: {row.reason}")
            rejected.append({"line": row.record.first, "reason": row.reason})
        digest = hashlib.sha256(json.dumps(row.lead, sort_keys=True).encode()).digest()
        counts[REJECTED if row.reason else KNOWN if digest in seen else VALID] += 1
        seen.add(digest)
        console.progress(f"line {row.record.last} read: {said(counts)}")

    _judged(options, told).close()
    console.say(f"{said(counts)} (dry run: nothing was sent)")
    console.result({"counts": counts, "rejected": rejected})
    return 1 if rejected else 0


def run(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    sender = Sender(stack, Pace(options.rate))
    path = options.journal or options.file.with_name(f"{options.file.name}.journal")
    counts: Counter[str] = Counter()

    def told(row: rows.Row) -> None:
        if row.reason:
            counts[REJECTED] += 1
            if counts[REJECTED] <= _SHOWN:
                console.say(f"{row.record.place}: {row.reason}")
        console.progress(f"line {row.record.last} read")

    with closing(_judged(options, told)) as judged, Journal(path, f"{stack.region} {stack.table_name}") as journal:
        reject_file = judged.rejects.write(path.parent)
        if reject_file:
            console.say(f"rejected rows, each with its reason: {reject_file}")
        try:
            _send(judged, journal, sender, counts, console)
        finally:
            console.say(said(counts))
    console.say(f"what became of them: {stack.command('failed')}")
    shown = str(reject_file) if reject_file else None
    console.result({"counts": counts, "journal": str(path), "rejectFile": shown})
    return 1 if counts[REJECTED] else 0


def _judged(options: argparse.Namespace, told: Any) -> Judged:
    defaults = {"origin": options.origin} if options.origin else {}
    return Judged(options.file, contract.load(), defaults, told)


def _send(judged: Judged, journal: Journal, sender: Sender, counts: Counter[str], console: Console) -> None:
    batch: dict[str, dict[str, Any]] = {}

    def send() -> None:
        judged.source.check_unchanged()
        sender.send(list(batch.items()), taken)
        batch.clear()

    def taken(lead_ids: Any) -> None:
        counts[SENT] += len(lead_ids)
        journal.add(lead_ids)

    for lead, as_given in judged.leads():
        lead_id = journal.lead_id(lead, as_given)
        if lead_id in journal.sent or lead_id in batch:
            counts[KNOWN] += 1
        else:
            batch[lead_id] = lead
        if len(batch) == BATCH:
            send()
        console.progress(f"{said(counts)}, of {judged.count} leads")
    if batch:
        send()
