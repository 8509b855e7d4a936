"""Ctrl-C, a terminal that closes and SIGTERM, held back while something must not be left half done."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SLICE = 0.05  # seconds


class Held:
    """`came`: whether an interrupt waits for the end."""

    def __init__(self) -> None:
        self.came: int | None = None

    def sleep(self, seconds: float) -> None:
        """Ends early when an interrupt has come."""
        end = time.monotonic() + seconds
        while self.came is None and (left := end - time.monotonic()) > 0:
            time.sleep(min(_SLICE, left))


@contextmanager
def held() -> Iterator[Held]:
    """However many interrupts come, the body goes on; they take effect after it, unless it raises by itself."""
    state = Held()
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield state
        return

    def note(number: int, _frame: FrameType | None) -> None:
        state.came = number

    before = {number: signal.getsignal(number) for number in SIGNALS}
    caught = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    try:
        for number in caught:
            signal.signal(number, note)
        yield state
    finally:
        for number, handler in caught.items():
            signal.signal(number, handler)
    if state.came is not None:
        handler = caught[signal.Signals(state.came)]
        if callable(handler):
            handler(state.came, None)
        raise KeyboardInterrupt
