"""Random sequences of what can happen to a stack, against a model of the promise."""

import random
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.faults import matrix
from tests.faults.bench import Bench
from tests.faults.injection import REFUSAL
from tests.faults.leads import Lead, Leads
from tests.faults.operator import operate
from tests.faults.plan import Do, Status
from tests.faults.promise import Promise
from tests.faults.rotation import Rotation

pytestmark = pytest.mark.timeout(400)

EXAMPLES, STEPS = 4, 12
# What one request may meet without harm to its lead.
TROUBLE = (Do.CUT, Do.CUT_AFTER, Do.GARBLE, Do.KILL_AFTER, Status(429), Status(503))
PLACES = (matrix.RECEIVE, *matrix.CALLS.values(), *matrix.TRANSACTIONS.values(), *matrix.NOTES.values())


def trouble_at(step: matrix.Step) -> st.SearchStrategy:
    """The database's line knows no HTTP status."""
    return st.sampled_from([each for each in TROUBLE if not (step.commit and isinstance(each, Status))])


class PromiseMachine(RuleBasedStateMachine):
    """The model: a lead without a cause is completed; one with a cause has failed there."""

    def __init__(self, bench: Bench, rotation: Rotation) -> None:
        super().__init__()
        self._bench = bench
        self._rotation = rotation
        self._since = time.time()
        self._source = Leads(random.randrange(2**32))
        self._leads: list[Lead] = []
        self._broken: matrix.Step | None = None
        bench.alerts()

    @rule(by_api=st.booleans())
    def submit(self, by_api: bool) -> None:
        lead = self._new("web" if by_api else "app")
        self._bench.submit(lead) if by_api else self._bench.put([lead])

    @rule(step=st.sampled_from(PLACES), data=st.data())
    def submit_into_trouble(self, step: matrix.Step, data: st.DataObject) -> None:
        lead = self._new("app")
        self._bench.plan.arm(step.point, lead.id, data.draw(trouble_at(step)))
        self._bench.put([lead])

    @precondition(lambda self: self._leads)
    @rule(which=st.integers(0, 50))
    def duplicate(self, which: int) -> None:
        """Of a lead that failed, the event that comes again is a replay."""
        lead = self._leads[which % len(self._leads)]
        if lead.cause:
            self._settle()
        self._bench.put([lead])
        if lead.cause:
            self._tried_again([lead])

    @precondition(lambda self: self._broken is None)
    @rule(step=st.sampled_from(list(matrix.CALLS.values())))
    def fail(self, step: matrix.Step) -> None:
        """From now on the API refuses this step for every lead."""
        self._settle()
        self._bench.plan.strike(step.point, REFUSAL)
        self._broken = step

    @precondition(lambda self: self._broken is not None)
    @rule()
    def recover(self) -> None:
        self._settle()
        self._bench.plan.strike(self._broken.point, None)
        self._broken = None

    @rule()
    def rotate_password(self) -> None:
        self._rotation.password()

    @rule()
    def rotate_key(self) -> None:
        self._rotation.key()

    @precondition(lambda self: any(lead.cause for lead in self._leads))
    @rule(which=st.integers(0, 50))
    def replay(self, which: int) -> None:
        self._settle()
        failed = [lead for lead in self._leads if lead.cause]
        lead = failed[which % len(failed)]
        self._replay([lead])

    @precondition(lambda self: any(lead.cause for lead in self._leads))
    @rule()
    def replay_all(self) -> None:
        self._settle()
        self._replay([lead for lead in self._leads if lead.cause])

    def _new(self, origin: str) -> Lead:
        lead = self._source.new(origin=origin)
        self._leads.append(lead)
        if self._broken is not None:
            lead.cause, lead.failures = self._broken.state, 1
        return lead

    def _replay(self, leads: list[Lead]) -> None:
        listed = {finding["id"] for finding in operate(self._bench.home, "failed")["findings"]}
        assert {lead.id for lead in leads} <= listed
        outcomes = operate(self._bench.home, "replay", "--rate", "1000", *(lead.id for lead in leads))["outcomes"]
        assert {outcome["what"] for outcome in outcomes} == {"replayed"}
        for lead in leads:
            lead.sent += 1
        self._tried_again(leads)

    def _tried_again(self, leads: list[Lead]) -> None:
        for lead in leads:
            lead.cause = None if self._broken is None else self._broken.state
            lead.failures += self._broken is not None
        self._settle()

    def _settle(self) -> None:
        self._bench.settle(self._leads)
        self._bench.wait_until_idle()

    def teardown(self) -> None:
        try:
            self._settle()
            findings = Promise(self._bench, self._since).check(self._leads, completed=False)
            assert (findings.lost, findings.doubled) == (set(), set())
            assert findings.of(self._leads) == []
        finally:
            self._bench.plan.clear()


def test_whatever_happens_in_whatever_order_the_promise_is_kept(faulty: Bench, rotation: Rotation) -> None:
    run_state_machine_as_test(
        lambda: PromiseMachine(faulty, rotation),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
