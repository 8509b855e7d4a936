"""Bring through what failed: one lead, some or all; dead letters too."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from operations import findings, times
from operations.archive import Archive
from operations.commands import selection
from operations.console import Console
from operations.dead_letters import DeadLetter, DeadLetters
from operations.errors import NotTaken, Unusable
from operations.findings import DEAD_LETTER, PERMANENT_ERRORS, Finding
from operations.following import follow
from operations.leads import COMPLETED, SUBMITTED, Leads
from operations.pace import PER_SECOND, Pace
from operations.replay import IMPOSSIBLE, REPLAYED, UNCHANGED, Outcome, Replayer
from operations.stack import Stack

EXAMPLE = "replay --all --error CrmUnavailable --since 2h --dry-run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID", help="leads or events, by the id that `failed` shows")
    parser.add_argument("--all", action="store_true", help="everything that the other options let through")
    selection.add_arguments(parser)
    parser.add_argument(
        "--from",
        type=times.parse,
        dest="start",
        metavar="TIME",
        help="send every event since then again, out of the archive",
    )
    parser.add_argument("--to", type=times.parse, dest="end", metavar="TIME", help="until then (default: now)")
    parser.add_argument("--rate", type=PER_SECOND, default=10, help="at most so many a second (default: 10)")
    parser.add_argument("--dry-run", action="store_true", help="only list what would be replayed")
    parser.add_argument("--wait", action="store_true", help="follow the leads to their end")


def run(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    if options.start:
        return _replay_window(options, stack, console)
    if bool(options.ids) == (options.all or selection.is_narrowed(options)):
        raise Unusable("Say what to replay: ids, or --all, or options such as --state and --error, or --from.")
    outcomes: list[Outcome] = []
    try:
        for outcome in _replay(options, stack):
            console.say(f"{outcome.id:<36}  {outcome.what:<10}  {outcome.note}")
            outcomes.append(outcome)
    finally:
        counts = {what: sum(each.what == what for each in outcomes) for what in (REPLAYED, UNCHANGED, IMPOSSIBLE)}
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        console.say((said or "nothing to replay") + (" (dry run: nothing was done)" if options.dry_run else ""))
    succeeded = not counts[IMPOSSIBLE]
    if options.wait and not options.dry_run:
        succeeded &= _follow([each for each in outcomes if each.what == REPLAYED], stack, console)
    console.result({"counts": counts, "outcomes": [outcome.as_dict() for outcome in outcomes]})
    return 0 if succeeded else 1


def _replay_window(options: argparse.Namespace, stack: Stack, console: Console) -> int:
    if options.ids or options.all or selection.is_narrowed(options):
        raise Unusable("--from and --to take every event of that time; leave the other choices out.")
    since, until = options.start, options.end or datetime.now(UTC)
    if since >= until:
        raise Unusable(f"--from {times.iso(since)} is not before --to {times.iso(until)}.")
    archive = Archive(stack)
    window = f"the events from {times.iso(since)} to {times.iso(until)} in the archive {archive.name}"
    result = {"from": times.iso(since), "to": times.iso(until), "archive": archive.name}
    if options.dry_run:
        console.say(f"would send {window} (dry run: nothing was done)")
    else:
        result["replay"] = archive.replay(since, until, console)
        console.say(f"sent {window}. Leads that were done stay as they are: {stack.command('failed')}")
    console.result(result)
    return 0


def _replay(options: argparse.Namespace, stack: Stack) -> Iterator[Outcome]:
    replayer, pace = Replayer(stack, dry_run=options.dry_run), Pace(options.rate)
    chosen = _by_id(options.ids, stack) if options.ids else _by_filter(options, stack)
    for lead_id, finding in chosen:
        pace.wait()
        if finding is None:
            yield replayer.lead(lead_id)
        elif finding.error in PERMANENT_ERRORS and options.error is None and not options.ids:
            note = f"it can't pass as it is; --error {finding.error} replays it all the same"
            yield Outcome(id=lead_id, what=UNCHANGED, note=note)
        elif isinstance(finding.subject, DeadLetter):
            yield _dead_letter(replayer, finding.subject, lead_id)
        elif not finding.replayable:
            what = UNCHANGED if finding.error == findings.STILL_RUNNING else IMPOSSIBLE
            yield Outcome(id=lead_id, what=what, note=finding.description)
        else:
            yield replayer.lead(lead_id)


def _dead_letter(replayer: Replayer, letter: DeadLetter, lead_id: str) -> Outcome:
    """One letter that AWS does not take is no reason to leave the others."""
    try:
        return replayer.dead_letter(letter, lead_id)
    except NotTaken as error:
        return Outcome(id=lead_id, what=IMPOSSIBLE, note=str(error))


def _by_id(lead_ids: Sequence[str], stack: Stack) -> Iterator[tuple[str, Finding | None]]:
    leads = Leads(stack)
    started = {lead_id for lead_id in lead_ids if (lead := leads.get(lead_id)) and lead.status != SUBMITTED}
    yield from ((lead_id, None) for lead_id in lead_ids if lead_id in started)
    others = [lead_id for lead_id in lead_ids if lead_id not in started]
    if others:  # their events may wait in the queue
        with DeadLetters(stack).held() as letters:
            read = list(letters)
            found = {lead_id: findings.named(lead_id, read) for lead_id in others}
            for lead_id, named in found.items():
                yield lead_id, findings.of_dead_letter(named[0], stack.flow_arn) if named else None


def _by_filter(options: argparse.Namespace, stack: Stack) -> Iterator[tuple[str, Finding]]:
    wanted = selection.wanted(options)
    # what fails again while this runs is left for the next time
    wanted = replace(wanted, until=wanted.until or times.iso(datetime.now(UTC)))
    for finding in findings.of_leads(stack, wanted):
        yield finding.id, finding
    if wanted.wants(DEAD_LETTER):
        with DeadLetters(stack).held() as letters:
            for finding in (findings.of_dead_letter(letter, stack.flow_arn) for letter in letters):
                if wanted.matches(finding):
                    yield finding.id, finding


def _follow(replayed: Sequence[Outcome], stack: Stack, console: Console) -> bool:
    replays = {outcome.id: outcome for outcome in replayed}
    ended = follow(stack, list(replays), console, replays=replays)
    for lead in ended:
        console.say(f"{lead.lead_id:<36}  {lead.status:<10}  {': '.join(lead.error.values())}")
    return all(lead.status == COMPLETED for lead in ended)
