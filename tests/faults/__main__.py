"""Breaks a local stack in every way that is known, and counts what became of the leads.

    python -m tests.faults                                 everything, over several seeds
    python -m tests.faults --part matrix --seeds 7 --leads 2 --json

Makes a stack of its own, in a folder that it removes. Ends with 1 when a lead was lost or doubled.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from local_cloud import loopback
from tests.faults.long_form import PARTS, Run
from tests.stack import LocalCloud, Stack


def main() -> int:
    options = _options()
    started = time.monotonic()
    os.environ.update(loopback.spared(os.environ))

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="leadbridge-faults-") as folder:
        cloud = LocalCloud(Path(folder) / "home")
        say("a stack of its own is deployed")
        cloud.up()
        try:
            run = Run(Stack(cloud.outputs()), cloud, seeds=options.seeds, leads=options.leads, say=say)
            for part in options.part or PARTS:
                PARTS[part](run)
        finally:
            cloud.down()
    print(json.dumps(run.as_json(), indent=2) if options.json else "\n".join(run.lines()))
    return 0 if run.kept else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="only this one; may be given again")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[1, 2, 3], help="each gives other leads and orders"
    )
    parser.add_argument(
        "--leads", type=int, default=4, help="leads through each cell of the matrix, for each seed"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
