"""IAM documents. Pure functions; a value may be an Output."""

from collections.abc import Sequence
from typing import Any

Statement = dict[str, Any]
POLICY_VERSION = "2012-10-17"  # the policy language's, not a date of ours


def allow(actions: Sequence[str], resources: Sequence[Any]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    return {"Version": POLICY_VERSION, "Statement": list(statements)}


def trust(service: str) -> dict[str, Any]:
    """Who may take the role: one AWS service."""
    return document([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}])
