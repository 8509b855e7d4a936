import signal
import sys
from types import FrameType

from command_line import boundary
from operations import interrupts


def _interrupt(number: int, frame: FrameType | None) -> None:
    """The first one ends the command; what it does then is not disturbed by another."""
    for each in interrupts.SIGNALS:
        signal.signal(each, _disregard)  # SIG_IGN makes Python complain about one that has come already
    raise KeyboardInterrupt


def _disregard(number: int, frame: FrameType | None) -> None:
    pass


for each in interrupts.SIGNALS:
    # nohup has SIGHUP ignored on purpose; SIGINT is ignored in every background job of a shell, and means stop
    if each == signal.SIGINT or signal.getsignal(each) is not signal.SIG_IGN:
        signal.signal(each, _interrupt)
sys.exit(boundary.start("operations.cli"))
