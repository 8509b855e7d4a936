"""Outages, refusals, shortage and new secrets while leads flow: the short form of `make faults`."""

import pytest

from components.flow_definition import RETRY
from tests.faults import policy, storms
from tests.faults.bench import Bench
from tests.faults.conftest import WAITS
from tests.faults.leads import Leads
from tests.faults.rotation import Rotation
from tests.faults.storms import Storm
from tests.stack import LocalCloud

pytestmark = pytest.mark.timeout(400)

LEADS = 40


def assert_kept(storm: Storm) -> None:
    assert (storm.lost, storm.doubled, storm.problems) == (0, 0, ())
    assert storm.calls <= storm.calls_allowed, "a storm of retries"
    assert storm.peak_bytes < storms.MAX_BYTES
    assert storm.kept


def test_a_database_that_is_killed_in_a_burst_loses_and_doubles_nothing(
    faulty: Bench, cloud: LocalCloud, leads: Leads
) -> None:
    assert_kept(storms.database_killed(faulty, cloud, leads, LEADS, 2, WAITS))


def test_a_429_to_half_of_all_calls_delays_and_loses_nothing(faulty: Bench, leads: Leads) -> None:
    storm = storms.half_refused(faulty, leads, LEADS)
    assert_kept(storm)
    assert storm.calls > 3 * LEADS, "some calls were refused"


def test_a_backend_that_runs_one_call_at_a_time_loses_nothing(faulty: Bench, leads: Leads) -> None:
    assert_kept(storms.backend_throttled(faulty, leads, LEADS, WAITS))


def test_a_database_with_few_connections_loses_nothing(faulty: Bench, leads: Leads) -> None:
    assert_kept(storms.few_connections(faulty, leads, LEADS, WAITS))


def test_secrets_that_are_rotated_while_leads_flow_lose_nothing_and_restart_nothing(
    faulty: Bench, leads: Leads, rotation: Rotation
) -> None:
    before = revisions(faulty)
    assert_kept(storms.secrets_rotated(faulty, leads, LEADS, rotation.both))
    assert revisions(faulty) == before


def revisions(bench: Bench) -> list[tuple[str, str]]:
    """They change with a function's code or settings, which would start it afresh."""
    listed = bench.stack.client("lambda").get_paginator("list_functions").paginate().build_full_result()
    return sorted((each["FunctionName"], each["RevisionId"]) for each in listed["Functions"])


def test_the_bound_on_calls_follows_the_retry_policy() -> None:
    assert policy.failed_tries(0, 1) == 1
    assert policy.failed_tries(RETRY["IntervalSeconds"], 1) == 2
    assert policy.failed_tries(10 * policy.BUDGET, 1) == policy.TRIES
    assert policy.failed_tries(3, 1) == 3, "after 0, 1 and 3 seconds"
    assert policy.calls_within(1, 3, 0.5) == policy.calls_within(1, 6, 1) == 6
    assert policy.BUDGET > 600, "ten minutes"
