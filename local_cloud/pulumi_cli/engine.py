"""The Pulumi CLI in the place of the embedded engine: the same program, stack, state file and provider."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from ruamel.yaml import YAML

from local_cloud.engine import (
    DeploymentFailed,
    DeploymentInterrupted,
    EngineError,
    Stack,
    Summary,
    statefile,
)
from local_cloud.engine.monitor import ORGANIZATION
from local_cloud.engine.project import PROJECT_FILE
from local_cloud.engine.state import State
from local_cloud.home import PULUMI_CLI, Home, write_private
from local_cloud.processes import Process, start_of
from local_cloud.pulumi_cli import events
from local_cloud.pulumi_cli.plugin import HOME_VARIABLE, plugin_version
from local_cloud.pulumi_cli.toolchain import CLI

PLUGIN = Path(__file__).with_name("bin") / "pulumi-resource-aws"
PASSPHRASE = "pulumi-passphrase"  # noqa: S105 (the name of the file that holds it)

DEPLOYING = ("up", "update", "refresh", "destroy")
RUNNING = (*DEPLOYING, "preview")
"""Commands that may run the program, and so are given its folder."""


class CliEngine:
    """Stands in for `local_cloud.engine.Engine`. The caller holds the home's lock.

    The CLI's project settings and file backend are in the home: nothing is written into the program's folder.
    They are made anew for each command. Before it works it is given the home's state file, which afterwards is
    written from what it has: so the two engines can take turns on one stack.
    """

    def __init__(self, stack: Stack, home: Home, state_path: Path, programs: Path, output: TextIO) -> None:
        """`programs` is the folder of the CLI; `output` gets what it says."""
        self._stack, self._home, self._state_path = stack, home, state_path
        self._programs, self._output = programs, output
        self._folder = home.pulumi / "project"
        self._config = self._folder / f"Pulumi.{stack.name}.yaml"

    def preview(self) -> Summary:
        return self._deploy("preview")

    def up(self) -> Summary:
        return self._deploy("up", "--yes", "--skip-preview", "--suppress-outputs")

    def run(self, arguments: Sequence[str]) -> int:
        """Any command of the CLI on this stack; its exit code."""
        self._prepare()
        return self._operate(arguments)

    def _deploy(self, *arguments: str) -> Summary:
        started = time.monotonic()
        self._prepare()
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            log = Path(folder, "events.json")
            status = self._operate([*arguments, "--event-log", str(log)])
            happened = events.read(log)
        if status:
            errors = events.errors(happened) or (f"`pulumi {arguments[0]}` ended with exit code {status}",)
            raise DeploymentFailed(errors)
        return events.summary(happened, time.monotonic() - started)

    def _operate(self, arguments: Sequence[str]) -> int:
        command, *rest = arguments
        options = []
        if command in RUNNING:
            options += ["--cwd", str(self._stack.root), "--config-file", str(self._config)]
        if command in DEPLOYING:
            self._home.unfinished.touch(mode=0o600)
        status, interrupted = self._cli([command, *options, *rest])
        if command != "preview":
            self._export()
        if command in DEPLOYING:
            self._home.unfinished.unlink()
        if interrupted:
            raise DeploymentInterrupted(
                "stopped; what was in flight is recorded, and the next deployment carries on from there"
            )
        return status

    def _prepare(self) -> None:
        """Gives the CLI the stack's configuration and state."""
        if self._stack.secret_keys:
            keys = ", ".join(sorted(self._stack.secret_keys))
            raise EngineError(f"{keys}: the local cloud doesn't give secret configuration to the Pulumi CLI")
        self._home.generated_secret(PASSPHRASE)
        # A CLI that was killed leaves locks, and checkpoints and settings that are cut off.
        for folder in (self._backend, self._folder, self._home.pulumi / "home"):
            shutil.rmtree(folder, ignore_errors=True)
        plugin = self._home.pulumi / "home" / "plugins" / f"resource-aws-v{plugin_version()}" / PLUGIN.name
        for folder in (self._home.pulumi, self._folder, self._backend, plugin.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        plugin.unlink(missing_ok=True)
        plugin.symlink_to(PLUGIN)
        shutil.copyfile(self._stack.root / PROJECT_FILE, self._folder / PROJECT_FILE)
        # JSON is YAML; the CLI adds the salt of its passphrase.
        write_private(self._config, json.dumps({"config": dict(self._stack.config)}, indent=2))
        self._quietly("stack", "select", "--create", self._name)
        self._import()

    def _import(self) -> None:
        state = State(self._state_path, self._stack.root)  # folds the journal into the state
        state.close()
        given = self._folder / "state.json"
        if self._state_path.exists():
            document = json.loads(self._state_path.read_text())
            # Without it the CLI panics on a state with secrets, which it has to encrypt.
            salt = YAML(typ="safe").load(self._config)["encryptionsalt"]
            document["deployment"]["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
            write_private(given, json.dumps(document))
        else:
            statefile.write(given, (), ())
        self._quietly("stack", "import", "--file", str(given))
        given.unlink()

    def _export(self) -> None:
        write_private(self._state_path, self._quietly("stack", "export", "--show-secrets"))

    @property
    def _backend(self) -> Path:
        return self._home.pulumi / "backend"

    @property
    def _name(self) -> str:
        return f"{ORGANIZATION}/{self._stack.project}/{self._stack.name}"

    def _cli(self, arguments: Sequence[str]) -> tuple[int, bool]:
        """The exit code, and whether it was interrupted: it has then finished what was in flight.

        It is in a session of its own, so that a Ctrl-C reaches it once; a second one makes it leave at once.
        """
        with subprocess.Popen(  # noqa: S603 - the CLI that was found or built
            [self._programs / CLI, "--non-interactive", *arguments],
            cwd=self._folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            start_new_session=True,
        ) as process:
            record = self._home.record(PULUMI_CLI)
            Process(pid=process.pid, started=start_of(process.pid) or "ended").save(record)
            interrupted = False
            while True:
                try:
                    status = process.wait()
                    record.unlink()
                    return status, interrupted
                except KeyboardInterrupt:
                    interrupted = True
                    process.send_signal(signal.SIGINT)

    def _quietly(self, *arguments: str) -> str:
        """What the CLI prints. Raises EngineError with its complaint."""
        done = subprocess.run(  # noqa: S603
            [self._programs / CLI, "--non-interactive", "--color", "never", *arguments],
            cwd=self._folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EngineError(f"`pulumi {' '.join(arguments[:2])}` failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        """Nothing of the person's own Pulumi: no account, no plugins, no network."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        folders = (str(Path(sys.executable).parent), str(self._programs), os.environ.get("PATH", ""))
        return {
            **inherited,
            "PATH": os.pathsep.join(folders),
            "PULUMI_HOME": str(self._home.pulumi / "home"),
            "PULUMI_BACKEND_URL": self._backend.as_uri(),
            "PULUMI_STACK": self._name,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._home.secret(PASSPHRASE)),
            "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            HOME_VARIABLE: str(self._home.path),
        }
