"""What differs between two sets of inputs. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pulumi

from local_cloud.engine.provider import Properties
from local_cloud.provider.archive import digest

AUTO_NAMED = "__defaults"
"""Pulumi's own name for the list of inputs that a provider filled in."""


def changed_inputs(old: Properties, new: Properties, documents: Collection[str] = ()) -> tuple[str, ...]:
    """The names of inputs that differ, sorted. Absent and None are the same; documents compare as JSON."""
    names = {*old, *new} - {AUTO_NAMED}
    return tuple(
        sorted(name for name in names if not equal(old.get(name), new.get(name), document=name in documents))
    )


def equal(old: Any, new: Any, *, document: bool = False) -> bool:
    if isinstance(old, (pulumi.Asset, pulumi.Archive)) and isinstance(new, (pulumi.Asset, pulumi.Archive)):
        return same_content(old, new)
    if document:
        return equal(parsed(old), parsed(new))
    if isinstance(old, dict) and isinstance(new, dict):
        return all(equal(old.get(key), new.get(key)) for key in {*old, *new})
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(equal, old, new))
    # True == 1 in Python, and not in JSON.
    return bool(old == new) and isinstance(old, bool) == isinstance(new, bool)


def parsed(document: Any) -> Any:
    if not isinstance(document, str):
        return document
    try:
        return json.loads(document)
    except json.JSONDecodeError:
        return document


def same_content(old: pulumi.Asset | pulumi.Archive, new: pulumi.Asset | pulumi.Archive) -> bool:
    old_hash, new_hash = getattr(old, "hash", None), getattr(new, "hash", None)
    if old_hash and new_hash:
        return bool(old_hash == new_hash)
    old_digest, new_digest = digest(old), digest(new)
    return old_digest is not None and old_digest == new_digest
