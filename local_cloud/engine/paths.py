"""Property paths, as in `ignoreChanges`: a.b, a[0].b, a["x.y"], a[*], *."""

from __future__ import annotations

import re
from typing import Any

from .errors import EngineError
from .values import Secret, plain

Path = tuple[str | int, ...]

ANY = "*"
MISSING = object()

_PART = re.compile(r"""\.?(?:([^.\[\]"]+)|\[(\d+|\*)\]|\["((?:[^"\\]|\\.)*)"\])""")


def parse(text: str) -> Path:
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            raise EngineError(f'{text!r} is not a property path; write it as in a.b, a[0] or a["b.c"]')
        name, index, quoted = match.groups()
        if quoted is not None:
            parts.append(quoted.replace('\\"', '"'))
        elif index is not None:
            parts.append(ANY if index == ANY else int(index))
        else:
            parts.append(name)
        position = match.end()
    return tuple(parts)


def differs(path: Path, old: Any, new: Any) -> bool:
    """Whether what the path names is different in the two values."""
    if not path:
        return bool(plain(old) != plain(new))
    if path[0] == ANY:
        return any(differs(path[1:], _get(old, key), _get(new, key)) for key in _keys(old) | _keys(new))
    return differs(path[1:], _get(old, path[0]), _get(new, path[0]))


def keep(path: Path, old: Any, new: Any) -> Any:
    """`new`, with what the path names as it is in `old`; what `old` lacks is taken away."""
    if not path:
        return old
    if isinstance(new, Secret):
        return Secret(keep(path, old.value if isinstance(old, Secret) else old, new.value))
    if path[0] == ANY:
        for key in sorted(_keys(old) | _keys(new), key=str):
            new = keep((key, *path[1:]), old, new)
        return new
    key = path[0]
    before, after = _get(old, key), _get(new, key)
    if before is MISSING and after is MISSING:
        return new
    kept = before if len(path) == 1 else keep(path[1:], before, after)
    if isinstance(new, dict) and isinstance(key, str):
        if kept is MISSING:
            return {name: value for name, value in new.items() if name != key}
        return {**new, key: kept}
    if isinstance(new, list) and isinstance(key, int) and key < len(new) and kept is not MISSING:
        return [*new[:key], kept, *new[key + 1 :]]
    return new


def _get(value: Any, key: str | int) -> Any:
    if isinstance(value, Secret):
        return _get(value.value, key)
    if isinstance(value, dict):
        return value.get(str(key), MISSING)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return MISSING


def _keys(value: Any) -> set[str | int]:
    if isinstance(value, Secret):
        return _keys(value.value)
    if isinstance(value, dict):
        return set(value)
    return set(range(len(value))) if isinstance(value, list) else set()
