"""A cap on how much is done in a second."""

import time

from command_line import boundary

PER_SECOND = boundary.between(0.001, 100_000)


class Pace:
    """Bursts are not made up for: after a pause it goes on at the same rate."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next = 0.0

    def wait(self, count: int = 1) -> None:
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + count * self._interval
