import signal
import sys
from types import FrameType

from operations import interrupts
from operations.cli import main


def _interrupt(number: int, frame: FrameType | None) -> None:
    """The first one ends the command; what it does then is not disturbed by another."""
    for each in interrupts.SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


for each in interrupts.SIGNALS:
    if signal.getsignal(each) is not signal.SIG_IGN:
        signal.signal(each, _interrupt)
sys.exit(main())
