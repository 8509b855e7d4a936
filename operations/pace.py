"""A cap on how much is done in a second."""

import time

from operations.errors import OperationsError


class Pace:
    """Bursts are not made up for: after a pause it goes on at the same rate."""

    def __init__(self, per_second: float) -> None:
        if per_second <= 0:
            raise OperationsError(f"--rate is {per_second:g}; use a number above 0")
        self._interval = 1 / per_second
        self._next = 0.0

    def wait(self, count: int = 1) -> None:
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + count * self._interval
