"""Every removal and every renaming of one thing in a contract."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NEW_NAME = "Renamed"


@dataclass(frozen=True)
class Change:
    """`place`: keys and positions from the root, joined by a space, since names hold dots and slashes."""

    kind: str
    place: str
    document: Any


def changes(document: Any) -> Iterator[Change]:
    for path, parent in _places(document):
        place = " ".join(map(str, path))
        yield Change("removed", place, _changed(document, path, _remove))
        if isinstance(parent, dict):
            yield Change("renamed", place, _changed(document, path, _rename))
        if isinstance(parent[path[-1]], str):
            yield Change("reworded", place, _changed(document, path, _reword))
        if path[0] == "components" and len(path) == 3:
            yield Change("renamed everywhere", place, _renamed_everywhere(document, path))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*path, key), value
        yield from _places(value[key], (*path, key))


def _changed(document: Any, path: tuple[Any, ...], change: Any) -> Any:
    result = copy.copy(document)
    parent = result
    for key in path[:-1]:  # only the way to the change is copied
        parent[key] = copy.copy(parent[key])
        parent = parent[key]
    change(parent, path[-1])
    return result


def _remove(parent: Any, key: Any) -> None:
    del parent[key]


def _rename(parent: Any, key: Any) -> None:
    parent[key + NEW_NAME] = parent.pop(key)


def _reword(parent: Any, key: Any) -> None:
    parent[key] += NEW_NAME


def _renamed_everywhere(document: Any, path: tuple[Any, ...]) -> Any:
    renamed = _changed(document, path, _rename)
    old = "#/" + "/".join(path)

    def follow(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: follow(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [follow(each) for each in value]
        return old + NEW_NAME if value == old else value

    return follow(renamed)
