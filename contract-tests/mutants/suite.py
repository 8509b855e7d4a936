"""The contract's tests, run against a bench, and which of them failed."""

import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutants.bench import Bench
from mutants.mutant import MutantError
from mutants.processes import Runner

TESTS = "contract-tests"
BREAKING_CHANGES = "breaking_changes.py"
NOT_TESTS_OF_THE_CONTRACT = f"{TESTS}/mutants"
LIKELY_SECONDS = 300.0
WHOLE_SECONDS = 900.0
_PASSED, _FAILED, _BROKEN_FILES = 0, 1, 2  # pytest's exit codes


@dataclass(frozen=True, kw_only=True)
class Failure:
    """`test`: its name, below contract-tests."""

    test: str
    message: str


class Suite:
    def __init__(self, bench: Bench, runner: Runner, report: Path) -> None:
        self._bench = bench
        self._runner = runner
        self._report = report

    def first_failure(self, killers: Sequence[str] = ()) -> Failure | None:
        """Of the tests that `killers` name, or of all. Raise MutantError when they could not be run."""
        tests = [f"{TESTS}/{each}" for each in killers] or [TESTS, f"--ignore={NOT_TESTS_OF_THE_CONTRACT}"]
        seconds = LIKELY_SECONDS if killers else WHOLE_SECONDS
        self._report.unlink(missing_ok=True)
        done = self._runner.run(
            [
                *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"),
                *("-o", "junit_family=xunit1", f"--junitxml={self._report}", *tests),
            ],
            seconds=seconds,
            environment={"STACK_HOME": str(self._bench.home)},
        )
        if done.code == _PASSED:
            return None
        if done.code in (_FAILED, _BROKEN_FILES) and (failure := failure_in(self._report)):
            return failure
        end = "has not ended" if done.code is None else f"exit {done.code}"
        raise MutantError(f"pytest {' '.join(tests)}: {end} after at most {seconds:.0f} s\n{done.output[-2000:]}")

    def broken_consumer(self, released: Path) -> Failure | None:
        """What the check of a pull request says of the bench's contract, compared with the released one."""
        command = [sys.executable, f"{TESTS}/{BREAKING_CHANGES}", "--base", str(released)]
        done = self._runner.run(command, seconds=60)
        if done.code == _PASSED:
            return None
        told = [" ".join(line.split()) for line in done.output.splitlines() if "  breaks: " in line]
        if done.code == _FAILED and told:
            return Failure(test=BREAKING_CHANGES, message=told[0])
        raise MutantError(f"{BREAKING_CHANGES}: exit {done.code}\n{done.output[-2000:]}")


def failure_in(report: Path) -> Failure | None:
    """The first failure of a JUnit report."""
    if not report.exists():
        return None
    for case in ElementTree.parse(report).iter("testcase"):
        for kind in ("failure", "error"):
            found = case.find(kind)
            if found is not None:
                return Failure(test=_name(case), message=_first_line(found))
    return None


def _name(case: ElementTree.Element) -> str:
    """A file that could not even be read has no test's name; a test that a library made stands in the library."""
    file, name, module = (case.get(key, "") for key in ("file", "name", "classname"))
    if file and not file.startswith(f"{TESTS}/"):
        file = f"{module.replace('.', '/')}.py"
    return f"{file}::{name}".removeprefix("::").removeprefix(f"{TESTS}/")


def _first_line(found: ElementTree.Element) -> str:
    text = found.get("message") or found.text or ""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:300]
