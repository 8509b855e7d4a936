"""The bounded set of workers of one function: a call waits for a free one instead of starting another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from local_cloud.emulator.lambda_worker import Worker

# Loading a handler is all processor time: on a small machine, one worker that soon serves every call of a burst
# does so sooner than four that load at once. So workers are added one at a time, and only while calls wait.
SCALE_OUT_AFTER = 0.1  # seconds that a call waits for a busy worker before it starts another
FIRST_CALL = 2.0  # seconds that a new worker has for its first call before another may be started


class NoWorkerFree(Exception):
    """None became free in time."""


class Pool:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._starting = 0
        self._newest: Worker | None = None
        self._may_grow_at = 0.0
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy) + self._starting

    def acquire(self, version: str, start: Callable[[], Worker], patience: float) -> tuple[Worker, bool]:
        """A worker of this version, and whether it is a new one that has yet to load its handler."""
        began = time.monotonic()
        stale: list[Worker] = []
        try:
            with self._changed:
                while True:
                    worker = self._take_idle(version, stale)
                    if worker is not None:
                        return worker, False
                    now = time.monotonic()
                    if len(self) == 0 or self._may_grow(now, began):
                        self._starting += 1
                        break
                    if now - began >= patience:
                        raise NoWorkerFree
                    left = began + patience - now
                    self._changed.wait(min(SCALE_OUT_AFTER, left) if len(self) < self._limit else left)
        finally:
            for worker in stale:
                worker.kill()
        return self._start(start), True

    def release(self, worker: Worker) -> None:
        """Give the worker back; a retired or dead one is ended."""
        with self._changed:
            self._busy.discard(worker)
            if worker is self._newest:
                self._newest, self._may_grow_at = None, time.monotonic() + SCALE_OUT_AFTER
            keep = not worker.retired and worker.is_alive()
            if keep:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
            self._changed.notify()
        if not keep:
            worker.kill()

    def retire(self) -> None:
        """End every worker: idle ones now, busy ones after the call that they are serving."""
        with self._changed:
            doomed, self._idle = self._idle, []
            for worker in self._busy:
                worker.retired = True
            self._changed.notify_all()
        for worker in doomed:
            worker.kill()

    def reap(self, idle_seconds: float) -> int:
        """End workers that nobody needed for that long; one stays warm ten times as long. How many ended."""
        now = time.monotonic()
        with self._changed:
            # The most recently used is last, so surplus ones gather in front.
            last = self._idle[-1:] if not self._busy else []
            surplus = [
                worker
                for worker in self._idle
                if now - worker.idle_since > (idle_seconds * 10 if worker in last else idle_seconds)
            ]
            for worker in surplus:
                self._idle.remove(worker)
        for worker in surplus:
            worker.kill()
        return len(surplus)

    def _may_grow(self, now: float, waiting_since: float) -> bool:
        if self._starting or len(self) >= self._limit:
            return False
        return now >= max(waiting_since + SCALE_OUT_AFTER, self._may_grow_at)

    def _take_idle(self, version: str, stale: list[Worker]) -> Worker | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.version == version and worker.is_alive():
                self._busy.add(worker)
                return worker
            stale.append(worker)
        return None

    def _start(self, start: Callable[[], Worker]) -> Worker:
        worker: Worker | None = None
        try:
            worker = start()
        finally:
            with self._changed:
                self._starting -= 1
                if worker is not None:
                    self._busy.add(worker)
                    self._newest, self._may_grow_at = worker, time.monotonic() + FIRST_CALL
                else:
                    self._changed.notify()
        return worker


class Pools:
    """The pools of all functions, by "account:region:function:version"."""

    def __init__(self, limit: int, idle_seconds: float) -> None:
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._pools: dict[str, Pool] = {}
        self._lock = threading.Lock()

    def of(self, key: str) -> Pool:
        with self._lock:
            return self._pools.setdefault(key, Pool(self._limit))

    def retire(self, matches: Callable[[str], bool] = lambda _: True) -> None:
        with self._lock:
            pools = [pool for key, pool in self._pools.items() if matches(key)]
        for pool in pools:
            pool.retire()

    def reap_forever(self) -> None:
        """Run in a thread of its own."""
        while True:
            time.sleep(max(0.1, self._idle_seconds / 4))
            with self._lock:
                pools = list(self._pools.values())
            for pool in pools:
                pool.reap(self._idle_seconds)
