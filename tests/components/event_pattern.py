"""EventBridge's matching of events, as far as the stack's patterns use it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from collections.abc import Mapping
from typing import Any

Json = Any


def matches(pattern: Mapping[str, Json], event: Mapping[str, Json]) -> bool:
    """Every key of the pattern must match; `$or` when one of its patterns does."""
    for key, rule in pattern.items():
        if key == "$or":
            if not any(matches(each, event) for each in rule):
                return False
        elif isinstance(rule, Mapping):
            if not isinstance(event.get(key), Mapping) or not matches(rule, event[key]):
                return False
        elif key not in event or not any(_one(each, event[key]) for each in rule):
            return False
    return True


def _one(rule: Json, value: Json) -> bool:
    if not isinstance(rule, Mapping):
        return bool(rule == value)
    (operator, operand), *more = rule.items()
    assert operator == "anything-but", f"the matcher does not know {operator}"
    assert not more
    return value not in (operand if isinstance(operand, list) else [operand])
