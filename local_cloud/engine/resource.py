"""One resource of the state, and its form in Pulumi's deployment JSON (apitype.ResourceV3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .codec import decode_properties, encode_properties
from .provider import Properties
from .urn import name_of

PROVIDER_PREFIX = "pulumi:providers:"


@dataclass(frozen=True, kw_only=True)
class Resource:
    urn: str
    type: str
    custom: bool
    id: str = ""
    parent: str = ""
    provider: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    external: bool = False
    """It was only read, and belongs to someone else."""
    delete: bool = False
    """It has been replaced and waits for its deletion."""
    pending_replacement: bool = False
    """It was deleted in order to be replaced, and waits for its creation."""
    retain_on_delete: bool = False
    deleted_with: str = ""
    additional_secret_outputs: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    created: str = ""
    modified: str = ""
    unknown_fields: Mapping[str, Any] = field(default_factory=dict)
    """Fields of a state that the Pulumi CLI wrote; kept as they are."""

    @property
    def key(self) -> str:
        """What identifies it in a state, where a replaced one shares its URN with its successor."""
        return f"{self.urn}#{self.id}" if self.delete else self.urn

    @property
    def name(self) -> str:
        return name_of(self.urn)

    @property
    def is_provider(self) -> bool:
        return self.type.startswith(PROVIDER_PREFIX)

    @property
    def is_default_provider(self) -> bool:
        return self.is_provider and (self.name == "default" or self.name.startswith("default_"))

    @property
    def needs_provider_call(self) -> bool:
        """Whether anything exists outside the state that has to be deleted with it."""
        return self.custom and not (self.is_provider or self.external or self.pending_replacement)

    @property
    def provider_urn(self) -> str:
        return self.provider.rpartition("::")[0]

    def needs(self) -> frozenset[str]:
        """URNs of what has to exist as long as this does."""
        urns = {self.parent, self.provider_urn, self.deleted_with, *self.dependencies}
        for property_urns in self.property_dependencies.values():
            urns.update(property_urns)
        return frozenset(urns - {"", self.urn})

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"urn": self.urn, "custom": self.custom}
        for name, json_name in _FIELDS.items():
            value = getattr(self, name)
            if value:
                document[json_name] = list(value) if isinstance(value, tuple) else value
        if self.property_dependencies:
            document["propertyDependencies"] = {
                key: list(urns) for key, urns in sorted(self.property_dependencies.items())
            }
        if inputs := encode_properties(self.inputs, in_state=True):
            document["inputs"] = inputs
        if outputs := encode_properties(self.outputs, in_state=True):
            document["outputs"] = outputs
        return {**self.unknown_fields, **document}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], root: Path) -> Resource:
        values: dict[str, Any] = {}
        for name, json_name in _FIELDS.items():
            if json_name in document:
                value = document[json_name]
                values[name] = tuple(value) if isinstance(value, list) else value
        dependencies = document.get("propertyDependencies") or {}
        return cls(
            urn=document["urn"],
            custom=bool(document.get("custom")),
            inputs=decode_properties(document.get("inputs"), root),
            outputs=decode_properties(document.get("outputs"), root),
            property_dependencies={key: tuple(urns or ()) for key, urns in dependencies.items()},
            unknown_fields={key: value for key, value in document.items() if key not in _KNOWN},
            **values,
        )


_FIELDS = {
    "type": "type",
    "id": "id",
    "parent": "parent",
    "provider": "provider",
    "dependencies": "dependencies",
    "protect": "protect",
    "external": "external",
    "delete": "delete",
    "pending_replacement": "pendingReplacement",
    "retain_on_delete": "retainOnDelete",
    "deleted_with": "deletedWith",
    "additional_secret_outputs": "additionalSecretOutputs",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "created": "created",
    "modified": "modified",
}
_KNOWN = {*_FIELDS.values(), "urn", "custom", "inputs", "outputs", "propertyDependencies"}
