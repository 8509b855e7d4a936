"""Sends the leads of each cell through the stack, with the cell's fault where it belongs."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.faults import matrix
from tests.faults.bench import FINAL, Bench
from tests.faults.http_proxy import HttpProxy
from tests.faults.leads import Lead, Leads
from tests.faults.matrix import Cell
from tests.faults.mysql_proxy import MysqlProxy
from tests.faults.plan import ANYONE, PATIENCE, Gate, Plan, Point, Status
from tests.faults.promise import Promise
from tests.faults.sessions import Sessions

RECEIVE = matrix.RECEIVE.point
REFUSAL = Status(400)  # the API's word that fails a lead for good
AT_ONCE = 16
HOLDING = 2  # of the four workers that a function has on the local cloud
QUICK = "quick"


@dataclass
class Outcome:
    """What became of a cell's leads."""

    cell: Cell
    leads: list[Lead]
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def survived(self) -> int:
        broken = {problem.partition(":")[0] for problem in self.problems}
        return len(self.leads) - len(broken)


class Injection:
    def __init__(self, bench: Bench, leads: Leads) -> None:
        self._bench = bench
        self._plan: Plan = bench.plan
        self._leads = leads
        self._sessions = Sessions(bench.stack, bench.home)
        self._started = time.time()

    def run(self, cells: list[Cell], count: int, say: Callable[[str], None] = lambda _: None) -> list[Outcome]:
        """`count` leads through each cell. Those that strike a whole line come one after another at the end."""
        outcomes = {cell: Outcome(cell, [self._new(cell) for _ in range(count)]) for cell in cells}
        self._bench.alerts()
        single = [(cell, lead) for cell, outcome in outcomes.items() for lead in outcome.leads]
        single = [(cell, lead) for cell, lead in single if cell.fault not in matrix.WHOLE_LINE]
        self._leads.random.shuffle(single)
        say(f"{len(single)} leads with a fault each, at once")
        self._all_at_once(single)
        self._bench.settle(lead for _, lead in single)
        for cell, outcome in outcomes.items():
            if cell.fault in matrix.WHOLE_LINE:
                say(f"{len(outcome.leads)} leads: {cell}")
                self._whole_line(cell, outcome.leads)
        self._replay([lead for outcome in outcomes.values() for lead in outcome.leads])
        self._judge(outcomes)
        return list(outcomes.values())

    def _all_at_once(self, single: list[tuple[Cell, Lead]]) -> None:
        """Those that hold a worker of a function for seconds share its few workers; the others come in between."""
        pools = {cell.step.state: ThreadPoolExecutor(HOLDING) for cell, _ in single}
        pools[QUICK] = ThreadPoolExecutor(AT_ONCE)
        try:
            for done in [
                pools[cell.step.state if cell.fault in matrix.HOLDING else QUICK].submit(self._one, cell, lead)
                for cell, lead in single
            ]:
                done.result()
        finally:
            for pool in pools.values():
                pool.shutdown(cancel_futures=True)

    def _new(self, cell: Cell) -> Lead:
        by_api = cell.step in (matrix.DELIVERY, matrix.SUBMIT_NOTE) and cell.fault not in (
            matrix.THRICE,
            matrix.AGAIN,
        )
        lead = self._leads.new(origin="web" if by_api else "app")
        lead.step = matrix.told(cell)
        if cell.step.state == "CatchErrors":
            kind = self._leads.random.choice(list(matrix.CALLS))
            lead.cause, lead.failures = matrix.CALLS[kind].state, 1
            self._plan.arm(matrix.CALLS[kind].point, lead.id, REFUSAL)
        return lead

    def _one(self, cell: Cell, lead: Lead) -> None:
        """One lead, and the fault that strikes it alone."""
        step, fault = cell.step, cell.fault
        if fault in (matrix.THRICE, matrix.REPLAY):
            self._together(cell, lead)
        elif fault == matrix.AGAIN:
            self._again(lead)
        elif fault == matrix.LOCKED:
            self._locked(cell, lead)
        elif fault == matrix.DEADLOCK:
            self._deadlock(cell, lead)
        else:
            point, actions = matrix.actions(cell)
            by_api = step.state is None
            self._plan.arm(point, ANYONE if by_api else lead.id, *actions)
            self._bench.submit(lead) if by_api else self._bench.put([lead])
            if fault == matrix.TIMEOUT:
                self._bench.settle([lead])

    def _together(self, cell: Cell, lead: Lead) -> None:
        more = 2 if cell.fault == matrix.THRICE else 1
        if cell.step is matrix.DELIVERY:
            self._bench.put([lead] * (1 + more))
            return
        gate = Gate()
        self._plan.arm(cell.step.point, lead.id, gate)
        self._bench.put([lead])
        self._arrival(gate, cell)
        self._bench.put([lead] * more)
        # the first claim is the one that is held, or was answered before
        self._claims(lead, more if cell.step is matrix.RECEIVE else 1 + more)
        gate.opened.set()

    def _again(self, lead: Lead) -> None:
        self._bench.put([lead])
        self._bench.settle([lead])
        self._bench.put([lead])
        self._claims(lead, 2)

    def _claims(self, lead: Lead, count: int) -> None:
        """Wait until so many executions have tried to take the lead."""

        def tried(plan: Plan) -> bool:
            return plan.answered[RECEIVE, lead.id, 200] + plan.answered[RECEIVE, lead.id, 400] >= count

        self._plan.wait(tried, f"{count} executions to try to take the lead")

    def _arrival(self, gate: Gate, cell: Cell) -> None:
        assert gate.arrived.wait(PATIENCE), f"{cell}: the lead has not come to the step"

    def _gated(self, point: Point, leads: list[Lead], cell: Cell) -> list[Gate]:
        gates = [Gate() for _ in leads]
        for lead, gate in zip(leads, gates, strict=True):
            self._plan.arm(point, lead.id, gate)
        self._bench.put(leads)
        for gate in gates:
            self._arrival(gate, cell)
        return gates

    def _locked(self, cell: Cell, lead: Lead) -> None:
        kind = cell.step.function.removeprefix("api-create-")
        call = matrix.CALLS[kind].point
        (gate,) = self._gated(call, [lead], cell)
        with self._sessions.locked(kind, lead):
            gate.opened.set()
            self._plan.wait(lambda plan: plan.answered[call, lead.id, 503] > 0, f"{cell}: a 503")

    def _deadlock(self, cell: Cell, lead: Lead) -> None:
        kind = cell.step.function.removeprefix("api-create-")
        (gate,) = self._gated(cell.step.point, [lead], cell)
        self._sessions.deadlock(kind, lead, gate.opened.set)
        self._plan.wait(lambda plan: plan.asked[cell.step.point, lead.id] > 1, f"{cell}: a second INSERT")

    def _whole_line(self, cell: Cell, leads: list[Lead]) -> None:
        if cell.fault == matrix.FULL:
            self._full(cell, leads)
        elif cell.step.state is None:
            self._refused_submission(cell, leads)
        else:
            proxy = self._proxy(cell)
            proxy.close()
            try:
                self._bench.put(leads)
                self._bench.wait_for_failed_tasks(leads, cell.step.state)
            finally:
                proxy.open()
        self._bench.settle(leads)

    def _proxy(self, cell: Cell) -> HttpProxy | MysqlProxy:
        lines, function = self._bench.lines, cell.step.function
        if cell.step.commit is not None:
            return lines.database[function]
        return (lines.api if cell.step.service == "api" else lines.aws)[function]

    def _refused_submission(self, cell: Cell, leads: list[Lead]) -> None:
        proxy = self._proxy(cell)
        proxy.close()
        try:
            for lead in leads:
                response = self._bench.stack.request("POST", "/leads", lead.data)
                assert response.status == 503, f"{cell}: {response.status} {response.data!r}"
        finally:
            proxy.open()
        for lead in leads:
            self._bench.submit(lead)

    def _full(self, cell: Cell, leads: list[Lead]) -> None:
        call = matrix.CALLS[cell.step.function.removeprefix("api-create-")].point
        gates = self._gated(call, leads, cell)
        proxy = self._bench.lines.database[cell.step.function]
        with self._sessions.all_taken(proxy.cut_all):
            for gate in gates:
                gate.opened.set()
            for lead in leads:
                self._plan.wait(lambda plan, lead=lead: plan.answered[call, lead.id, 503] > 0, f"{cell}: a 503")

    def _replay(self, leads: list[Lead]) -> None:
        """Put the events of failed leads on the bus again, after a look at what they failed in."""
        failed = [lead for lead in leads if lead.cause]
        items = self._bench.items(failed)
        for lead in failed:
            item = items[lead.id]
            if item["status"]["S"] == "FAILED" and item["error"]["M"]["step"]["S"] != lead.cause:
                lead.notes.append(f"it failed in {item['error']['M']['step']['S']}, not in {lead.cause}")
        self._bench.put(lead for lead in failed if items[lead.id]["status"]["S"] == "FAILED")
        self._bench.settle(leads, among=FINAL[:1])
        self._bench.wait_until_idle()

    def _judge(self, outcomes: dict[Cell, Outcome]) -> None:
        every = [lead for outcome in outcomes.values() for lead in outcome.leads]
        findings = Promise(self._bench, self._started).check(every)

        for outcome in outcomes.values():
            for lead in outcome.leads:
                if self._plan.armed(lead.id):
                    lead.notes.append("its fault was not injected")
            outcome.lost = sum(lead.id in findings.lost for lead in outcome.leads)
            outcome.doubled = sum(lead.id in findings.doubled for lead in outcome.leads)
            outcome.problems = findings.of(outcome.leads)
            outcome.problems += [f"{lead.id}: {note}" for lead in outcome.leads for note in lead.notes]
        assert self._plan.armed(ANYONE) == 0, "a fault of the submission was not injected"
