"""The command line: python -m operations COMMAND."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from command_line import boundary
from operations import commands
from operations.console import Console
from operations.cost import command as cost
from operations.stack import Place, find

_INTERRUPTED = "interrupted; what was done stays done, and the same command carries on from there"
_EXAMPLES = """\
examples:
  python -m operations failed
  python -m operations failed --stack prod --state CreateClient --since 2h --json
  python -m operations replay 4b1e8d1c-7a44-4f5e-9a55-0f4cf0a9be11
  python -m operations replay --all --error CrmUnavailable --dry-run
"""


def main(arguments: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    console = Console(as_json=boundary.wants_json(words))
    return boundary.run(lambda: _run(words, console), console, interrupted=_INTERRUPTED)


def _run(words: Sequence[str], console: Console) -> int:
    options = _parser().parse_args(words)
    if options.command == "cost":
        return cost.run(options)
    if options.run_offline and (code := options.run_offline(options, console)) is not None:
        return int(code)
    place = Place(stack=options.stack, home=options.home, outputs=options.outputs)
    with closing(find(place)) as stack:
        return int(options.run(options, stack, console))


def _parser() -> argparse.ArgumentParser:
    parser = boundary.Parser(
        prog="python -m operations",
        description="What an operator does with leads, on the local cloud and on AWS.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in commands.ALL.items():
        purpose = (command.__doc__ or "").strip()
        sub = subparsers.add_parser(
            name,
            help=purpose[0].lower() + purpose[1:].rstrip("."),
            description=purpose,
            epilog=f"example: python -m operations {command.EXAMPLE}",
        )
        sub.set_defaults(run=command.run, run_offline=getattr(command, "run_offline", None))
        sub.add_argument(
            "--stack", help="the stack's name: `local` is on this machine (the default), others on AWS"
        )
        sub.add_argument("--home", type=Path, help="folder of the local cloud that the stack runs on")
        sub.add_argument("--outputs", type=Path, help="file with the stack's outputs as JSON, instead of asking")
        sub.add_argument("--json", action="store_true", help="print one JSON object, for programs")
        command.add_arguments(sub)
    purpose = "what the stack costs in a month, from its own resources"
    cost.add_options(subparsers.add_parser("cost", help=purpose, description=f"Print {purpose}."))
    return parser
