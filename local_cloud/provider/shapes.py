"""What AWS's own service models, as botocore ships them, allow a request to hold.

botocore checks names, types and required members itself, and lower bounds; the emulator checks next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import regex  # type: ignore[import-untyped] # the models' patterns are Java's, which `re` does not know

from local_cloud.engine.provider import UNKNOWN

NUMBERS = ("integer", "long", "float", "double")
SHOWN = 80


def problems(shape: Any, value: Any, where: str = "") -> Iterator[str]:
    """Why AWS would refuse the value, each beginning with its path. What is not known yet passes.

    `shape`: botocore's; None for an operation without parameters. Required members are botocore's own to check.
    """
    if shape is None or value is UNKNOWN:
        return
    match shape.type_name:
        case "structure" if isinstance(value, dict):
            for name, item in value.items():
                if name in shape.members:
                    yield from problems(shape.members[name], item, f"{where}.{name}".removeprefix("."))
        case "map" if isinstance(value, dict):
            yield from within(shape, len(value), where, "entries")
            for key, item in value.items():
                yield from problems(shape.key, key, f"{where}.{key}")
                yield from problems(shape.value, item, f"{where}.{key}")
        case "list" if isinstance(value, list):
            yield from within(shape, len(value), where, "items")
            for number, item in enumerate(value):
                yield from problems(shape.member, item, f"{where}[{number}]")
        case "string" if isinstance(value, str):
            yield from text_problems(shape, value, where)
        case kind if kind in NUMBERS and isinstance(value, (int, float)):
            yield from within(shape, value, where, "")
        case "blob" if isinstance(value, (bytes, str)):
            yield from within(shape, len(value), where, "bytes")


def text_problems(shape: Any, value: str, where: str) -> Iterator[str]:
    yield from within(shape, len(value), where, "characters")
    pattern = shape.metadata.get("pattern")
    if pattern and (rule := compiled(pattern)) and not rule.fullmatch(value):
        yield f"{where}: {shortened(value)} does not match {pattern}"
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        yield f"{where}: {shortened(value)} is not among {', '.join(enum)}"


def within(shape: Any, measure: float, where: str, unit: str) -> Iterator[str]:
    """The model's bounds; a bound of the other kind, as some models have it, is left alone."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    said = f"{measure} {unit}".strip()
    if least is not None and measure < least:
        yield f"{where}: {said} is below {least}"
    if most is not None and measure > most:
        yield f"{where}: {said} is above {most}"


@cache
def compiled(pattern: str) -> Any:
    """None for a pattern that is no valid one, which a model has for DynamoDB's scaling roles."""
    try:
        return regex.compile(pattern)
    except regex.error:
        return None


def shortened(value: str) -> str:
    return repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}…")
