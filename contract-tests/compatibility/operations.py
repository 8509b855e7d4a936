"""What a change of the contract does to whom, and which version it needs."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compatibility.schemas import Difference, SchemaComparison
from consumer.independent import METHODS

Document = Mapping[str, Any]
Key = tuple[str, str]  # method in capitals, path without the names of its parameters

PATCH, MINOR, MAJOR = "patch", "minor", "major"
BUMPS = (PATCH, MINOR, MAJOR)
# Who of ours calls which operation; anybody outside may call each.
CALLERS = {
    "web form": ("submitLead", "getLead"),
    "orchestration": ("createClient", "createPartner", "createBenefit"),
}
OUTSIDE = "callers outside"


@dataclass(frozen=True)
class Change:
    """`breaks`: whom; nobody for a change that every caller can live with."""

    where: str
    what: str
    bump: str
    breaks: tuple[str, ...] = ()


def changes(old: Document, new: Document) -> list[Change]:
    """In the documents' order. Raise KeyError where a reference leads nowhere."""
    return _Comparison(old, new).changes()


def needed(found: Iterable[Change]) -> str | None:
    """The largest bump; None when nothing changed."""
    bumps = {change.bump for change in found}
    return max(bumps, key=BUMPS.index) if bumps else None


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old, new
        self._schemas = SchemaComparison(old, new)

    def changes(self) -> list[Change]:
        found = list(self._of_operations())
        if not found and _comparable(self._old) != _comparable(self._new):
            found.append(Change("openapi.yaml", "prose, examples, links or names that nobody outside sees", PATCH))
        return found

    def _of_operations(self) -> Iterator[Change]:
        before, after = _operations(self._old), _operations(self._new)
        moved = {each.get("operationId"): _name(each) for key, each in after.items() if key not in before}
        for key, operation in before.items():
            if key in after:
                yield from _Operation(self._schemas, operation, after[key], self._old, self._new).changes()
                continue
            name = operation.get("operationId")
            where = f"; {name} is at {moved[name]} now" if name in moved else ""
            yield Change(_name(operation), f"operation removed{where}", MAJOR, callers(operation))
        for key, operation in after.items():
            if key not in before:
                yield Change(_name(operation), "operation added", MINOR)


