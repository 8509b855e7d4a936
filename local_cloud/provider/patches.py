"""API Gateway's patch operations: what to send so that one value becomes another. Pure."""

from __future__ import annotations

from typing import Any

from local_cloud.provider.parameters import text

PatchOperation = dict[str, str]


def changes(path: str, old: Any, new: Any) -> list[PatchOperation]:
    """The members of a mapping are patched one by one, below its path."""
    if old == new:
        return []
    if isinstance(old, dict) or isinstance(new, dict):
        old, new = old or {}, new or {}
        members = sorted({*old, *new})
        return [
            one for name in members for one in changes(f"{path}/{escaped(name)}", old.get(name), new.get(name))
        ]
    if new is None:
        return [{"op": "remove", "path": path}]
    # The emulator keeps a patched value as text, where only the empty text is false.
    return [{"op": "replace", "path": path, "value": "" if new is False else text(new)}]


def escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
