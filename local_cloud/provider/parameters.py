"""Pulumi inputs to the parameters of an AWS operation, by the shapes that botocore knows. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_cloud.engine.provider import UNKNOWN, CheckFailed
from local_cloud.provider.resource import Inputs, To


def member_of(shape: Any, name: str) -> str | None:
    """The member of a structure that has this name, whatever its case."""
    if name in shape.members:
        return name
    lowered = name.lower()
    return next((member for member in shape.members if member.lower() == lowered), None)


def first_of(path: str) -> str:
    return path.partition(".")[0]


def target(spec: str | To) -> To:
    return spec if isinstance(spec, To) else To(path=spec)


def taken(shape: Any, inputs: Inputs) -> frozenset[str]:
    """The inputs for which an operation with this shape has a parameter."""
    if shape is None:
        return frozenset()
    return frozenset(name for name, spec in inputs.items() if member_of(shape, first_of(target(spec).path)))


def parameters(
    shape: Any,
    inputs: Inputs,
    values: Mapping[str, Any],
    where: str,
    key: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The parameters for those inputs, and those parts of the key, that the operation takes.

    Absent values are left out. Raises CheckFailed for a name inside a value that the operation doesn't have,
    with `where` in the message.
    """
    tree: dict[str, Any] = {}
    for name in sorted(taken(shape, inputs)):
        value = values.get(name)
        if value is None:
            continue
        to = target(inputs[name])
        value = renamed(value, to.rename)
        if to.convert:
            value = UNKNOWN if contains_unknown(value) else to.convert(value)
        place(tree, named(shape, to.path), value)
    for path, value in (key or {}).items():
        if value is not None and taken(shape, {path: path}):
            place(tree, named(shape, path), value)
    built: dict[str, Any] = build(shape, tree, where) if tree else {}
    return built


def named(shape: Any, path: str) -> list[str]:
    """The steps of a path, the first one as the operation spells it."""
    first, *rest = path.split(".")
    return [member_of(shape, first) or first, *rest]


def contains_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(contains_unknown, value.values()))
    if isinstance(value, list):
        return any(map(contains_unknown, value))
    return value is UNKNOWN


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    if not names:
        return value
    if isinstance(value, dict):
        return {names.get(key, key): renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    return value


def place(tree: dict[str, Any], path: list[str], value: Any) -> None:
    """Sets the value at the path; a number in the path is a place in a list."""
    node: Any = tree
    for step, following in zip(path, [*path[1:], None], strict=True):
        new: Any = value if following is None else [] if following.isdigit() else {}
        if isinstance(node, list):
            index = int(step)
            if len(node) <= index:
                node.append(new)
            node = node[index]
        elif following is None:
            node[step] = new
        else:
            node = node.setdefault(step, new)


def build(shape: Any, value: Any, where: str) -> Any:
    """The value in the form of the shape: names, numbers, tag lists, JSON text."""
    if value is UNKNOWN:
        return value
    match shape.type_name:
        case "structure" if isinstance(value, dict):
            return structure(shape, value, where)
        case "map" if isinstance(value, dict):
            return {
                key: build(shape.value, item, f"{where}.{key}") for key, item in value.items() if item is not None
            }
        case "list":
            return listed(shape, value, where)
        case "string":
            return text(value)
        case "integer" | "long" if isinstance(value, float) and value.is_integer():
            return int(value)
        case "integer" | "long" if isinstance(value, str) and value.isdigit():
            return int(value)
        case "float" | "double" if isinstance(value, (int, str)):
            return float(value)
    return value


def structure(shape: Any, value: dict[str, Any], where: str) -> dict[str, Any]:
    built = {}
    for name, item in value.items():
        if item is None:
            continue
        member = member_of(shape, name)
        if member is None:
            raise CheckFailed(
                f"{where}: the local cloud doesn't know {name!r} (but: {', '.join(sorted(shape.members))}). "
                "Leave it out, or add it to the type's declaration in local_cloud/provider/types."
            )
        built[member] = build(shape.members[member], item, f"{where}.{name}")
    return built


def listed(shape: Any, value: Any, where: str) -> list[Any]:
    element = shape.member
    if isinstance(value, dict) and element.type_name == "structure":
        key = next(filter(None, (member_of(element, name) for name in ("key", "name", "tagKey"))), None)
        content = member_of(element, "value") or member_of(element, "tagValue")
        if key and content:
            return [{key: name, content: text(item)} for name, item in sorted(value.items())]
    items = value if isinstance(value, list) else [value]
    return [build(element, item, f"{where}[{index}]") for index, item in enumerate(items)]


def text(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case dict() | list() if contains_unknown(value):
            return UNKNOWN
        case dict() | list():
            return json.dumps(value, separators=(",", ":"))
    return value
