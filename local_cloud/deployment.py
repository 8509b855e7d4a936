"""Deploys a stack's program to the running local cloud."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from local_cloud import cloud, emulator_process
from local_cloud.aws_client import aws_client
from local_cloud.cloud import Cloud
from local_cloud.console import Console, StepReporter, summary_line
from local_cloud.errors import LocalCloudError, Unusable
from local_cloud.home import REPOSITORY, Home, write_private

# Pulumi's modules take half a second to import: not for `--help`, `down` or `doctor`.
if TYPE_CHECKING:
    from local_cloud.engine import Engine, Stack, Summary
    from local_cloud.pulumi_cli.engine import CliEngine

OWNER_SECRET = "crm-owner"  # noqa: S105 (the name of a secret, not a secret)
DEFAULT_REGION = "us-east-1"
EMBEDDED, CLI = ENGINES = ("embedded", "cli")


def check_stack(root: Path, stack: str) -> None:
    """Raises Unusable, with the names of the stacks that exist, for an unknown one."""
    names = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml"))
    if stack not in names:
        known = ", ".join(names) or "none"
        raise Unusable(f"There is no stack {stack!r} (Pulumi.{stack}.yaml) in {root}. Its stacks: {known}.")


def declared_config(root: Path, stack: str) -> Mapping[str, str]:
    """The stack's configuration as its files have it. Raises ConfigError."""
    from local_cloud.engine import load_stack

    return load_stack(root, stack).config


def region_of(config: Mapping[str, str]) -> str:
    return config.get("aws:region", DEFAULT_REGION)


def wants_tls(config: Mapping[str, str]) -> bool:
    return config.get("leadbridge:databaseTls") == "true"


class Deployment:
    """One stack on one running cloud. The caller holds the home's lock."""

    def __init__(
        self,
        home: Home,
        stack: str,
        root: Path,
        running: Cloud,
        console: Console,
        *,
        engine: str = EMBEDDED,
    ) -> None:
        self._home = home
        self._engine_name = engine
        self._root = root
        self._stack = stack
        self._cloud = running
        self._console = console
        self._config = declared_config(root, stack)
        self._region = region_of(self._config)

    def up(self) -> Summary:
        if self._is_lost():
            self._console.say(
                summary_line(
                    self._what,
                    "the cloud was restarted and lost its resources, with the leads in flight and all statuses:"
                    " deployed afresh",
                )
            )
            self._set_state_aside()
        write_private(self._home.deployed_on, self._cloud.emulator.start_id)
        secret_arn = self._owner_secret(create=True)
        return self._engine(self._home.state_file, secret_arn, every_step=False).up()

    def preview(self) -> Summary:
        state = self._home.state_file
        if self._is_lost():
            state = self._home.path / "tmp" / "preview" / "stack.json"
            state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._engine(state, self._owner_secret(create=False), every_step=True).preview()

    def pulumi(self, arguments: Sequence[str]) -> int:
        """Any command of the Pulumi CLI on what is deployed; its exit code."""
        if self._is_lost():
            raise LocalCloudError(
                "The cloud was restarted and lost what was deployed. Run: "
                + command("up", self._home, self._stack)
            )
        engine = self._cli_engine(self._home.state_file, self._owner_secret(create=False), sys.stdout)
        return engine.run(arguments)

    @property
    def _what(self) -> str:
        return f"stack {self._stack}"

    def _cli_engine(self, state: Path, secret_arn: str, output: TextIO) -> CliEngine:
        from local_cloud.pulumi_cli import toolchain
        from local_cloud.pulumi_cli.engine import CliEngine

        programs = toolchain.ensure(self._console.say)
        return CliEngine(self._load(secret_arn), self._home, state, programs, output)

    def _engine(self, state: Path, secret_arn: str, *, every_step: bool) -> Engine | CliEngine:
        if self._engine_name == CLI:
            return self._cli_engine(state, secret_arn, self._console.stream)
        from local_cloud.engine import Engine
        from local_cloud.provider import AwsProvider, DatabaseServer

        emulator, database = self._cloud.emulator, self._cloud.database
        server = DatabaseServer(
            host=database.host, port=database.port, user=database.user, password=database.password
        )
        return Engine(
            self._load(secret_arn),
            state,
            AwsProvider(emulator.endpoint_url, emulator.key, region=self._region, database=server),
            reporter=StepReporter(self._console, self._what, every_step=every_step),
        )

    def _load(self, secret_arn: str) -> Stack:
        from local_cloud.engine import load_stack

        database = self._cloud.database
        known = {
            "leadbridge:databaseHost": database.host,
            "leadbridge:databasePort": str(database.port),
            "leadbridge:databaseOwnerSecretArn": secret_arn,
        }
        if wants_tls(self._config):
            known["leadbridge:databaseCaFile"] = str(self._home.certificate)
        if not self._config.get("leadbridge:alertEmail"):
            known["leadbridge:alertEmail"] = "none"  # no mail leaves this machine
        overrides = {key: value for key, value in known.items() if key in self._config}
        return load_stack(self._root, self._stack, overrides | {"aws:region": self._region})

    def _is_lost(self) -> bool:
        """Whether the state file describes resources that went with an earlier run of the emulator."""
        if not any(path.exists() for path in self._state_files()):
            return False
        recorded = self._home.deployed_on.read_text() if self._home.deployed_on.exists() else ""
        return recorded != self._cloud.emulator.start_id

    def _state_files(self) -> tuple[Path, Path]:
        state = self._home.state_file
        return state, state.with_name(f"{state.name}.journal")

    def _set_state_aside(self) -> None:
        for path in self._state_files():
            if path.exists():
                path.replace(path.with_name(f"{path.name}.lost"))

    def _owner_secret(self, *, create: bool) -> str:
        """The ARN of the Secrets Manager secret with the database owner's account."""
        import json

        emulator, database = self._cloud.emulator, self._cloud.database
        secrets = aws_client("secretsmanager", emulator.endpoint_url, self._region, emulator.key)
        value = json.dumps({"username": database.user, "password": database.password})
        try:
            found = secrets.get_secret_value(SecretId=OWNER_SECRET)
        except secrets.exceptions.ResourceNotFoundException:
            if not create:
                return f"arn:aws:secretsmanager:{self._region}:000000000000:secret:{OWNER_SECRET}-preview"
            created = secrets.create_secret(
                Name=OWNER_SECRET, Description="The account that migrates the CRM database", SecretString=value
            )
            return str(created["ARN"])
        if create and found["SecretString"] != value:
            secrets.put_secret_value(SecretId=OWNER_SECRET, SecretString=value)
        return str(found["ARN"])


