"""`make mutants`: break the product on purpose, one way at a time, and see the contract's tests notice."""

import argparse
import contextlib
import queue
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from mutants import report, table
from mutants.bench import ROOT
from mutants.mutant import Mutant, MutantError, chosen
from mutants.verdict import Verdict
from mutants.worker import Worker

USAGE = """Each mutant is deployed to a local stack from a copy of the repository; your files and stacks stay.

examples:
  make mutants
  make mutants ONLY='database*'
  make mutants ONLY='handlers/backend/,gateway: a page*'
"""
FAILED, UNUSABLE, STOPPED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    started, verdicts = time.monotonic(), list[Verdict]()
    try:
        mutants = chosen(table.ALL, options.only)
        if options.list:
            print("\n".join(mutant.title for mutant in mutants))
            return 0
        _run(mutants, options.workers, verdicts)
    except MutantError as error:
        if verdicts:
            _report(options.output, verdicts, started)
        print(f"mutants: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("mutants: stopped; the stacks and copies are gone", file=sys.stderr)
        return STOPPED
    _report(options.output, verdicts, started)
    return 0 if report.is_good(verdicts) else FAILED


def _report(folder: Path, verdicts: list[Verdict], started: float) -> None:
    """In the table's order."""
    verdicts.sort(key=lambda verdict: table.ALL.index(verdict.mutant))
    seconds = time.monotonic() - started
    paths = report.write(folder, verdicts, seconds)
    print(report.summary(verdicts, seconds))
    print("report: " + "  ".join(str(path) for path in paths))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make mutants",
        description=__doc__,
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        default="*",
        help="parts of titles or files, or patterns with *, separated by commas (default: all)",
    )
    parser.add_argument(
        "--workers", type=int, default=2, choices=range(1, 9), metavar="N", help="stacks side by side"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "mutants", help="the report's folder")
    parser.add_argument("--list", action="store_true", help="print the titles and run nothing")
    return parser.parse_args(arguments)


def _run(mutants: Sequence[Mutant], count: int, found: list[Verdict]) -> None:
    """Verdicts go to `found` as they come. A part of the mutants is controlled by its likely killers only.

    Raise MutantError when a control fails: the verdicts prove nothing then.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job begins without SIGINT
        signal.signal(number, signal.default_int_handler)
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)
    likely = dict.fromkeys(killer for mutant in mutants for killer in mutant.killers)
    control = () if len(mutants) == len(table.ALL) else tuple(likely)

    def note(verdict: Verdict) -> None:
        found.append(verdict)
        print(f"[{len(found)}/{len(mutants)}] {report.line(verdict)}", flush=True)

    def work(worker: Worker, *, is_first: bool) -> None:
        try:
            worker.begin()
            if is_first:
                worker.control(control)
                print("control: the tests pass without a mutant", flush=True)
            worker.work(waiting, note)
            worker.control(control)
        finally:
            worker.end()

    with tempfile.TemporaryDirectory(prefix="leadbridge-mutants-") as folder, ThreadPoolExecutor(count) as pool:
        workers = [Worker(Path(folder) / str(number)) for number in range(min(count, len(mutants)))]
        print(f"{len(mutants)} mutants on {len(workers)} stacks in {folder}", flush=True)
        running = [pool.submit(work, worker, is_first=worker is workers[0]) for worker in workers]
        try:
            _await(running)
        finally:
            for worker in workers:
                worker.stop()
            _await_all(running)


def _await(running: Sequence[Future[None]]) -> None:
    """Raise what the first one raised."""
    done, _ = wait(running, return_when=FIRST_EXCEPTION)
    for each in done:
        each.result()


def _await_all(running: Sequence[Future[None]]) -> None:
    """A second Ctrl-C can't cut the tidying up short."""
    while not all(each.done() for each in running):
        with contextlib.suppress(KeyboardInterrupt):
            wait(running)


if __name__ == "__main__":
    sys.exit(main())
