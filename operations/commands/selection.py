"""Options that choose among what needs an operator."""

import argparse
from datetime import timedelta

from command_line import boundary
from operations import times
from operations.findings import KINDS, STUCK_AFTER, Filter

_MAX_MINUTES = 10 * 365 * 24 * 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=KINDS, help="only these")
    parser.add_argument("--state", help="only what failed in this state, such as CreateClient")
    parser.add_argument("--error", help="only what failed with this error, such as CrmUnavailable")
    parser.add_argument(
        "--since",
        type=times.parse,
        metavar="TIME",
        help="only what failed since then: 15m, 2h, 3d ago, or ISO 8601",
    )
    parser.add_argument("--until", type=times.parse, metavar="TIME", help="only what failed until then")
    parser.add_argument(
        "--stuck-after",
        type=boundary.between(0, _MAX_MINUTES),
        default=STUCK_AFTER.total_seconds() / 60,
        metavar="MINUTES",
        help="how long a lead may be unfinished without news (default: %(default).0f)",
    )


def wanted(options: argparse.Namespace) -> Filter:
    since, until = (times.iso(moment) if moment else None for moment in (options.since, options.until))
    return Filter(
        kind=options.kind,
        state=options.state,
        error=options.error,
        since=since,
        until=until,
        stuck_after=timedelta(minutes=options.stuck_after),
    )


def is_narrowed(options: argparse.Namespace) -> bool:
    return any((options.kind, options.state, options.error, options.since, options.until))
