"""A function's settings: its environment, read at first use; a missing one fails with its own name."""

import os

from handlers.shared.errors import MissingSetting


def required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise MissingSetting(
            f"environment variable {name} is not set; the component that makes the function sets it"
        )
    return value


def optional(name: str) -> str | None:
    return os.environ.get(name) or None