def command(name: str, home: Home, stack: str) -> str:
    """The command line that does it to this home and stack."""
    if home.path == Home.of_stack(stack, REPOSITORY).path:
        return f"make {name}" if stack == "local" else f"make {name} STACK={stack}"
    return f"python -m local_cloud {name} --stack {stack} --home {shlex.quote(str(home.path))}"


def running_cloud(home: Home, stack: str) -> Cloud:
    """For what only looks, and so starts nothing. Raises LocalCloudError when the cloud does not run."""
    found = cloud.running(home) if home.exists() else None
    if found is None:
        stranger = home.exists() and cloud.is_key_unknown(home)
        why = emulator_process.KEY_UNKNOWN if stranger else "is not running"
        raise LocalCloudError(f"The local cloud in {home.path} {why}. Run: {command('up', home, stack)}")
    return found


def outputs(home: Home, stack: str, region: str) -> dict[str, Any]:
    """What the stack put out, and how to reach the cloud. Raises LocalCloudError when it is not up."""
    from local_cloud.engine import read_outputs

    stack_outputs = read_outputs(home.state_file) if home.exists() else {}
    if not stack_outputs:
        raise LocalCloudError(
            f"The local cloud in {home.path} has nothing deployed. Run: {command('up', home, stack)}"
        )
    running = running_cloud(home, stack)
    emulator, database = running.emulator, running.database
    if not home.deployed_on.exists() or home.deployed_on.read_text() != emulator.start_id:
        raise LocalCloudError(
            f"The local cloud in {home.path} was restarted, and has nothing deployed any more."
            f" Run: {command('up', home, stack)}"
        )
    return {
        "region": region,
        **stack_outputs,
        "aws_endpoint_url": emulator.endpoint_url,
        "aws_access_key_id": emulator.key.id,
        "aws_secret_access_key": emulator.key.secret,
        "database": {
            "host": database.host,
            "port": database.port,
            "user": database.user,
            "password": database.password,
            "name": database.name,
        },
    }
