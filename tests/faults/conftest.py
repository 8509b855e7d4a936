"""The process's shared stack with a proxy on each of its lines. While nothing is armed they pass everything on."""

import random
from collections.abc import Iterator

import pytest

from tests.faults import policy
from tests.faults.bench import Bench, bench
from tests.faults.leads import Leads
from tests.faults.rotation import Rotation
from tests.stack import LocalCloud, Stack

WAITS = policy.scale_for(20)  # of the state machine's seconds


@pytest.fixture(scope="session")
def faulty(cloud: LocalCloud, stack: Stack) -> Iterator[Bench]:
    with bench(stack, cloud.home, WAITS) as made:
        yield made


@pytest.fixture
def leads() -> Leads:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return Leads(seed)


@pytest.fixture
def rotation(faulty: Bench) -> Iterator[Rotation]:
    made = Rotation(faulty)
    yield made
    made.back_to_the_first_key()
