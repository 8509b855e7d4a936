"""One worker: a bench of its own, and mutants from a shared queue until it is empty."""

import queue
from collections.abc import Callable, Sequence
from pathlib import Path

from mutants.bench import Bench, DeploymentRefused, copy_checkout
from mutants.mutant import Mutant, MutantError
from mutants.processes import Runner
from mutants.suite import Suite
from mutants.verdict import Outcome, Verdict, judge


class Worker:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checkout = folder / "checkout"
        self._runner = Runner(self._checkout)
        self._bench = Bench(folder, self._runner)
        self._suite = Suite(self._bench, self._runner, folder / "tests.xml")
        self._killers: set[str] = set()

    def begin(self) -> None:
        copy_checkout(self._checkout)
        self._deploy_plain()

    def control(self, killers: Sequence[str]) -> None:
        """The tests pass where nothing is broken, and so do those that killed something here; no killers: all.

        Raise MutantError: else they would prove nothing.
        """
        self._deploy_plain()
        failure = self._suite.first_failure(sorted({*killers, *self._killers}) if killers else ())
        if failure:
            raise MutantError(f"without a mutant {failure.test} fails: {failure.message}")

    def work(self, mutants: "queue.SimpleQueue[Mutant]", found: Callable[[Verdict], None]) -> None:
        while True:
            try:
                mutant = mutants.get_nowait()
            except queue.Empty:
                return
            found(self._judge(mutant))

    def stop(self) -> None:
        """From another thread: what runs now ends, and `Interrupted` is raised in the worker's."""
        self._runner.stop()

    def end(self) -> None:
        self._bench.down()

    def _judge(self, mutant: Mutant) -> Verdict:
        try:
            verdict = judge(mutant, self._bench, self._suite)
        except MutantError as error:
            self._bench.down()
            return Verdict(
                mutant=mutant, outcome=Outcome.ERROR, detail=str(error), deploy_seconds=0, test_seconds=0
            )
        if verdict.is_refusal:
            self._deploy_plain()
        elif verdict.by:
            self._killers.add(verdict.by.partition("[")[0])
        return verdict

    def _deploy_plain(self) -> None:
        try:
            self._bench.deploy(None)
        except DeploymentRefused:
            self._bench.down()  # what a mutant left behind can't be mended
            try:
                self._bench.deploy(None)
            except DeploymentRefused as refusal:
                raise MutantError(f"the plain source can't be deployed: {refusal}") from None
