"""The harness itself: rows that no longer fit, verdicts, reports, processes that end."""

import queue
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mutants import report
from mutants.bench import DeploymentRefused
from mutants.mutant import Mutant, MutantError, chosen, rows
from mutants.processes import Interrupted, Runner
from mutants.suite import Failure, failure_in
from mutants.verdict import Outcome, Verdict, judge
from mutants.worker import Worker

ROW = rows("handlers", "a.py")
SOURCE = "one = 1\ntwo = 1\n"


@pytest.mark.parametrize(
    ("old", "after", "why"),
    [
        ("three", "", "stands there 0 times"),
        (" = 1", "", "stands there 2 times"),
        (" = 1", " = ", "stands there 2 times"),
        ("one", "two", "does not stand behind"),
        ("one", "four", "stands there 0 times"),
        ("one", "", "changes nothing"),
    ],
)
def test_a_row_that_does_not_fit_the_source_is_an_error_that_says_so(old: str, after: str, why: str) -> None:
    with pytest.raises(MutantError, match=why) as raised:
        ROW("a name", old, "one", after=after).apply(SOURCE)
    assert "handlers: a name: a.py" in str(raised.value)


def test_a_row_changes_one_place() -> None:
    assert ROW("", "one", "three").apply(SOURCE) == "three = 1\ntwo = 1\n"
    assert ROW("", "1", "2", after="two").apply(SOURCE) == "one = 1\ntwo = 2\n"


def test_mutants_are_chosen_by_a_part_of_their_title_or_a_pattern() -> None:
    some = [ROW("a wrong status", "1", "2"), ROW("a lost field", "1", "2")]
    assert chosen(some, "wrong") == some[:1]
    assert chosen(some, "handlers: *field") == some[1:]
    assert chosen(some, "a.py") == chosen(some, "lost, wrong") == chosen(some, "*") == some
    with pytest.raises(MutantError, match="no mutant's title or file"):
        chosen(some, "*database*")


class FakeSuite:
    """Fails by `failing` when those tests are among the ones that run; no killers stand for all tests."""

    def __init__(self, failing: str | None) -> None:
        self.failing = failing
        self.asked: list[Sequence[str]] = []

    def first_failure(self, killers: Sequence[str] = ()) -> Failure | None:
        self.asked.append(killers)
        found = self.failing and (not killers or self.failing in killers)
        return Failure(test=self.failing, message="no") if found else None


class FakeBench:
    def __init__(self, refused: Sequence[object] = (), *, is_dead: bool = False) -> None:
        self.refused = list(refused)
        self.is_dead = is_dead
        self.deployed: list[Mutant | None] = []
        self.downs = 0

    def deploy(self, mutant: Mutant | None) -> None:
        self.deployed.append(mutant)
        if mutant in self.refused:
            self.refused.remove(mutant)
            raise DeploymentRefused("the program says no")

    def outputs(self) -> dict[str, Any]:
        if self.is_dead:
            raise MutantError("it is not running")
        return {}

    def down(self) -> None:
        self.downs += 1


def verdict_of(mutant: Mutant, failing: str | None, bench: Any = None) -> tuple[Verdict, FakeSuite]:
    suite = FakeSuite(failing)
    return judge(mutant, bench or FakeBench(), suite), suite


def test_the_likely_killers_try_first_and_all_tests_before_a_mutant_is_called_a_survivor() -> None:
    mutant = ROW("", "1", "2", killers=("a.py", "b.py"), harmless="nobody looks")
    killed, suite = verdict_of(mutant, "b.py")
    assert (killed.outcome, killed.by, suite.asked) == (Outcome.KILLED, "b.py", [("a.py", "b.py")])
    killed, suite = verdict_of(mutant, "c.py")
    assert (killed.outcome, killed.by, suite.asked) == (Outcome.KILLED, "c.py", [("a.py", "b.py"), ()])
    survived, suite = verdict_of(mutant, None)
    assert (survived.outcome, survived.detail, suite.asked[-1]) == (Outcome.SURVIVED, "nobody looks", ())


def test_a_mutant_that_can_not_be_deployed_is_killed_by_the_deployment() -> None:
    mutant = ROW("", "1", "2")
    killed, suite = verdict_of(mutant, None, FakeBench([mutant]))
    assert (killed.outcome, killed.by, killed.detail) == (Outcome.KILLED, "deployment", "the program says no")
    assert suite.asked == []


def test_tests_that_fail_on_a_stack_that_died_kill_nothing() -> None:
    with pytest.raises(MutantError, match="not running"):
        verdict_of(ROW("", "1", "2"), "a.py", FakeBench(is_dead=True))


def worker_with(bench: FakeBench, suite: FakeSuite, folder: Path) -> Worker:
    worker = Worker(folder)
    worker._bench, worker._suite = bench, suite
    return worker


def work(worker: Worker, *mutants: Mutant) -> list[Verdict]:
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    found: list[Verdict] = []
    for mutant in mutants:
        waiting.put(mutant)
    worker.work(waiting, found.append)
    return found


def test_after_a_refused_deployment_the_plain_source_is_deployed_first(tmp_path: Path) -> None:
    bad, good = ROW("bad", "1", "2"), ROW("good", "1", "3")
    bench = FakeBench([bad])
    assert [each.by for each in work(worker_with(bench, FakeSuite("a.py"), tmp_path), bad, good)] == [
        "deployment",
        "a.py",
    ]
    assert bench.deployed == [bad, None, good]


