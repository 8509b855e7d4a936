"""The process's shared stack with a proxy on each of its lines. While nothing is armed they pass everything on."""

from collections.abc import Iterator

import pytest

from tests.faults.bench import Bench, bench
from tests.stack import LocalCloud, Stack

WAITS = 0.01  # of the state machine's seconds: its first retry comes after 10 ms, its last ones every 0.6 s


@pytest.fixture(scope="session")
def faulty(cloud: LocalCloud, stack: Stack) -> Iterator[Bench]:
    with bench(stack, cloud.home, WAITS) as made:
        yield made
