"""How one schema differs from another: which values it lets through no longer, and which from now on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

# Nor do our own extensions: a request is judged without them.
_PROSE = {
    "description",
    "example",
    "examples",
    "title",
    "deprecated",
    "externalDocs",
    "default",
    "x-tidy",
    "x-words",
}
# A higher limit lets more through, or less.
_MORE_WITH_MAXIMUM = ("maxLength", "maximum", "maxItems", "maxProperties")
_LESS_WITH_MINIMUM = ("minLength", "minimum", "minItems", "minProperties", "multipleOf")
_OPAQUE = ("pattern", "format", "type", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum", "not")
_KNOWN = {
    *_PROSE,
    *_MORE_WITH_MAXIMUM,
    *_LESS_WITH_MINIMUM,
    *_OPAQUE,
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "enum",
    "items",
    "nullable",
    "oneOf",
    "properties",
    "required",
}


@dataclass(frozen=True)
class Difference:
    """`narrower`: a value that was valid is none any more; `wider`: one that wasn't is. Both may be true."""

    place: str
    what: str
    narrower: bool = False
    wider: bool = False


class SchemaComparison:
    """Resolves references in the document that each side belongs to."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._documents = (old, new)

    def resolved(self, side: int, value: Any) -> Any:
        """`side` 0 is the old document, 1 the new one."""
        while isinstance(value, Mapping) and "$ref" in value:
            target: Any = self._documents[side]
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            value = target
        return value

    def differences(self, old: Schema, new: Schema, place: str = "") -> Iterator[Difference]:
        old, new = self.resolved(0, old), self.resolved(1, new)
        yield from _opaque(old, new, place)
        yield from _limits(old, new, place)
        yield from _enum(old, new, place)
        yield from self._object(old, new, place)
        if "items" in old and "items" in new:
            yield from self.differences(old["items"], new["items"], f"{place}[]")
        elif "items" in old or "items" in new:
            yield _on_off(place, "items", "items" in old, "items" in new)
        for keyword, more_branches_allow_more in (("oneOf", True), ("anyOf", True), ("allOf", False)):
            yield from self._branches(old, new, place, keyword, more_branches_allow_more)
        for keyword in sorted((set(old) | set(new)) - _KNOWN):
            if old.get(keyword) != new.get(keyword):
                yield Difference(place, f"{keyword} changed, which this check can't judge", True, True)

    def _object(self, old: Schema, new: Schema, place: str) -> Iterator[Difference]:
        before, after = old.get("properties", {}), new.get("properties", {})
        was_open, is_open = old.get("additionalProperties", True), new.get("additionalProperties", True)
        for name in before.keys() & after.keys():
            yield from self.differences(before[name], after[name], f"{place}.{name}")
        for name in sorted(before.keys() - after.keys()):
            yield Difference(
                f"{place}.{name}", "property removed", narrower=is_open is False, wider=is_open is not False
            )
        for name in sorted(after.keys() - before.keys()):
            yield Difference(
                f"{place}.{name}", "property added", narrower=was_open is not False, wider=was_open is False
            )
        if was_open != is_open:
            yield Difference(
                place,
                f"additionalProperties {was_open} -> {is_open}",
                narrower=is_open is not True,
                wider=was_open is not True,
            )
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(needs - needed):
            yield Difference(f"{place}.{name}", "is required now", narrower=True)
        for name in sorted(needed - needs):
            yield Difference(f"{place}.{name}", "is no longer required", wider=True)

    def _branches(
        self, old: Schema, new: Schema, place: str, keyword: str, allow_more: bool
    ) -> Iterator[Difference]:
        if (keyword in old) != (keyword in new):
            yield _on_off(place, keyword, keyword in old, keyword in new)
            return
        before = [self.resolved(0, each) for each in old.get(keyword, ())]
        after = [self.resolved(1, each) for each in new.get(keyword, ())]
        for branch in list(before):
            same = next((each for each in after if each.get("type") == branch.get("type")), None)
            if same is not None:
                before.remove(branch)
                after.remove(same)
                yield from self.differences(branch, same, f"{place}({branch.get('type', keyword)})")
        for branch in before:
            what = f"{keyword}: {branch.get('type', 'a branch')} removed"
            yield Difference(place, what, narrower=allow_more, wider=not allow_more)
        for branch in after:
            what = f"{keyword}: {branch.get('type', 'a branch')} added"
            yield Difference(place, what, narrower=not allow_more, wider=allow_more)


def _opaque(old: Schema, new: Schema, place: str) -> Iterator[Difference]:
    for keyword in _OPAQUE:
        if old.get(keyword) == new.get(keyword):
            continue
        if keyword in old and keyword in new:
            yield Difference(place, f"{keyword} {old[keyword]} -> {new[keyword]}", narrower=True, wider=True)
        else:
            yield _on_off(place, f"{keyword} {old.get(keyword, new.get(keyword))}", keyword in old, keyword in new)
    if old.get("nullable", False) != new.get("nullable", False):
        yield _on_off(place, "null", not old.get("nullable"), not new.get("nullable"), on="refused", off="allowed")


def _limits(old: Schema, new: Schema, place: str) -> Iterator[Difference]:
    for keyword in (*_MORE_WITH_MAXIMUM, *_LESS_WITH_MINIMUM):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        if before is None or after is None:
            yield _on_off(
                place, f"{keyword} {after if before is None else before}", before is not None, after is not None
            )
        else:
            wider = (after > before) == (keyword in _MORE_WITH_MAXIMUM)
            yield Difference(place, f"{keyword} {before} -> {after}", narrower=not wider, wider=wider)


def _enum(old: Schema, new: Schema, place: str) -> Iterator[Difference]:
    if ("enum" in old) != ("enum" in new):
        yield _on_off(place, "enum", "enum" in old, "enum" in new)
        return
    before, after = old.get("enum", []), new.get("enum", [])
    for value in before:
        if value not in after:
            yield Difference(place, f"value {value} removed", narrower=True)
    for value in after:
        if value not in before:
            yield Difference(place, f"value {value} added", wider=True)


def _on_off(place: str, rule: str, was: bool, is_now: bool, on: str = "added", off: str = "removed") -> Difference:
    """A rule that came or went."""
    return Difference(
        place, f"{rule} {on if is_now else off}", narrower=is_now and not was, wider=was and not is_now
    )