class _Operation:
    def __init__(
        self,
        schemas: SchemaComparison,
        old: Document,
        new: Document,
        old_document: Document,
        new_document: Document,
    ) -> None:
        self._schemas = schemas
        self._where = _name(old)
        self._old, self._new = old, new
        self._documents = (old_document, new_document)

    def changes(self) -> Iterator[Change]:
        if self._old.get("operationId") != self._new.get("operationId"):
            what = f"operationId {self._old.get('operationId')} -> {self._new.get('operationId')}"
            yield Change(self._where, f"{what}: generated clients have another name", MAJOR, (OUTSIDE,))
        yield from self._security()
        yield from self._parameters()
        yield from self._request_body()
        yield from self._responses()

    def _break(self, what: str, where: str = "") -> Change:
        return Change(f"{self._where}{where}", what, MAJOR, callers(self._old))

    def _fine(self, what: str, where: str = "") -> Change:
        return Change(f"{self._where}{where}", what, MINOR)

    def _security(self) -> Iterator[Change]:
        before, after = (self._asked(side) for side in (0, 1))
        if before == after:
            return
        if not after or (before and all(each in after for each in before)):
            yield self._fine("security: less is asked for")
        else:
            yield self._break(
                "security: a key is asked for" if not before else "security: another key is asked for"
            )

    def _asked(self, side: int) -> list[Any]:
        """The alternatives, each as what a caller has to send."""
        operation, document = (self._old, self._new)[side], self._documents[side]
        schemes = document.get("components", {}).get("securitySchemes", {})
        asked = operation.get("security", document.get("security", []))
        return [
            sorted((s["type"], s.get("in"), s.get("name")) for s in map(schemes.get, each) if s) for each in asked
        ]

    def _parameters(self) -> Iterator[Change]:
        before, after = self._declared(0), self._declared(1)
        for key in before | after:
            where = f" {key[0]} parameter {(before.get(key) or after[key])['name']}"
            if key not in after:
                yield self._break("removed: what is sent has no effect any more", where)
            elif key not in before:
                required = after[key].get("required", False)
                yield self._break("added, required", where) if required else self._fine("added, optional", where)
            else:
                yield from self._parameter(before[key], after[key], where)

    def _declared(self, side: int) -> dict[tuple[str, str], Document]:
        """By place and name; those of the path by where they stand, since their names are not on the wire."""
        operation = (self._old, self._new)[side]
        stand = re.findall(r"\{(.*?)\}", operation["path"])
        found = {}
        for each in operation["parameters"]:
            rule = self._schemas.resolved(side, each)
            in_path = rule["in"] == "path" and rule["name"] in stand
            found[rule["in"], str(stand.index(rule["name"])) if in_path else rule["name"]] = rule
        return found

    def _parameter(self, old: Document, new: Document, where: str) -> Iterator[Change]:
        if old.get("required", False) != new.get("required", False):
            yield (
                self._break("is required now", where)
                if new.get("required")
                else self._fine("is optional now", where)
            )
        yield from self._requests(self._schemas.differences(old["schema"], new["schema"]), where)

    def _request_body(self) -> Iterator[Change]:
        old = self._schemas.resolved(0, self._old.get("requestBody", {}))
        new = self._schemas.resolved(1, self._new.get("requestBody", {}))
        if old.get("required", False) != new.get("required", False):
            yield (
                self._break("is required now", " body")
                if new.get("required")
                else self._fine("is optional now", " body")
            )
        before, after = old.get("content", {}), new.get("content", {})
        for media_type in before | after:
            where = f" body {media_type}"
            if media_type not in after:
                yield self._break("media type removed", where)
            elif media_type not in before:
                yield self._fine("media type added", where)
            else:
                yield from self._requests(_body(self._schemas, before[media_type], after[media_type]), " body")

    def _responses(self) -> Iterator[Change]:
        before, after = self._old["responses"], self._new["responses"]
        for status in before | after:
            where = f" answer {status}"
            succeeds = status.startswith("2")
            if status not in after:
                yield self._break("success removed", where) if succeeds else self._fine("error removed", where)
            elif status not in before:
                # RFC 9110, 15: whoever doesn't know a status takes it for the x00 of its class
                yield self._break("success added", where) if succeeds else self._fine("error added", where)
            else:
                old, new = self._schemas.resolved(0, before[status]), self._schemas.resolved(1, after[status])
                yield from self._headers(old.get("headers", {}), new.get("headers", {}), where)
                yield from self._contents(old.get("content", {}), new.get("content", {}), where)

    def _headers(self, before: Document, after: Document, where: str) -> Iterator[Change]:
        for name in before | after:
            place = f"{where} header {name}"
            if name not in after:
                yield self._break("removed", place)
            elif name not in before:
                yield self._fine("added", place)
            else:
                old, new = self._schemas.resolved(0, before[name]), self._schemas.resolved(1, after[name])
                was, is_now = (each.get("required", False) for each in (old, new))
                if was != is_now:
                    yield (
                        self._fine("always comes now", place)
                        if is_now
                        else self._break("may be missing now", place)
                    )
                yield from self._answers(self._schemas.differences(old["schema"], new["schema"]), place)

    def _contents(self, before: Document, after: Document, where: str) -> Iterator[Change]:
        for media_type in before | after:
            if media_type in before and media_type in after:
                yield from self._answers(_body(self._schemas, before[media_type], after[media_type]), where)
            else:
                yield self._break(f"{media_type} {'added' if media_type in after else 'removed'}", where)

    def _requests(self, differences: Iterable[Difference], where: str) -> Iterator[Change]:
        """A caller breaks when what it sends is refused."""
        for each in differences:
            place = where + (f" {each.place}" if each.place else "")
            if each.narrower:
                yield self._break(f"{each.what}: requests that were taken are refused", place)
            else:
                yield self._fine(f"{each.what}: more requests are taken", place)

    def _answers(self, differences: Iterable[Difference], where: str) -> Iterator[Change]:
        """A caller breaks when it gets what it couldn't get."""
        for each in differences:
            place = where + (f" {each.place}" if each.place else "")
            if each.wider:
                yield self._break(f"{each.what}: answers may come that couldn't", place)
            else:
                yield self._fine(f"{each.what}: fewer answers are possible", place)


def _body(schemas: SchemaComparison, old: Document, new: Document) -> Iterable[Difference]:
    return schemas.differences(old.get("schema", {}), new.get("schema", {}))


def callers(operation: Document) -> tuple[str, ...]:
    name = operation.get("operationId")
    return (*(who for who, operations in CALLERS.items() if name in operations), OUTSIDE)


def _operations(document: Document) -> dict[Key, Document]:
    """With their method, their path and the parameters of both."""
    return {
        (method.upper(), re.sub(r"\{.*?\}", "{}", path)): {
            **item[method],
            "method": method.upper(),
            "path": path,
            "parameters": [*item.get("parameters", ()), *item[method].get("parameters", ())],
        }
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def _comparable(document: Document) -> Document:
    """Without the version, whose change is no change by itself."""
    info = {name: value for name, value in document.get("info", {}).items() if name != "version"}
    return {**document, "info": info}


def _name(operation: Document) -> str:
    return f"{operation['method']} {operation['path']}"
