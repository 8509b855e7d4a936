"""Many leads at once while a part of the stack is away, slow or short of something."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.burst import MemoryWatch
from components.database import MIGRATION_CONNECTIONS, check_connection_budget
from tests.faults import matrix, policy
from tests.faults.bench import Bench, in_parallel
from tests.faults.leads import Lead, Leads
from tests.faults.plan import Status
from tests.faults.promise import Promise
from tests.faults.sessions import FEW_CONNECTIONS, Sessions
from tests.stack import LocalCloud

MAX_BYTES = 3 * 2**30
CALLS_TO_A_SECRET = 20


@dataclass(frozen=True, kw_only=True)
class Storm:
    """`calls` to the API, and the most that the retry policy allows. `problems`: what broke the promise."""

    name: str
    leads: int
    lost: int
    doubled: int
    calls: int
    calls_allowed: int
    peak_bytes: int
    seconds: float
    problems: tuple[str, ...]

    @property
    def kept(self) -> bool:
        bounded = self.calls <= self.calls_allowed and self.peak_bytes < MAX_BYTES
        return bounded and not (self.lost or self.doubled or self.problems)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"kept": self.kept}

    def __str__(self) -> str:
        return (
            f"{self.name:<58} leads {self.leads:>5}  lost {self.lost}  doubled {self.doubled}"
            f"  calls {self.calls} of at most {self.calls_allowed}"
            f"  peak {self.peak_bytes / 2**30:.2f} GiB  {self.seconds:.0f} s"
        )


def storm(
    name: str,
    bench: Bench,
    leads: list[Lead],
    trouble: Callable[[threading.Event], float],
    allowed: Callable[[float], int],
) -> Storm:
    """Send half by the API and half over the bus, all at once, while `trouble` lasts.

    `trouble` gets an event that says that all leads have ended, and answers how many seconds it lasted.
    """
    since, started, before = time.time(), time.monotonic(), bench.plan.calls("api")
    bench.alerts()
    ended = threading.Event()
    by_api, by_bus = leads[::2], leads[1::2]
    with MemoryWatch(bench.home) as memory, ThreadPoolExecutor(2) as pool:
        troubled = pool.submit(trouble, ended)
        putting = pool.submit(bench.put, by_bus)
        try:
            in_parallel(bench.submit, by_api, at_once=16)
            putting.result()
            bench.settle(leads, timeout=400)
        finally:
            ended.set()
        lasted = troubled.result()
    bench.wait_until_idle()
    findings = Promise(bench, since).check(leads)
    return Storm(
        name=name,
        leads=len(leads),
        lost=len(findings.lost),
        doubled=len(findings.doubled),
        calls=bench.plan.calls("api") - before,
        calls_allowed=allowed(lasted),
        peak_bytes=memory.peak_bytes,
        seconds=time.monotonic() - started,
        problems=tuple(findings.of(leads)),
    )


def database_killed(
    bench: Bench, cloud: LocalCloud, leads: Leads, count: int, outage: float, scale: float
) -> Storm:
    """kill -9 in the middle of the burst; `python -m local_cloud up` brings it back."""
    batch = _batch(leads, count)
    seen = bench.plan.calls("insert")

    def trouble(_ended: threading.Event) -> float:
        bench.plan.wait(lambda plan: plan.calls("insert") > seen, "the first row to be written")
        began = time.monotonic()
        os.kill(_pid(cloud, "database"), signal.SIGKILL)
        time.sleep(outage)  # how long the outage lasts is what is being tested
        cloud.up()
        return time.monotonic() - began

    name = f"database killed for {outage:g} s"
    return storm(name, bench, batch, trouble, lambda lasted: policy.calls_within(count, lasted, scale))


def half_refused(bench: Bench, leads: Leads, count: int) -> Storm:
    """The API answers 429 to half of all calls."""
    share = 0.5
    points = [step.point for step in matrix.CALLS.values()]

    def trouble(ended: threading.Event) -> float:
        for point in points:
            bench.plan.strike(point, Status(429), lambda: leads.random.random() < share)
        ended.wait()
        for point in points:
            bench.plan.strike(point, None)
        return 0

    batch = _batch(leads, count)
    return storm(
        "429 to half of all calls", bench, batch, trouble, lambda _: policy.calls_at_refusal(count, share)
    )


def backend_throttled(bench: Bench, leads: Leads, count: int, scale: float) -> Storm:
    """One backend runs one call at a time; Lambda throttles the others."""

    def trouble(ended: threading.Event) -> float:
        began = time.monotonic()
        with _at_most(bench, "api-create-partner", 1):
            ended.wait()
        return time.monotonic() - began

    batch = _batch(leads, count)
    return storm(
        "a backend throttled to one call at a time",
        bench,
        batch,
        trouble,
        lambda lasted: policy.calls_within(count, lasted, scale),
    )


def few_connections(bench: Bench, leads: Leads, count: int, scale: float) -> Storm:
    """The database allows few connections, and the backends have the concurrency that preview agrees to."""
    sessions = Sessions(bench.stack, bench.home)
    concurrency = (FEW_CONNECTIONS - MIGRATION_CONNECTIONS) // len(bench.lines.database)
    check_connection_budget(functions=len(bench.lines.database), concurrency=concurrency, limit=FEW_CONNECTIONS)

    def trouble(ended: threading.Event) -> float:
        began = time.monotonic()
        with ExitStack() as stack:
            for function in bench.lines.database:
                stack.enter_context(_at_most(bench, function, concurrency))
            stack.enter_context(sessions.limited(FEW_CONNECTIONS))
            for proxy in bench.lines.database.values():
                proxy.cut_all()
            ended.wait()
        return time.monotonic() - began

    batch = _batch(leads, count)
    return storm(
        f"database with {FEW_CONNECTIONS} connections",
        bench,
        batch,
        trouble,
        lambda lasted: policy.calls_within(count, lasted, scale),
    )


def secrets_rotated(bench: Bench, leads: Leads, count: int, rotate: Callable[[], None]) -> Storm:
    """The password and the key change again and again while leads flow."""

    def trouble(ended: threading.Event) -> float:
        next_at = 0
        while not ended.wait(0.05):
            if (now := bench.plan.calls("api")) >= next_at:
                rotate()
                next_at = now + CALLS_TO_A_SECRET
        return 0

    batch = _batch(leads, count)
    # a stale key costs one more call, and a stale password may cost a try
    return storm("password and key rotated", bench, batch, trouble, lambda _: count * len(matrix.CALLS) * 3)


@contextmanager
def _at_most(bench: Bench, function: str, calls: int) -> Iterator[None]:
    """The function runs no more calls at once; Lambda throttles the others."""
    functions, name = bench.stack.client("lambda"), bench.lines.name_of(function)
    before = functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=calls)
    try:
        yield
    finally:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=before)


def _batch(leads: Leads, count: int) -> list[Lead]:
    """By turns for the API and for the bus."""
    return [leads.new(origin="web" if number % 2 == 0 else "app") for number in range(count)]


def _pid(cloud: LocalCloud, process: str) -> int:
    return int(json.loads((cloud.home / "run" / f"{process}.json").read_text())["pid"])
