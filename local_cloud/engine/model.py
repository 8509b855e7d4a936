"""The data that goes into a deployment and comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Stack:
    project: str
    name: str
    root: Path
    """The folder of Pulumi.yaml and __main__.py."""
    config: Mapping[str, str] = field(repr=False)
    """Keys with their namespace ("leadbridge:size"); structured values are JSON."""
    secret_keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Step:
    op: str
    """create, update, replace, delete, same or read."""
    type_: str
    name: str
    urn: str
    detail: str = ""


@dataclass(frozen=True)
class Summary:
    counts: Mapping[str, int]
    steps: tuple[Step, ...]
    outputs: dict[str, Any] = field(repr=False)
    """The stack's outputs, plain, secrets included; those unknown in a preview are left out."""
    seconds: float


class Reporter(Protocol):
    def step(self, op: str, type_: str, name: str, detail: str) -> None: ...

    def message(self, severity: str, text: str) -> None:
        """`severity` is info, warning or error."""
