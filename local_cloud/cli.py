"""The command line: python -m local_cloud {up,preview,down,outputs,pulumi,logs,doctor}."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from command_line import boundary
from local_cloud import commands, deployment, loopback
from local_cloud.console import Console
from local_cloud.doctor import doctor
from local_cloud.home import REPOSITORY, Home, check_stack_name

_INTERRUPTED = "interrupted; what was begun is recorded, and the same command carries on from there"

_MAX_MINUTES = 10 * 365 * 24 * 60

_COMMANDS = {
    "up": "start the local cloud, deploy the stack and send the sample leads",
    "preview": "show what `up` would change; changes nothing",
    "down": "stop the local cloud and remove what it holds",
    "outputs": "print the stack's outputs and how to reach the cloud",
    "pulumi": "run a command of the Pulumi CLI on the deployed stack",
    "logs": "print what the functions wrote in the last minutes",
    "doctor": "look for what would keep the local cloud from working",
}
_EXAMPLES = """\
examples:
  python -m local_cloud up
  python -m local_cloud up --no-leads --home /tmp/second
  python -m local_cloud preview --json
  python -m local_cloud up --engine cli
  python -m local_cloud pulumi -- refresh --yes
  python -m local_cloud outputs --json
  python -m local_cloud logs --function create-client
  python -m local_cloud down
"""


def main(arguments: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    # What the Pulumi CLI prints is for programs, too: `pulumi -- stack output --json`.
    console = Console(as_json=boundary.wants_json(words) or list(words[:1]) == ["pulumi"])
    os.environ.update(loopback.spared(os.environ))  # for the program and the Pulumi CLI, too
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT, too: a shell's background job begins without it
        signal.signal(number, _interrupt)
    return boundary.run(lambda: _run(_parser().parse_args(words), console), console, interrupted=_INTERRUPTED)


def _run(options: argparse.Namespace, console: Console) -> int:
    root: Path = options.root
    check_stack_name(options.stack)
    home = Home(options.home) if options.home else Home.of_stack(options.stack, root)
    engine = getattr(options, "engine", deployment.EMBEDDED)
    request = commands.Request(stack=options.stack, home=home, root=root, console=console, engine=engine)
    if options.command == "doctor":
        return doctor(home, console)
    if options.command == "down":
        return commands.down(request)
    deployment.check_stack(root, options.stack)
    if options.command == "up":
        return commands.up(request, leads=not options.no_leads)
    if options.command == "preview":
        return commands.preview(request)
    if options.command == "pulumi":
        return commands.pulumi(request, options.arguments or ["stack"])
    if options.command == "logs":
        return commands.logs(request, function=options.function, minutes=options.minutes)
    return commands.outputs(request)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = boundary.Parser(
        prog="python -m local_cloud",
        description="Runs the whole stack on this machine: no AWS account, no Docker, no Pulumi CLI.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="{" + ",".join(_COMMANDS) + "}")
    for name, purpose in _COMMANDS.items():
        command = subparsers.add_parser(
            name,
            help=purpose,
            description=f"{purpose[0].upper()}{purpose[1:]}.",
            epilog=f"example: python -m local_cloud {name} --home /tmp/second",
        )
        command.add_argument("--stack", default="local", help="whose Pulumi.<stack>.yaml is read (default: local)")
        command.add_argument(
            "--home", type=Path, help="folder of this cloud's ports, data and state (default: .leadbridge/<stack>)"
        )
        command.add_argument("--json", action="store_true", help="print one JSON object, for programs")
        command.add_argument(
            "--root", type=Path, default=REPOSITORY, help="folder of Pulumi.yaml (default: this checkout)"
        )
        if name == "logs":
            command.add_argument("--function", default="", metavar="PART", help="only those whose name holds PART")
            command.add_argument(
                "--minutes",
                type=boundary.whole_between(0, _MAX_MINUTES),
                default=15,
                help="how far back (default: 15)",
            )
        if name == "pulumi":
            command.add_argument("arguments", nargs="*", help="after `--`: what to run (default: stack)")
        if name in ("up", "preview"):
            command.add_argument(
                "--engine",
                choices=deployment.ENGINES,
                default=deployment.EMBEDDED,
                help="who deploys: the engine that is part of the local cloud, or the Pulumi CLI",
            )
        if name == "up":
            command.add_argument("--no-leads", action="store_true", help="don't send the sample leads")
    return parser
