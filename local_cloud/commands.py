"""What each command of `python -m local_cloud` does."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from local_cloud import cloud, deployment
from local_cloud.cloud import Settings
from local_cloud.console import Console, counted, summary_line
from local_cloud.errors import NotDeployed, Unusable
from local_cloud.home import Home

# Settings of the two servers for tests and experiments: "NAME=value NAME=value".
EMULATOR_SETTINGS = "LEADBRIDGE_EMULATOR"  # variables of MiniStack, such as SFN_WAIT_SCALE=0.01
DATABASE_SETTINGS = "LEADBRIDGE_DATABASE"  # options of MariaDB, such as max-connections=20

_HIDDEN = ("password", "secret", "api_key", "token")


@dataclasses.dataclass(frozen=True)
class Request:
    stack: str
    home: Home
    root: Path
    console: Console
    engine: str = deployment.EMBEDDED

    @property
    def what(self) -> str:
        return f"stack {self.stack}"


def up(request: Request, *, leads: bool) -> int:
    console, home = request.console, request.home
    with home.lock(f"up --stack {request.stack}"):
        _clear_half_made(request)
        running = _start(request)
        with _explained(
            "The deployment failed. What was created is recorded: put it right and run the command again."
        ):
            summary = _deployment(request, running).up()
        console.say(summary_line(request.what, counted(summary.counts, done=True), summary.seconds))
        outputs = deployment.outputs(home, request.stack, _region(request))
    succeeded = not leads or _send_samples(outputs, console)
    for name in ("form", "api"):
        if f"{name}_url" in outputs:
            console.say(f"{name:<14}{outputs[f'{name}_url']}")
    _say_how_to_stop(request)
    console.result(
        {
            "stack": request.stack,
            "home": str(home.path),
            "counts": dict(summary.counts),
            "seconds": round(summary.seconds, 3),
            "outputs": outputs,
            "samples": succeeded if leads else None,
        }
    )
    return 0 if succeeded else 1


def preview(request: Request) -> int:
    running = deployment.running_cloud(request.home, request.stack)
    explained = _explained("The preview failed; nothing was changed. Put it right and run the command again.")
    with request.home.lock(f"preview --stack {request.stack}"), explained:
        previewed = _deployment(request, running).preview()
    request.console.say(summary_line(request.what, counted(previewed.counts, done=False), previewed.seconds))
    steps = [
        {"op": step.op, "type": step.type_, "name": step.name, "urn": step.urn, "detail": step.detail}
        for step in previewed.steps
        if step.op not in ("same", "read")
    ]
    _say_how_to_stop(request)
    request.console.result({"stack": request.stack, "counts": dict(previewed.counts), "steps": steps})
    return 0


def pulumi(request: Request, arguments: Sequence[str]) -> int:
    running = deployment.running_cloud(request.home, request.stack)
    with request.home.lock(f"pulumi {arguments[0]} --stack {request.stack}"):
        return _deployment(request, running).pulumi(arguments)


def _say_how_to_stop(request: Request) -> None:
    request.console.say(f"{'stop with':<14}{deployment.command('down', request.home, request.stack)}")


def logs(request: Request, *, function: str, minutes: int) -> int:
    from local_cloud import function_logs

    outputs = deployment.outputs(request.home, request.stack, _region(request))
    lines = list(function_logs.recent(outputs, function=function, minutes=minutes))
    for line in lines:
        request.console.say(line)
    request.console.result({"lines": lines})
    return 0


def down(request: Request) -> int:
    home, console = request.home, request.console
    if not home.exists():
        console.say(f"There is no local cloud in {home.path}: nothing to stop.")
        console.result({"stopped": [], "removed": None})
        return 0
    with home.lock(f"down --stack {request.stack}"):
        stopped = cloud.stop(home)
        home.remove()
    console.say(summary_line("stopped", ", ".join(stopped) or "nothing ran"))
    kept = "; the folder stays, with what else is in it" if home.path.exists() else ""
    console.say(
        summary_line(
            "removed", f"{home.path}, with the database's data, the deployment's state and the logs{kept}"
        )
    )
    console.result({"stopped": stopped, "removed": str(home.path)})
    return 0


def outputs(request: Request) -> int:
    values = deployment.outputs(request.home, request.stack, _region(request))
    request.console.result(values)
    if not request.console.as_json:
        for name, value in sorted(_flat(values).items()):
            hidden = any(word in name for word in _HIDDEN)
            request.console.say(f"{name:<24}{'(hidden; --json shows it)' if hidden else value}")
    return 0


def _deployment(request: Request, running: cloud.Cloud) -> deployment.Deployment:
    return deployment.Deployment(
        request.home, request.stack, request.root, running, request.console, engine=request.engine
    )


@contextlib.contextmanager
def _explained(text: str) -> Iterator[None]:
    """Raises NotDeployed with this text for a deployment that failed."""
    from local_cloud.engine import DeploymentFailed

    try:
        yield
    except DeploymentFailed as error:
        raise NotDeployed(text, error.errors) from error


def _clear_half_made(request: Request) -> None:
    """What a killed deployment may have made without recording it stands in the way of the next one.

    The cloud is a throw-away one: it is started anew and everything is deployed afresh, which takes seconds.
    """
    from local_cloud.engine import interrupted_creates

    count = len(interrupted_creates(request.home.state_file))
    unfinished = request.home.unfinished.exists()
    if (count or unfinished) and cloud.stop_emulator(request.home):
        what = f"while it created {count} resources" if count else "under the Pulumi CLI"
        request.console.say(summary_line("cloud", f"a deployment was killed {what}: started anew"))
    request.home.unfinished.unlink(missing_ok=True)


def _start(request: Request) -> cloud.Cloud:
    config = deployment.declared_config(request.root, request.stack)
    settings = Settings(
        emulator=_settings(EMULATOR_SETTINGS),
        database=_settings(DATABASE_SETTINGS),
        database_tls=deployment.wants_tls(config),
    )
    region = deployment.region_of(config)
    return cloud.start(request.home, region=region, say=request.console.say, settings=settings)


def _region(request: Request) -> str:
    return deployment.region_of(deployment.declared_config(request.root, request.stack))


def _send_samples(outputs: Mapping[str, Any], console: Console) -> bool:
    from local_cloud import samples

    return samples.send(outputs, console.stream)


def _settings(variable: str) -> dict[str, str]:
    settings = {}
    for word in os.environ.get(variable, "").split():
        name, equals, value = word.partition("=")
        if not equals:
            raise Unusable(f"{variable} has {word!r}: write NAME=value, separated by spaces.")
        settings[name] = value
    return settings


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
