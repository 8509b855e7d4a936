"""What became of one mutant."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from mutants.bench import CONTRACT, Bench, DeploymentRefused
from mutants.mutant import Mutant
from mutants.suite import Failure, Suite

DEPLOYMENT = "deployment"


class Outcome(StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`by`: the test that failed, or `deployment`. `detail`: what it said, or why a survivor is harmless."""

    mutant: Mutant
    outcome: Outcome
    by: str = ""
    detail: str = ""
    deploy_seconds: float
    test_seconds: float

    @property
    def seconds(self) -> float:
        return self.deploy_seconds + self.test_seconds

    @property
    def is_refusal(self) -> bool:
        return self.by == DEPLOYMENT


def judge(mutant: Mutant, bench: Bench, suite: Suite, clock: Callable[[], float] = time.monotonic) -> Verdict:
    """Deploy it, let the likely killers try, and all the others before it is called a survivor."""
    started = clock()
    try:
        bench.deploy(mutant)
    except DeploymentRefused as refusal:
        return Verdict(
            mutant=mutant,
            outcome=Outcome.KILLED,
            by=DEPLOYMENT,
            detail=str(refusal),
            deploy_seconds=clock() - started,
            test_seconds=0,
        )
    deployed = clock()
    failure = _first_failure(mutant, bench, suite)
    bench.outputs()  # tests also fail where the stack has died, and that proves nothing
    return Verdict(
        mutant=mutant,
        outcome=Outcome.KILLED if failure else Outcome.SURVIVED,
        by=failure.test if failure else "",
        detail=failure.message if failure else mutant.harmless,
        deploy_seconds=deployed - started,
        test_seconds=clock() - deployed,
    )


def _first_failure(mutant: Mutant, bench: Bench, suite: Suite) -> Failure | None:
    """A change of the contract that no test minds is left to the check of its pull request."""
    failure = (suite.first_failure(mutant.killers) if mutant.killers else None) or suite.first_failure()
    if failure is None and mutant.file == CONTRACT:
        return suite.broken_consumer(bench.original())
    return failure
