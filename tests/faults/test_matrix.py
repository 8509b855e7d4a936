"""Each step × each fault, one lead each: the short form of `make faults`."""

import random

import pytest

from tests.faults import matrix
from tests.faults.bench import Bench
from tests.faults.injection import Injection, Outcome
from tests.faults.leads import Leads
from tests.faults.matrix import Cell

pytestmark = pytest.mark.timeout(600)

CELLS = list(matrix.cells())


@pytest.fixture(scope="module")
def outcomes(faulty: Bench) -> dict[Cell, Outcome]:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return {outcome.cell: outcome for outcome in Injection(faulty, Leads(seed)).run(CELLS, 1)}


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_lead_survives(cell: Cell, outcomes: dict[Cell, Outcome]) -> None:
    outcome = outcomes[cell]
    assert (outcome.problems, outcome.lost, outcome.doubled) == ([], 0, 0)


def test_every_step_and_every_fault_is_injected_or_has_a_reason_against_it() -> None:
    everything = [Cell(step=step, fault=fault) for step in matrix.STEPS for fault in matrix.FAULTS]
    assert [cell for cell in everything if (cell in CELLS) == bool(matrix.reason_against(cell))] == []
    assert {cell.step for cell in CELLS} == set(matrix.STEPS)
    assert {cell.fault for cell in CELLS} == set(matrix.FAULTS)
