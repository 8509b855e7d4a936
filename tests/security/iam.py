"""A small IAM evaluator: what a set of statements says about one call. It refuses what it does not understand.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, for one account, without
boundaries and organisations.
"""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Statement = Mapping[str, Any]

UNDERSTOOD = {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}


@dataclass(frozen=True, kw_only=True)
class Call:
    """`service`: the AWS service that makes the call, for policies that name a principal."""

    action: str
    resource: str = "*"
    service: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


class NotUnderstood(Exception):
    pass


def allowed(statements: Sequence[Statement], call: Call) -> bool:
    return bool(granting(statements, call)) and not any(
        applies(each, call) and each["Effect"] == "Deny" for each in statements
    )


def granting(statements: Sequence[Statement], call: Call) -> list[int]:
    """The positions of the statements that allow the call."""
    return [at for at, each in enumerate(statements) if applies(each, call) and each["Effect"] == "Allow"]


def applies(statement: Statement, call: Call) -> bool:
    unknown = set(statement) - UNDERSTOOD
    if unknown or statement["Effect"] not in ("Allow", "Deny"):
        raise NotUnderstood(f"{sorted(unknown)} in {statement}")
    return (
        any(matches(pattern.lower(), call.action.lower()) for pattern in many(statement["Action"]))
        and (
            "Resource" not in statement
            or any(matches(each, call.resource) for each in many(statement["Resource"]))
        )
        and ("Principal" not in statement or _is_named(statement["Principal"], call))
        and all(
            _condition(operator, many(values), call.context.get(key.lower()))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def matches(pattern: str, value: str) -> bool:
    """`*` stands for any characters, `?` for one."""
    translated = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(translated, value, re.DOTALL) is not None


def many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def pairs(statements: Sequence[Statement]) -> Iterator[tuple[int, str, str]]:
    """Everything that is said: position, action, resource."""
    for at, each in enumerate(statements):
        yield from (
            (at, action, resource) for action in many(each["Action"]) for resource in many(each["Resource"])
        )


def without(statements: Sequence[Statement], at: int, action: str, resource: str | None = None) -> list[Statement]:
    """The statements less one action of one of them, on one resource or on all."""
    rest: list[Statement] = [copy.deepcopy(dict(each)) for each in statements]
    statement = dict(rest.pop(at))
    actions = [each for each in many(statement["Action"]) if each != action]
    resources = [each for each in many(statement["Resource"]) if each != resource] if resource else []
    if actions:
        rest.append({**statement, "Action": actions})
    if resources:
        rest.append({**statement, "Action": [action], "Resource": resources})
    return rest


def _is_named(principal: Any, call: Call) -> bool:
    if principal == "*":
        return True
    if not set(principal) <= {"Service", "AWS"}:
        raise NotUnderstood(f"principal {principal}")
    return call.service is not None and call.service in many(principal.get("Service", ()))


def _like_arn(pattern: str, value: str) -> bool:
    """Each of the six parts by itself, so that a wildcard does not reach into the next one."""
    patterns, parts = pattern.split(":", 5), value.split(":", 5)
    return len(patterns) == len(parts) and all(map(matches, patterns, parts))


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": matches,
    "ArnEquals": _like_arn,
    "ArnLike": _like_arn,
    "Bool": lambda expected, value: expected.lower() == value.lower(),
}


def _condition(operator: str, expected: Iterable[str], value: str | None) -> bool:
    """A key that the call does not carry fulfils none of these operators."""
    if operator not in _OPERATORS:
        raise NotUnderstood(f"condition operator {operator}")
    return value is not None and any(_OPERATORS[operator](each, value) for each in expected)
