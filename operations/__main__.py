import signal
import sys
from types import FrameType

from operations.cli import main


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, _interrupt)
sys.exit(main())
