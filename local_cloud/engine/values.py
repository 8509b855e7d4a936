"""Property values inside the engine: plain Python, plus Secret, Reference and UNKNOWN."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .provider import UNKNOWN, Properties

SECRET_MASK = "[secret]"  # noqa: S105 - what is shown in place of one


@dataclass(frozen=True)
class Secret:
    value: Any

    def __repr__(self) -> str:
        return SECRET_MASK


@dataclass(frozen=True)
class Reference:
    """A resource used as a value."""

    urn: str
    id: Any = None
    package_version: str = ""


def _any(value: Any, test: Callable[[Any], bool]) -> bool:
    if test(value):
        return True
    if isinstance(value, Secret):
        return _any(value.value, test)
    if isinstance(value, dict):
        return any(_any(item, test) for item in value.values())
    if isinstance(value, list):
        return any(_any(item, test) for item in value)
    return isinstance(value, Reference) and _any(value.id, test)


def contains_unknown(value: Any) -> bool:
    return _any(value, lambda item: item is UNKNOWN)


def contains_secret(value: Any) -> bool:
    return _any(value, lambda item: isinstance(item, Secret))


def plain(value: Any) -> Any:
    """The value as a provider sees it: secrets stripped, a resource in place of which its id stands."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Reference):
        return value.urn if value.id is None else plain(value.id)
    return value


def plain_properties(properties: Mapping[str, Any]) -> Properties:
    """Like `plain`, without the properties that are null, which Pulumi takes as absent."""
    return {key: plain(value) for key, value in properties.items() if value is not None}


def mark_like(value: Any, marked: Any) -> Any:
    """`value`, with the secret marks that `marked` (its earlier form) carries, as deep as the two agree."""
    if not contains_secret(marked):
        return value
    if isinstance(value, dict) and isinstance(marked, dict):
        if all(key in value for key, item in marked.items() if contains_secret(item)):
            return {key: mark_like(item, marked.get(key)) for key, item in value.items()}
    elif isinstance(value, list) and isinstance(marked, list) and len(value) == len(marked):
        return [mark_like(item, old) for item, old in zip(value, marked, strict=True)]
    return Secret(value)


def mark_inputs(checked: Properties, given: Mapping[str, Any]) -> Properties:
    return {key: mark_like(value, given.get(key)) for key, value in checked.items()}


def mark_outputs(outputs: Properties, inputs: Mapping[str, Any], secret_names: Iterable[str]) -> Properties:
    """An output is secret as a whole when it is named so or when the input of its name holds a secret."""
    names = {*secret_names, *(key for key, value in inputs.items() if contains_secret(value))}
    return {
        key: Secret(value) if key in names and not isinstance(value, Secret) else value
        for key, value in outputs.items()
    }


def changed_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the properties that differ, secret or not; null is absent."""
    before, after = plain_properties(old), plain_properties(new)
    return tuple(sorted(key for key in {*before, *after} if before.get(key) != after.get(key)))


def secret_texts(value: Any, inside: bool = False) -> Iterator[str]:
    """The texts that a secret value is made of, to mask them where they would be shown."""
    if isinstance(value, Secret):
        yield from secret_texts(value.value, True)
    elif isinstance(value, dict):
        for item in value.values():
            yield from secret_texts(item, inside)
    elif isinstance(value, list):
        for item in value:
            yield from secret_texts(item, inside)
    elif inside and isinstance(value, str):
        yield value
