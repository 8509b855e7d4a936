"""What a program asks for when it registers a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .provider import Properties


@dataclass(frozen=True, kw_only=True)
class Goal:
    type: str
    name: str
    custom: bool
    parent: str = ""
    inputs: Properties = field(default_factory=dict)
    provider: str = ""
    """Reference (URN::id) of an explicit provider; empty: the package's default one."""
    version: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    delete_before_replace: bool | None = None
    """None: as the provider says."""
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    retain_on_delete: bool = False
    deleted_with: str = ""
    aliases: tuple[str, ...] = ()
    """URNs."""

    @property
    def package(self) -> str:
        return self.type.split(":", 1)[0]