def test_a_stack_that_a_mutant_has_spoilt_is_made_anew(tmp_path: Path) -> None:
    bad = ROW("bad", "1", "2")
    bench = FakeBench([bad, None])
    work(worker_with(bench, FakeSuite(None), tmp_path), bad)
    assert (bench.deployed, bench.downs) == ([bad, None, None], 1)


def test_a_mutant_that_can_not_be_judged_is_an_error_and_gets_no_stack_of_others(tmp_path: Path) -> None:
    bench = FakeBench(is_dead=True)
    (verdict,) = work(worker_with(bench, FakeSuite("a.py"), tmp_path), ROW("bad", "1", "2"))
    assert (verdict.outcome, verdict.detail, bench.downs) == (Outcome.ERROR, "it is not running", 1)


def test_a_control_that_fails_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(MutantError, match=r"without a mutant a\.py fails"):
        worker_with(FakeBench(), FakeSuite("a.py"), tmp_path).control(())


def test_the_last_control_includes_every_test_that_killed_something(tmp_path: Path) -> None:
    suite = FakeSuite("b.py::test[x]")
    worker = worker_with(FakeBench(), suite, tmp_path)
    work(worker, ROW("", "1", "2", killers="a.py"))
    suite.failing = None
    worker.control(("a.py",))
    assert suite.asked[-1] == ["a.py", "b.py::test"]
    worker.control(())
    assert suite.asked[-1] == (), "all tests"


def verdicts(killed: int, *survivors: str) -> list[Verdict]:
    """`survivors`: the reason of each, which may be empty."""
    seconds = {"deploy_seconds": 1.0, "test_seconds": 2.0}
    dead = Verdict(mutant=ROW("d|d", "1", "2"), outcome=Outcome.KILLED, by="a.py::test", detail="no", **seconds)
    return [dead] * killed + [
        Verdict(mutant=ROW("s", "1", "2", harmless=why), outcome=Outcome.SURVIVED, by="", detail=why, **seconds)
        for why in survivors
    ]


def test_a_run_is_good_when_95_percent_are_killed_and_each_survivor_has_its_reason() -> None:
    assert report.is_good(verdicts(19, "harmless"))
    assert not report.is_good(verdicts(18, "harmless"))
    assert not report.is_good(verdicts(99, ""))


def test_an_error_is_not_good() -> None:
    broken = Verdict(
        mutant=ROW("", "1", "2", harmless="why"), outcome=Outcome.ERROR, deploy_seconds=0, test_seconds=0
    )
    assert not report.is_good([*verdicts(99), broken])


def test_the_report_tells_of_each_mutant_by_what_and_in_what_time(tmp_path: Path) -> None:
    table, data = report.write(tmp_path / "new", verdicts(1, "nobody looks"), 12.34)
    lines = table.read_text().splitlines()
    assert "| handlers | d\\|d | killed | `a.py::test` | 3.0 |" in lines
    assert "| handlers | s | survived | nobody looks | 3.0 |" in lines
    found = report.json.loads(data.read_text())
    assert (found["mutants"], found["killed"], found["killedShare"], found["seconds"]) == (2, 1, 0.5, 12.3)
    assert found["verdicts"][0]["by"] == "a.py::test"


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (
            '<testcase file="contract-tests/a.py" name="test_b[x]"><failure message="&#10; no"/></testcase>',
            Failure(test="a.py::test_b[x]", message="no"),
        ),
        (
            '<testcase name="contract-tests/a.py"><error message="collection failure">E  no\n</error></testcase>',
            Failure(test="a.py", message="collection failure"),
        ),
        (
            '<testcase file="../x.py" classname="contract-tests.p.a" name="b"><failure>no</failure></testcase>',
            Failure(test="p/a.py::b", message="no"),
        ),
        ('<testcase file="a.py" name="b"><skipped/></testcase>', None),
    ],
)
def test_the_first_failure_is_read_from_the_junit_file(
    tmp_path: Path, case: str, expected: Failure | None
) -> None:
    path = tmp_path / "tests.xml"
    path.write_text(f"<testsuites><testsuite><testcase file='c' name='d'/>{case}</testsuite></testsuites>")
    assert failure_in(path) == expected
    assert failure_in(tmp_path / "none.xml") is None


LOUD_SLEEP = "import time; print('begun', flush=True); open('begun', 'w').close(); time.sleep(60)"


def test_a_process_ends_at_its_time_limit_and_what_it_said_is_kept(tmp_path: Path) -> None:
    started = time.monotonic()
    finished = Runner(tmp_path).run([sys.executable, "-c", LOUD_SLEEP], seconds=1)
    assert (finished.code, finished.output.splitlines()[0]) == (None, "begun")
    assert time.monotonic() - started < 30


def test_a_stopped_runner_ends_its_process_and_starts_no_other_but_to_tidy_up(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    ended = SimpleNamespace(error=None)

    def run() -> None:
        try:
            runner.run([sys.executable, "-c", LOUD_SLEEP], seconds=50)
        except Interrupted as error:
            ended.error = error

    thread = threading.Thread(target=run)
    thread.start()
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    runner.stop()
    thread.join(timeout=30)
    assert isinstance(ended.error, Interrupted)
    with pytest.raises(Interrupted):
        runner.run([sys.executable, "-c", "pass"], seconds=5)
    assert runner.run([sys.executable, "-c", "pass"], seconds=30, although_stopped=True).code == 0
