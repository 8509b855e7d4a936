"""Where a mutant lives: a copy of the repository, and a local stack deployed from it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support import database

from mutants.mutant import Mutant, MutantError
from mutants.processes import Finished, Runner

ROOT = Path(__file__).parents[2]
SHARED = ".venv-lambda"  # the functions' interpreter, made once for a checkout
CONTRACT = "openapi.yaml"
MIGRATIONS = "handlers/migrations/versions/"
TABLES = ("BENEFIT", "PARTNER", "CLIENTS", "SCHEMA_VERSION")  # children first
DEPLOY_SECONDS = 240.0


class DeploymentRefused(Exception):
    """The program or the cloud would not have it; the text is what the deployment printed last."""


class Bench:
    """One worker's checkout and stack. `checkout` holds at most one mutant at a time."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        self.checkout = folder / "checkout"
        self.home = folder / "home"
        self._runner = runner
        self._original: tuple[Path, str] | None = None
        self._written = 0
        self._deployed: Mutant | None = None
        self._is_up = False

    def deploy(self, mutant: Mutant | None) -> None:
        """Bring the stack from whatever it is to the plain source, or to it with one mutant.

        Raise DeploymentRefused; the next deployment mends what that left.
        """
        self._edit(mutant)
        if self._is_up and _changes_tables(self._deployed, mutant):
            self._drop_tables()
        self._deployed = mutant
        done = self._local_cloud("up", "--no-leads", seconds=DEPLOY_SECONDS)
        self._is_up = self._is_up or done.code == 0
        if done.code is None:
            raise MutantError(f"the deployment has not ended after {DEPLOY_SECONDS:.0f} s")
        if done.code != 0:
            raise DeploymentRefused(_last_words(done.output))

    def outputs(self) -> Mapping[str, Any]:
        done = self._local_cloud("outputs", "--json", seconds=30)
        if done.code != 0:
            raise MutantError(f"the stack's outputs can't be read: {_last_words(done.output)}")
        return dict(json.loads(done.output))

    def original(self) -> Path:
        """The mutated file as it was, beside the checkout."""
        path, text = self._original
        original = self.checkout.with_name(f"original-{path.name}")
        original.write_text(text, encoding="utf-8")
        return original

    def down(self) -> None:
        """Stop the stack and remove it. Safe to repeat, also when it never came up."""
        if self.home.exists():
            self._local_cloud("down", seconds=60, although_stopped=True)
        self._is_up, self._deployed = False, None

    def _edit(self, mutant: Mutant | None) -> None:
        if self._original is not None:
            self._write(*self._original)
            self._original = None
        if mutant is not None:
            path = self.checkout / mutant.file
            text = path.read_text(encoding="utf-8")
            self._original = path, text
            self._write(path, mutant.apply(text))

    def _write(self, path: Path, text: str) -> None:
        """Each time with a second of its own: a compiled module is known by its source's size and second."""
        path.write_text(text, encoding="utf-8")
        self._written = max(self._written + 1, int(time.time()))
        os.utime(path, (self._written, self._written))

    def _drop_tables(self) -> None:
        """A migration that has been applied may not be edited, so it must not have been applied."""
        database.execute(self.outputs(), f"DROP TABLE IF EXISTS {', '.join(TABLES)}")

    def _local_cloud(
        self, command: str, *options: str, seconds: float, although_stopped: bool = False
    ) -> Finished:
        return self._runner.run(
            [sys.executable, "-m", "local_cloud", command, "--home", str(self.home), *options],
            seconds=seconds,
            although_stopped=although_stopped,
        )


def copy_checkout(target: Path) -> None:
    """Every file that is tracked or would be, as it is now, in a repository of its own."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout
    for name in filter(None, listed.split("\0")):
        source, copied = ROOT / name, target / name
        if source.is_file():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copied)
    (ROOT / SHARED).mkdir(exist_ok=True)
    (target / SHARED).symlink_to(ROOT / SHARED)
    nobody = ("-c", "user.name=mutants", "-c", "user.email=mutants@localhost", "-c", "commit.gpgsign=false")
    for git in (("init", "--quiet"), ("add", "--all"), (*nobody, "commit", "--quiet", "--message", "The source")):
        subprocess.run(["git", *git], cwd=target, check=True, capture_output=True, timeout=60)


def _changes_tables(*states: Mutant | None) -> bool:
    return any(state is not None and state.file.startswith(MIGRATIONS) for state in states)


def _last_words(output: str) -> str:
    return " ".join(" ".join(output.strip().splitlines()[-4:]).split())[-400:]
