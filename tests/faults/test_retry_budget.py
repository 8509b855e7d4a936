"""A lead whose retries are used up fails with its true state, is listed, and can be replayed."""

import random
import time

import pytest

from tests.faults import matrix, policy
from tests.faults.bench import Bench
from tests.faults.conftest import WAITS
from tests.faults.leads import Lead, Leads
from tests.faults.operator import operate
from tests.faults.plan import Gate, Plan, Status
from tests.faults.promise import Promise
from tests.faults.wiring import scaled_waits

pytestmark = pytest.mark.timeout(300)

LEADS = 5
SHORT = 0.0005  # of the waits: the whole budget is used up in a second


class Failed:
    """Leads that have failed in one step for good, and the moment before they were sent."""

    def __init__(self, step: matrix.Step, leads: list[Lead], since: float) -> None:
        self.step = step
        self.leads = leads
        self.since = since


@pytest.fixture(params=matrix.CALLS)
def failed(request: pytest.FixtureRequest, faulty: Bench) -> Failed:
    step = matrix.CALLS[request.param]
    source = Leads(random.randrange(2**32))
    leads = [source.new() for _ in range(LEADS)]
    since = time.time()
    faulty.alerts()
    with scaled_waits(faulty.stack, SHORT, WAITS):
        faulty.plan.strike(step.point, Status(503))
        try:
            faulty.put(leads)
            faulty.settle(leads)
        finally:
            faulty.plan.strike(step.point, None)
    for lead in leads:
        lead.cause, lead.failures = step.state, 1
    return Failed(step, leads, since)


def test_leads_past_the_retry_budget_are_listed_and_replayed(failed: Failed, faulty: Bench) -> None:
    home, leads, state = faulty.home, failed.leads, str(failed.step.state)
    tries = {faulty.plan.asked[failed.step.point, lead.id] for lead in leads}
    assert tries == {policy.TRIES}, "every retry of the policy, and none more"
    assert Promise(faulty, failed.since).check(leads, completed=False).of(leads) == []

    listed = {finding["id"]: finding for finding in operate(home, "failed")["findings"]}
    for lead in leads:
        assert (listed[lead.id]["state"], listed[lead.id]["error"]) == (state, "CrmUnavailable")
        assert listed[lead.id]["replayable"] is True

    dry = operate(home, "replay", "--all", "--state", state, "--dry-run")
    assert {outcome["id"] for outcome in dry["outcomes"]} >= {lead.id for lead in leads}
    assert {item["status"]["S"] for item in faulty.items(leads).values()} == {"FAILED"}, "a dry run does nothing"

    held = leads[0]
    gate = Gate()
    faulty.plan.arm(failed.step.point, held.id, gate)
    assert replayed(faulty, held.id) == [held.id], "one"
    assert gate.arrived.wait(30)
    assert replayed(faulty, held.id) == [], "its replay still runs"
    gate.opened.set()
    some = [lead.id for lead in leads[1:3]]
    assert replayed(faulty, *some) == some, "some"
    rest = replayed(faulty, "--all", "--state", state, "--error", "CrmUnavailable", "--rate", "1000")
    assert set(rest) >= {lead.id for lead in leads[3:]}, "all"
    faulty.settle(leads, among=["COMPLETED"])
    assert replayed(faulty, *(lead.id for lead in leads)) == [], "there is nothing left to do"
    faulty.wait_until_idle()
    for lead in leads:
        lead.sent += 1  # the replay's execution
        lead.cause = None
    findings = Promise(faulty, failed.since).check(leads)
    assert (findings.lost, findings.doubled) == (set(), set())
    # the alerts were read above, when the leads had failed
    assert [problem for problem in findings.of(leads) if "alerts" not in problem] == []


def replayed(bench: Bench, *words: str) -> list[str]:
    outcomes = operate(bench.home, "replay", *words)["outcomes"]
    return [outcome["id"] for outcome in outcomes if outcome["what"] == "replayed"]


@pytest.mark.parametrize("failed", ["benefit"], indirect=True)
def test_an_event_that_comes_again_during_a_replay_changes_nothing(failed: Failed, faulty: Bench) -> None:
    lead = failed.leads[0]
    gate = Gate()
    faulty.plan.arm(failed.step.point, lead.id, gate)
    assert replayed(faulty, lead.id) == [lead.id]
    assert gate.arrived.wait(30)
    faulty.put([lead])
    claims = matrix.RECEIVE.point

    def refused(plan: Plan) -> bool:
        return plan.answered[claims, lead.id, 400] > 0

    faulty.plan.wait(refused, "the event to be found a duplicate")
    gate.opened.set()
    faulty.settle([lead], among=["COMPLETED"])
