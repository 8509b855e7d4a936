"""IAM documents. Pure functions; a value may be an Output."""

from collections.abc import Sequence
from typing import Any

import pulumi

Statement = dict[str, Any]
POLICY_VERSION = "2012-10-17"  # the policy language's, not a date of ours
# Sending traces knows no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
TRACE_ACTIONS = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")


def allow(actions: Sequence[str], resources: Sequence[Any]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def deny(actions: Sequence[str], resources: Sequence[Any], condition: dict[str, Any]) -> Statement:
    return {"Effect": "Deny", "Action": list(actions), "Resource": list(resources), "Condition": condition}


def for_roles(statement: Statement, roles: Sequence[Any]) -> Statement:
    """The statement on a resource, for these roles only. `roles`: ARNs, which may end with a wildcard."""
    return {**statement, "Principal": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": list(roles)}}}


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    return {"Version": POLICY_VERSION, "Statement": list(statements)}


def trust(service: str, *, source_arn: Any = None) -> dict[str, Any]:
    """Who may take the role: one AWS service, and on behalf of one resource where the service tells which."""
    statement: Statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    if source_arn is not None:
        statement["Condition"] = {"ArnLike": {"aws:SourceArn": source_arn}}
    return document([statement])


def roles_of(arn: pulumi.Output[str], function: str) -> pulumi.Output[str]:
    """The ARN, but for the letters that Pulumi appends, of a function's role in the same account as `arn`."""
    return arn.apply(lambda known: f"arn:{known.split(':')[1]}:iam::{known.split(':')[4]}:role/{function}-role-*")


def neighbour(arn: pulumi.Output[str], service: str, resource: str) -> pulumi.Output[str]:
    """The ARN of a resource in the same account and region as `arn`, of a name that is known before it exists."""
    return arn.apply(lambda known: ":".join([*known.split(":")[:2], service, *known.split(":")[3:5], resource]))
