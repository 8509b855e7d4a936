"""Ctrl-C and SIGTERM during a deployment: the first ends it in order, a second leaves at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

LEFT_AT_ONCE = 130


@contextmanager
def handling_interrupts(stop: Callable[[], None], warn: Callable[[str], None]) -> Iterator[None]:
    """Outside the main thread signals can't be handled, and nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            # Every step is in the journal, so that leaving here loses no more than a kill would.
            os._exit(LEFT_AT_ONCE)
        asked = True
        # Not in the handler itself: it may have interrupted a holder of the locks that this needs.
        threading.Thread(target=_stop, args=(number, stop, warn), daemon=True).start()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, stop: Callable[[], None], warn: Callable[[str], None]) -> None:
    warn(f"{signal.Signals(number).name}: finishing what is in flight; once more to leave it behind")
    stop()
