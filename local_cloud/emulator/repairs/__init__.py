"""What MiniStack 1.5.33 gets wrong, each put right in one file that says why.

They reach into private code, so each one checks that the code still looks as it did and refuses to guess.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any


class RepairDoesNotFit(Exception):
    """The emulator's code is not the one that the repair was written for."""


def replace(module: ModuleType, name: str, new: Callable[..., Any], *, parameters: str) -> Callable[..., Any]:
    """Put `new` in the place of a module's function, if that still takes those parameters; returns the old one."""
    old: Callable[..., Any] | None = getattr(module, name, None)
    found = ", ".join(inspect.signature(old).parameters) if callable(old) else "nothing"
    if old is None or found != parameters:
        raise RepairDoesNotFit(
            f"{module.__name__}.{name} takes ({found}), not ({parameters}): this release of MiniStack is not the "
            "pinned one. Install requirements/dev.txt, or adapt local_cloud/emulator/repairs."
        )
    setattr(module, name, new)
    return old
