"""The parts of `make faults`, on one stack."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.faults import matrix
from tests.faults.bench import bench
from tests.faults.injection import Injection
from tests.faults.leads import Leads
from tests.faults.report import Tally
from tests.stack import LocalCloud, Stack


class Run:
    """`leads`: through each cell of the matrix, for each seed."""

    def __init__(
        self, stack: Stack, cloud: LocalCloud, *, seeds: list[int], leads: int, say: Callable[[str], None]
    ) -> None:
        self.stack = stack
        self.cloud = cloud
        self.seeds = seeds
        self.leads = leads
        self.say = say
        self.tally = Tally()

    @property
    def kept(self) -> bool:
        totals = self.tally.totals
        return not self.tally.problems and totals["survived"] == totals["leads"]

    def lines(self) -> Iterator[str]:
        yield from self.tally.lines()
        yield from self.tally.problems

    def as_json(self) -> dict[str, Any]:
        return {"seeds": self.seeds, "matrix": self.tally.as_json(), "kept": self.kept}


def run_matrix(run: Run) -> None:
    with bench(run.stack, run.cloud.home, 0.01) as made:
        for seed in run.seeds:
            run.say(f"matrix, seed {seed}")
            cells = list(matrix.cells())
            run.tally.add(Injection(made, Leads(seed)).run(cells, run.leads, run.say))


PARTS: dict[str, Callable[[Run], None]] = {"matrix": run_matrix}
