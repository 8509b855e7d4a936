"""What AWS's own service models, as botocore ships them, say about a value: lengths, ranges, patterns, enums."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import Shape


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def parameter(service: str, operation: str, *path: str) -> Shape:
    """The shape of an operation's parameter, or of a member below it."""
    shape = _model(service).operation_model(operation).input_shape
    for name in path:
        shape = shape.member if name == "*" else shape.members[name]
    return shape


def problems(shape: Shape, value: Any) -> Iterator[str]:
    """Why AWS would refuse the value; botocore itself checks lower bounds only."""
    rules = shape.metadata
    measure = value if shape.type_name in ("integer", "long", "float", "double") else len(value)
    if measure < rules.get("min", measure):
        yield f"{value!r} is below {rules['min']}"
    if measure > rules.get("max", measure):
        yield f"{value!r} is above {rules['max']}"
    if rules.get("pattern") and not re.fullmatch(rules["pattern"], value):
        yield f"{value!r} does not match {rules['pattern']}"
    if rules.get("enum") and value not in rules["enum"]:
        yield f"{value!r} is not among {rules['enum']}"
