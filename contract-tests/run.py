"""Proves a deployed API against openapi.yaml: Schemathesis first, then the rules that a schema can't say.

    python contract-tests/run.py                             the local stack, started if it isn't
    URL=https://… API_KEY=… python contract-tests/run.py     a stage somewhere else

SEED=7 or SEED=random; EXAMPLES=1000 for each operation (default 100); CASSETTE=1 keeps every request and answer.
A part of a run:  python contract-tests/run.py --part schemathesis -- --phases stateful --include-tag crm
CLEANER=<the stack's output migrations_function_name>, with AWS credentials, removes the rows of a stage elsewhere.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from command_line import boundary

with boundary.imports():
    from support import contract, journal, report
    from support.loopback import spare_from_proxies
    from support.stack import ROOT, Removal, Stack, StackError

RESULTS = ROOT / "build" / "contract"
DEFAULT_EXAMPLES = 100
REPORTS = (
    *("answers.jsonl", "schemathesis.xml", "schemathesis.json", "cassette.yaml", "rules.xml"),
    *("summary.txt", "summary.json"),
)
PARTS = ("schemathesis", "rules")
INTERRUPTED = "interrupted; the next run removes what this one may have left"
# On AWS a key that a deployment has just made is refused for some minutes.
KEY_SECONDS = 180


def main() -> int:
    return boundary.run(begun, boundary.Plain(), interrupted=INTERRUPTED)


def begun() -> int:
    parser = boundary.Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="the local cloud's folder (default: .leadbridge/local)")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of the reports (default: build/contract)"
    )
    parser.add_argument("--part", choices=PARTS, help="only this one of the two")
    parser.add_argument("more", nargs="*", help="after --, further options of `schemathesis run`")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    spare_from_proxies()
    return run(options)


def run(options: argparse.Namespace) -> int:
    started = time.monotonic()
    results: Path = options.results.resolve()
    seed, examples = contract.seed(), contract.whole("EXAMPLES", DEFAULT_EXAMPLES, low=1)
    say(f"seed {seed}, {examples} examples of an operation in a phase")
    stack = Stack.given()
    if stack is None:
        say("the local stack is started, or brought up to date")
        stack = Stack.deployed(options.home)
    say(f"stack {stack.url}")
    stack.check(patience=0 if stack.outputs else KEY_SECONDS)
    clean_up_after_others(stack)
    results.mkdir(parents=True, exist_ok=True)
    for name in REPORTS:  # the folder may hold other things
        (results / name).unlink(missing_ok=True)
    record = results / "answers.jsonl"
    environment = {**os.environ, "API_KEY": stack.api_key, "CONTRACT_RECORD": str(record), "SEED": str(seed)}
    commands = {
        "schemathesis": schemathesis(stack, seed, examples, results) + options.more,
        "rules": rules(results),
    }
    wanted = [options.part] if options.part else PARTS
    failed, removal = [], None
    with journal.opened(stack.url) as lock:
        environment |= {journal.FILE: os.environ[journal.FILE], **where(stack, options.home)}
        try:
            for part in wanted:
                if shown(commands[part], environment, lock) != 0:
                    failed.append(part)
        finally:
            try:
                removal = clean(stack)
            except StackError as error:
                say(str(error))
                failed.append("cleaning")
    summary = report.Summary(
        seed=seed,
        seconds=round(time.monotonic() - started, 1),
        failed=failed,
        operations=report.cases(report.read(record)),
        rows_removed=removal.removed if removal else None,
        rows_kept=len(removal.kept) if removal else 0,
    )
    summary.write(results)
    for path in filter(Path.is_file, (results / name for name in REPORTS if name.endswith(".xml"))):
        path.write_text(report.runnable(path.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"\n{summary.text()}reports in {results}\n")
    return 0 if summary.passed else 1


def where(stack: Stack, home: Path | None) -> dict[str, str]:
    """How the tests find the same stack again."""
    if stack.outputs:
        return {"STACK_HOME": str(home or ROOT / ".leadbridge" / "local")}
    return {"URL": stack.url}


def schemathesis(stack: Stack, seed: int, examples: int, results: Path) -> list[str]:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "openapi.yaml", "--url", stack.url]
    command += ["--seed", str(seed), "--max-examples", str(examples)]
    command += ["--report-junit-path", str(results / "schemathesis.xml")]
    command += ["--report-json-path", str(results / "schemathesis.json")]
    if os.environ.get("CASSETTE"):
        command += ["--report-vcr-path", str(results / "cassette.yaml")]
    return command


def rules(results: Path) -> list[str]:
    """Everything but Schemathesis' own cases, which have just run, and the tests of this suite."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "contract-tests/provider"]
    command += [f"--ignore=contract-tests/provider/{name}" for name in ("test_schemathesis.py", "test_suite.py")]
    return [*command, f"--junitxml={results / 'rules.xml'}"]


def shown(command: list[str], environment: Mapping[str, str], lock: int) -> int:
    """Run a command, show what it prints as it comes, and return its exit code. It holds the rows' file, too."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[lock],
    )
    assert process.stdout
    try:
        for line in process.stdout:
            sys.stdout.write(report.runnable(line))
            sys.stdout.flush()
        return process.wait()
    finally:
        process.terminate()  # an interrupt ends what was begun, too; one that has ended is left alone
        process.wait()
        process.stdout.close()


def clean_up_after_others(stack: Stack) -> None:
    """Raise StackError on a protected stack, before anything is written."""
    stack.remove_rows([])
    with journal.left_behind(stack.url) as files:
        for path in files:
            tell(stack.remove_file(path), f"of an earlier run, see {path}")


def clean(stack: Stack) -> Removal | None:
    removal = stack.remove_test_rows()
    tell(removal, f"see {os.environ[journal.FILE]}")
    return removal


def tell(removal: Removal | None, where: str) -> None:
    if removal is None:
        say(f"rows stay, {where}: set CLEANER, and the next run removes them")
    elif any(removal.removed.values()):
        say(f"removed {', '.join(f'{count} of {table}' for table, count in removal.removed.items())}")


def say(text: str) -> None:
    sys.stdout.write(f"contract      {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
