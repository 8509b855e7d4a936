"""The resource graph of a stack, as the unmodified program registers it under Pulumi's mocks."""

import json
import multiprocessing
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.components import record_graph

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 50
PROJECT = "leadbridge"
STACKS = ("local", "dev", "prod")
ACCOUNT, REGION = "123456789012", "us-east-1"

OWNER_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:owner-AbCdEf"
OVERRIDES = {
    "local": {
        "databaseHost": "127.0.0.1",
        "databasePort": "34117",
        "databaseOwnerSecretArn": OWNER_SECRET,
    },
    "prod": {"alertEmail": "oncall@example.com"},
}
ON_PREMISE = {
    "databaseMode": "on-premise",
    "databaseHost": "crm.company.example",
    "databaseNetworkCidr": "10.8.0.0/24",
    "databaseOwnerSecretArn": OWNER_SECRET,
}
VPN = {**ON_PREMISE, "vpnGatewayAddress": "52.95.36.7"}

FUNCTION = "aws:lambda/function:Function"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
PERMISSION = "aws:lambda/permission:Permission"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
STATE_MACHINE = "aws:sfn/stateMachine:StateMachine"
REST_API = "aws:apigateway/restApi:RestApi"
DEPLOYMENT = "aws:apigateway/deployment:Deployment"
METHOD_SETTINGS = "aws:apigateway/methodSettings:MethodSettings"


@dataclass(frozen=True, kw_only=True)
class Resource:
    type: str
    name: str
    urn: str
    parent: str
    dependencies: list[str]
    inputs: dict[str, Any]
    secrets: list[str]
    retained: bool
    protected: bool
    ignored: list[str]
    outputs: dict[str, Any]

    @property
    def component(self) -> bool:
        return self.type.startswith(f"{PROJECT}:")

    def document(self, name: str) -> Any:
        """An input that is JSON text."""
        return json.loads(self.inputs[name])


class Graph:
    def __init__(self, stack: str, recorded: Mapping[str, Any]) -> None:
        self.prefix = f"{PROJECT}-{stack}"
        self.resources = [Resource(**each) for each in recorded["resources"]]
        self.outputs: dict[str, Any] = recorded["outputs"]
        self.secret_outputs: list[str] = recorded["secret_outputs"]

    def of(self, type_: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, type_: str, name: str | None = None) -> Resource:
        """`name`: without the stack's prefix."""
        found = [each for each in self.of(type_) if name is None or each.name == f"{self.prefix}-{name}"]
        assert len(found) == 1, f"{type_} {name}: found {[each.name for each in self.of(type_)]}"
        return found[0]

    def function(self, name: str) -> Resource:
        return self.one(FUNCTION, f"{name}-function")

    def functions(self) -> dict[str, Resource]:
        """Name without the stack's prefix -> function."""
        return {each.inputs["name"].removeprefix(f"{self.prefix}-"): each for each in self.of(FUNCTION)}

    def parent_of(self, resource: Resource) -> Resource | None:
        return next((each for each in self.resources if each.urn == resource.parent), None)

    def children_of(self, parent: Resource, type_: str) -> list[Resource]:
        return [each for each in self.of(type_) if each.parent == parent.urn]

    def statements_of(self, function: Resource) -> list[dict[str, Any]]:
        """The rights of a function: what its role's policy says."""
        component = self.parent_of(function)
        assert component is not None
        (policy,) = self.children_of(component, ROLE_POLICY)
        return list(policy.document("policy")["Statement"])

    def archives(self) -> dict[str, dict[str, str]]:
        """Function -> name in its archive -> hash of the content."""
        return {name: each.inputs["code"] for name, each in self.functions().items()}


class ProgramFailed(Exception):
    """What the program said on its way out."""


def stack_config(stack: str, root: Path = ROOT) -> dict[str, str]:
    """As an engine makes it of Pulumi.yaml and Pulumi.<stack>.yaml."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text())
    values = {f"{PROJECT}:{key}": rule["default"] for key, rule in project["config"].items()}
    values |= yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())["config"]
    values |= {f"{PROJECT}:{key}": value for key, value in OVERRIDES.get(stack, {}).items()}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def record(
    stack: str,
    overrides: Mapping[str, str] | None = None,
    *,
    root: Path = ROOT,
    unpack: Path | None = None,
    configured_as: str | None = None,
) -> Graph:
    """Raise ProgramFailed with the program's own words.

    `overrides`: configuration, without namespace. `unpack`: where each function's archive is laid out in a folder.
    `configured_as`: the stack whose configuration one of another name takes.
    """
    config = stack_config(configured_as or stack, root) | {
        f"{PROJECT}:{key}": text for key, text in (overrides or {}).items()
    }
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([record_graph.__name__])
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        process = processes.Process(target=record_graph.main, args=(root, stack, config, unpack, answer))
        process.start()
        process.join(TIMEOUT_SECONDS)
        if process.exitcode != 0:
            process.kill()
            raise ProgramFailed(f"the program ended with {process.exitcode}")
        recorded = json.loads(answer.read_text())
    if "error" in recorded:
        raise ProgramFailed(recorded["error"])
    return Graph(stack, recorded)
