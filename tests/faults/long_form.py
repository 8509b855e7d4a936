"""The parts of `make faults`, on one stack."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.faults import matrix, policy, storms
from tests.faults.bench import bench
from tests.faults.injection import Injection
from tests.faults.leads import Leads
from tests.faults.report import Tally
from tests.faults.rotation import Rotation
from tests.faults.storms import Storm
from tests.stack import LocalCloud, Stack

WAITS = policy.scale_for(20)
BURST = 500
LONG_OUTAGE = 120


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
        self.storms: list[Storm] = []

    @property
    def totals(self) -> dict[str, int]:
        """Of the matrix and all storms together."""
        totals = self.tally.totals
        for storm in self.storms:
            totals["leads"] += storm.leads
            totals["survived"] += storm.leads - len({text.partition(":")[0] for text in storm.problems})
            totals["lost"] += storm.lost
            totals["doubled"] += storm.doubled
        return totals

    @property
    def kept(self) -> bool:
        totals = self.tally.totals
        whole = not self.tally.problems and totals["survived"] == totals["leads"]
        return whole and all(storm.kept for storm in self.storms)

    def lines(self) -> Iterator[str]:
        if self.tally.cells:
            yield from self.tally.lines()
        yield from map(str, self.storms)
        yield "  ".join(["all:", *(f"{name} {count}" for name, count in self.totals.items())])
        yield from self.tally.problems
        yield from (f"{storm.name}: {problem}" for storm in self.storms for problem in storm.problems)
        yield "the promise was kept" if self.kept else "THE PROMISE WAS BROKEN"

    def as_json(self) -> dict[str, Any]:
        return {
            "seeds": self.seeds,
            "matrix": self.tally.as_json(),
            "storms": [storm.as_json() for storm in self.storms],
            "totals": self.totals,
            "kept": self.kept,
        }


def run_matrix(run: Run) -> None:
    with bench(run.stack, run.cloud.home, WAITS) as made:
        for seed in run.seeds:
            run.say(f"matrix, seed {seed}")
            run.tally.add(Injection(made, Leads(seed)).run(list(matrix.cells()), run.leads, run.say))


def run_outages(run: Run) -> None:
    for outage in (10, LONG_OUTAGE):
        run.say(f"{BURST} leads, the database killed for {outage} s")
        scale = policy.scale_for(outage)
        with bench(run.stack, run.cloud.home, scale) as made:
            run.storms.append(storms.database_killed(made, run.cloud, Leads(run.seeds[0]), BURST, outage, scale))


def run_shortages(run: Run) -> None:
    scale = policy.scale_for(LONG_OUTAGE)
    with bench(run.stack, run.cloud.home, scale) as made:
        leads = Leads(run.seeds[0])
        run.say(f"{BURST} leads, 429 to half of all calls")
        run.storms.append(storms.half_refused(made, leads, BURST))
        run.say(f"{BURST} leads, a backend throttled to one call at a time")
        run.storms.append(storms.backend_throttled(made, leads, BURST, scale))
        run.say(f"{2 * BURST} leads, a database with few connections")
        run.storms.append(storms.few_connections(made, leads, 2 * BURST, scale))


def run_rotation(run: Run) -> None:
    with bench(run.stack, run.cloud.home, policy.scale_for(LONG_OUTAGE)) as made:
        run.say(f"{BURST} leads, password and key rotated")
        rotation = Rotation(made)
        run.storms.append(storms.secrets_rotated(made, Leads(run.seeds[0]), BURST, rotation.both))
        rotation.back_to_the_first_key()


PARTS: dict[str, Callable[[Run], None]] = {
    "matrix": run_matrix,
    "outages": run_outages,
    "shortages": run_shortages,
    "rotation": run_rotation,
}
