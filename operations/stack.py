"""A deployed stack as an operator reaches it: its outputs, and clients of its cloud."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import UnknownRegionError

from command_line import aws_errors
from operations import http
from operations.errors import OperationsError, Unusable

ROOT = Path(__file__).resolve().parent.parent
LOCAL_STACK = "local"
_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_NEEDED = ("api_url", "event_bus_name", "dead_letter_queue_url", "lead_flow_arn", "lead_table_name", "region")
_LOCAL_KEY = ("aws_access_key_id", "aws_secret_access_key")
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=32,
    retries={"mode": "standard", "total_max_attempts": 5},
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the person said that the stack is: with a `home` or as `local` on this machine, else on AWS."""

    stack: str | None = None
    home: Path | None = None
    outputs: Path | None = None

    def __post_init__(self) -> None:
        if self.stack is not None:
            parts = self.stack.split("/")  # on AWS, Pulumi also knows it by organization/project/stack
            for part in parts if len(parts) <= 3 and not self.home else [self.stack]:
                check_stack_name(part)

    @property
    def is_local(self) -> bool:
        return self.outputs is None and (self.home is not None or self.stack in (None, LOCAL_STACK))

    @property
    def options(self) -> str:
        """As they are written on a command line."""
        words = {"--stack": self.stack, "--home": self.home, "--outputs": self.outputs}
        return "".join(
            f" {option} {shlex.quote(str(value))}" for option, value in words.items() if value is not None
        )


def check_stack_name(stack: str) -> None:
    """By Pulumi's rule, as the local cloud has it, too. Raise Unusable."""
    if not _STACK_NAME.fullmatch(stack) or stack in (".", ".."):
        raise Unusable(
            f"{stack!r} can't be a stack's name: use up to 100 letters, digits, hyphens, underscores and periods,"
            " but not . or .."
        )


class Stack:
    def __init__(self, place: Place, outputs: Mapping[str, Any]) -> None:
        needed = _NEEDED + (_LOCAL_KEY if outputs.get("aws_endpoint_url") else ())
        missing = [name for name in needed if not outputs.get(name) or not isinstance(outputs[name], str)]
        if missing:
            raise Unusable(
                f"The stack's outputs lack {', '.join(missing)}. Deploy it with this version of the program first."
            )
        self.place = place
        self.api_url: str = outputs["api_url"]
        self.bus_name: str = outputs["event_bus_name"]
        self.queue_url: str = outputs["dead_letter_queue_url"]
        self.flow_arn: str = outputs["lead_flow_arn"]
        self.table_name: str = outputs["lead_table_name"]
        self.region: str = outputs["region"]
        self._catch_errors_arn: str | None = outputs.get("catch_errors_arn")
        self._endpoint_url: str | None = outputs.get("aws_endpoint_url")
        self._local_key = {name: outputs.get(name) for name in _LOCAL_KEY}
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """With the person's own credentials on AWS, and with its own key pair on the local cloud."""
        if service not in self._clients:
            self._clients[service] = self._new_client(service)
        return self._clients[service]

    @property
    def catch_errors_arn(self) -> str:
        """Raise OperationsError for a stack that an earlier version has deployed."""
        if not self._catch_errors_arn:
            raise OperationsError(
                "The stack's outputs lack catch_errors_arn, the function that reports are handed to. Deploy it"
                " with this version of the program first; the reports stay in the dead-letter queue meanwhile."
            )
        return self._catch_errors_arn

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _new_client(self, service: str) -> Any:
        local = {
            "endpoint_url": self._endpoint_url,
            **self._local_key,
        }
        config = _CONFIG.merge(Config(proxies={})) if http.is_loopback(self._endpoint_url or "") else _CONFIG
        if not self._endpoint_url:
            _check_region(self.region)
        try:
            client = boto3.client(
                service, region_name=self.region, config=config, **(local if self._endpoint_url else {})
            )
        except ValueError as error:
            raise Unusable(
                f"AWS can't be asked: {error}. Look at the stack's outputs and the AWS settings."
            ) from None
        return aws_errors.hold_to_aws(client)

    def command(self, words: str) -> str:
        """A command line of ours, for this very stack."""
        return f"python -m operations {words}{self.place.options}"


def _check_region(name: str) -> None:
    try:
        boto3.session.Session(region_name=name).get_partition_for_region(name)
    except UnknownRegionError:
        raise Unusable(
            f"The stack's outputs name the region {name!r}, which AWS does not have. Correct it."
        ) from None


def find(place: Place) -> Stack:
    """Raise OperationsError when the stack's outputs can't be read."""
    if place.outputs is not None:
        return Stack(place, _from_file(place.outputs))
    return Stack(place, _printed(_local_command(place) if place.is_local else _pulumi_command(place)))


def _local_command(place: Place) -> list[str]:
    home = [f"--home={place.home}"] if place.home else []
    return [
        sys.executable,
        "-m",
        "local_cloud",
        "outputs",
        "--json",
        f"--stack={place.stack or LOCAL_STACK}",
        *home,
    ]


def _pulumi_command(place: Place) -> list[str]:
    return ["pulumi", "stack", "output", "--json", "--non-interactive", "--stack", str(place.stack)]


def _from_file(path: Path) -> Mapping[str, Any]:
    try:
        return _parsed(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise Unusable(
            f"{path} is not UTF-8 (byte {error.start}). Give what `pulumi stack output --json` prints."
        ) from error


def _printed(command: list[str]) -> Mapping[str, Any]:
    shown = shlex.join(["python", *command[1:]] if command[0] == sys.executable else command)
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    except FileNotFoundError as error:
        raise OperationsError(
            f"{command[0]} is not on the PATH, and it knows the stack's outputs. Install the Pulumi CLI, or write"
            f" them to a file where it is (`{shown} > outputs.json`) and give --outputs outputs.json."
        ) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or "nothing").removeprefix("error: ")
        raise OperationsError(f"`{shown}` ended with {done.returncode}. It says: {said}")
    return _parsed(done.stdout, f"what `{shown}` printed")


def _parsed(text: str, what: str) -> Mapping[str, Any]:
    try:
        outputs = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{what} is not JSON ({error}).") from error
    if not isinstance(outputs, dict):
        raise Unusable(f"{what} is not a JSON object of outputs.")
    return outputs
