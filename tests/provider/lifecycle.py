"""What the lifecycle's cases are made of: the case itself, and resources that others refer to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi

Given = dict[str, Any]
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
HANDLER = "def handler(event, context):\n    return event\n"
BODY = json.dumps({"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {}})


def document(**changes: Any) -> str:
    return json.dumps(POLICY | changes)


@dataclass(frozen=True)
class Probe:
    """What the cloud itself says, asked past the provider."""

    service: str
    operation: str
    parameters: Given
    path: str


@dataclass(frozen=True)
class Case:
    type: str
    given: Callable[[Any], Given]
    """The inputs; makes what they refer to."""
    change: Given
    """Inputs that an update changes; empty: each change needs a new resource."""
    probe: Probe
    before: Any
    after: Any = None
    stays: bool = False
    """Deleting it leaves it there, as on AWS."""


def role(world: Any) -> str:
    arn: str = world.make("aws:iam/role:Role", assumeRolePolicy=TRUST)["arn"]
    return arn


def function(world: Any, code: str = HANDLER) -> str:
    made = world.make(
        "aws:lambda/function:Function",
        code=pulumi.AssetArchive({"index.py": pulumi.StringAsset(code)}),
        handler="index.handler",
        runtime="python3.12",
        role=role(world),
    )
    name: str = made["name"]
    return name


def make(type_: str, output: str = "id", **inputs: Any) -> Callable[[Any], Any]:
    return lambda world: world.make(type_, **inputs)[output]


queue = make("aws:sqs/queue:Queue", "arn")
bus = make("aws:cloudwatch/eventBus:EventBus", "name")
topic = make("aws:sns/topic:Topic", "arn")
log_group = make("aws:cloudwatch/logGroup:LogGroup", "name")
vpc = make("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
api = make("aws:apigateway/restApi:RestApi", body=BODY)
secret = make("aws:secretsmanager/secret:Secret", "arn")
