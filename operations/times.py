"""Moments as people write them and as the table holds them."""

import re
from datetime import UTC, datetime, timedelta

from operations.errors import Unusable

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse(text: str) -> datetime:
    """`90s`, `15m`, `2h`, `3d` ago, or ISO 8601; without a zone it is UTC. Raise Unusable for another text."""
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Unusable(
            f"{text[:40]!r} is no time. Write how long ago (90s, 15m, 2h, 3d), or 2026-11-28T03:00, which is UTC."
        ) from None


def iso(moment: datetime) -> str:
    """As the table of leads writes it, so that texts sort like times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
