"""Moments as people write them and as the table holds them."""

import re
from datetime import UTC, datetime, timedelta

from operations.errors import OperationsError

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse(text: str) -> datetime:
    """`90s`, `15m`, `2h`, `3d` ago, or ISO 8601; without a zone it is UTC."""
    ago = _AGO.fullmatch(text)
    if ago:
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OperationsError(
            f"{text!r} is no time. Write how long ago (90s, 15m, 2h, 3d), or 2026-11-28T03:00, which is UTC."
        ) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """As the table of leads writes it, so that texts sort like times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
