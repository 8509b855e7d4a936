"""The boundary between the deployment engine and what creates resources.

Values that cross it are plain Python: None, bool, int, float, str, list, dict, Pulumi assets and archives,
and, in previews only, UNKNOWN. Secrets are stripped before a provider sees a value. Property names are the
camelCase ones of the Pulumi schema; type tokens are as Pulumi sends them ("aws:lambda/function:Function").

Assets and archives arrive with an absolute path and two additions: `.hash`, the hex SHA-256 that the Pulumi
engine computes, and equality by that hash. Those of old inputs are for comparing only: their files may be gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol


class Unknown(Enum):
    """A value that is known only after the resource it comes from has been created."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN

Properties = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Diff:
    changed: tuple[str, ...] = ()
    """Input names that differ; empty: no change."""
    replace: tuple[str, ...] = ()
    """Those of them that force a replacement."""
    delete_before_replace: bool = False


class CheckFailed(Exception):
    """Bad inputs: the message names the property, its value and the remedy."""


class ProviderError(Exception):
    """The cloud refused: the message names the operation and has the cloud's own words."""


class Provider(Protocol):
    """Every method blocks; the engine calls them in threads, up to `parallel` at a time.

    A preview calls nothing but `check`, `diff` and `invoke`, the last only with arguments that are known.
    """

    def check(self, type_: str, urn: str, old: Properties | None, new: Properties) -> Properties:
        """The inputs with defaults and automatic names (kept from `old`). Raises CheckFailed."""

    def diff(self, type_: str, old_inputs: Properties, old_outputs: Properties, new: Properties) -> Diff: ...

    def create(self, type_: str, urn: str, inputs: Properties) -> tuple[str, Properties]:
        """The new resource's id and its outputs, inputs included."""

    def update(
        self, type_: str, id_: str, old_inputs: Properties, old_outputs: Properties, new: Properties
    ) -> Properties:
        """The outputs, inputs included."""

    def read(self, type_: str, id_: str, inputs: Properties, outputs: Properties) -> Properties | None:
        """The outputs as they are now; None: it is gone."""

    def delete(self, type_: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        """Deletes it; one that is already gone is a success."""

    def invoke(self, token: str, args: Properties) -> Properties: ...

    def secret_outputs(self, type_: str) -> frozenset[str]:
        """Names of the outputs of this type that are secret whatever the inputs were."""
