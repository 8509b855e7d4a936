"""What a person waits for, measured in one run on one machine, each figure also as a ratio to the first.

    python benchmarks/local_cloud.py [--leads 300]

Fresh start, nothing to do, one handler edited, and a burst of leads with its peak of memory.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from command_line import boundary  # noqa: E402 - the project is not installed

with boundary.imports():
    from benchmarks.burst import Burst


def local_cloud(root: Path, home: Path, command: str, *options: str) -> str:
    line = [sys.executable, "-m", "local_cloud", command, "--home", str(home), *options]
    return subprocess.run(line, cwd=root, check=True, capture_output=True, text=True).stdout  # noqa: S603


def timed(label: str, root: Path, home: Path, command: str, *options: str, base: float | None = None) -> float:
    started = time.perf_counter()
    local_cloud(root, home, command, *options)
    seconds = time.perf_counter() - started
    ratio = f"{seconds / base:6.2f} of the first" if base else ""
    sys.stdout.write(f"{label:<44} {seconds:6.2f} s  {ratio}\n")
    return seconds


def main() -> int:
    parser = boundary.Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--leads", type=boundary.whole_between(1, 100_000), default=300, help="how many leads the burst has"
    )
    leads = parser.parse_args().leads
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "leadbridge"), Path(folder, "home")
        ignored = shutil.ignore_patterns(".git", ".venv*", ".leadbridge", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, root, ignore=ignored)
        (root / ".venv-lambda").symlink_to(ROOT / ".venv-lambda")
        try:
            first = timed("up, from nothing to the final table", root, home, "up")
            timed("up, nothing changed, with the sample leads", root, home, "up", base=first)
            timed("up, nothing changed", root, home, "up", "--no-leads", base=first)
            timed("preview, nothing changed", root, home, "preview", base=first)
            handler = root / "handlers" / "backend" / "get_client.py"
            handler.write_text(handler.read_text() + "\n# edited\n")
            timed("up, one handler edited", root, home, "up", "--no-leads", base=first)
            burst = Burst(json.loads(local_cloud(root, home, "outputs", "--json")), home)
            result = burst.run(leads)
            sys.stdout.write(
                f"{f'burst of {leads} leads':<44} {result.seconds:6.2f} s  {leads / result.seconds:6.1f} leads/s,"
                f" {result.completed} completed, peak {result.peak_bytes / 2**30:.2f} GiB"
                f" in {result.peak_processes} processes\n"
            )
        finally:
            local_cloud(root, home, "down")
    return 0


sys.exit(boundary.run(main, boundary.Plain()))
