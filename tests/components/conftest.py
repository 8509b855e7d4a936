"""Runs the unmodified program for a stack under Pulumi's mocks and records the resource graph."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RECORDER = Path(__file__).parent / "record_graph.py"

OVERRIDES = {
    "local": {
        "leadbridge:databaseHost": "127.0.0.1",
        "leadbridge:databasePort": "34117",
        "leadbridge:databaseOwnerSecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:owner",
    }
}
STACKS = ("local", "dev", "prod")


def stack_config(stack: str) -> dict[str, str]:
    """As the engine makes it of Pulumi.yaml and Pulumi.<stack>.yaml."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    values = {f"leadbridge:{key}": rule["default"] for key, rule in project["config"].items()}
    values |= yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    values |= OVERRIDES.get(stack, {})
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


class ProgramFailed(Exception):
    pass


def record(stack: str, overrides: dict[str, str] | None = None) -> list[dict]:
    environment = {
        **os.environ,
        "PULUMI_CONFIG": json.dumps(stack_config(stack) | (overrides or {})),
        "PYTHONPATH": str(ROOT),
    }
    result = subprocess.run(
        [sys.executable, str(RECORDER), stack], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50
    )
    if result.returncode:
        raise ProgramFailed(result.stderr)
    return json.loads(result.stdout)


class Graph:
    """The recorded resources of one stack."""

    def __init__(self, resources: list[dict]) -> None:
        self.resources = resources

    def of(self, type_: str) -> list[dict]:
        return [resource for resource in self.resources if resource["type"] == type_]

    def one(self, type_: str, name: str) -> dict:
        found = [resource for resource in self.of(type_) if resource["name"] == name]
        assert len(found) == 1, f"{type_} {name}: found {[r['name'] for r in self.of(type_)]}"
        return found[0]


@pytest.fixture(scope="session")
def graph_of() -> Callable[[str], Graph]:
    known: dict[str, Graph] = {}

    def get(stack: str) -> Graph:
        if stack not in known:
            known[stack] = Graph(record(stack))
        return known[stack]

    return get


@pytest.fixture(scope="session", params=STACKS)
def graph(request: pytest.FixtureRequest, graph_of: Callable[[str], Graph]) -> Graph:
    return graph_of(request.param)
