"""Validation against the contract: the schemas of openapi.yaml, bundled with the function as contract.json."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from handlers.shared import rut, strict_json, visible
from handlers.shared.errors import InvalidRequest

# RFC 5321's dot-string and domain, without quoted local parts and address literals; the domain needs a dot.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")

Validator = Callable[[object], object]
_NAMED = 3  # unknown fields; any others are counted

_FORMATS = {
    "rut": rut.is_valid,
    "visible": visible.is_visible,
    "email": lambda text: _MAIL.fullmatch(text) is not None,
    "int64": lambda _number: True,
}


class Contract:
    """The named schemas of openapi.yaml, without references."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._compiled: dict[tuple[str, str | None], Validator] = {}

    @classmethod
    def bundled(cls) -> "Contract":
        """The schemas that the deployment packed beside the handlers."""
        return _bundled()

    def validate(self, name: str, value: object, called: str | None = None) -> None:
        """Raise InvalidRequest, which names each field and what is wrong with it, and quotes no value.

        `called`: the name under which the caller sent a value that is no object.
        """
        if not self.holds(name, value):
            raise InvalidRequest("; ".join(self._problems(name, value, called)))

    def holds(self, name: str, value: object, field: str | None = None) -> bool:
        """Whether the value is one of the named schema, or of one field of it."""
        validator = self._compiled.get((name, field))
        if validator is None:
            schema = self._schemas[name] if field is None else self._schemas[name]["properties"][field]
            validator = fastjsonschema.compile(schema, formats=_FORMATS, use_default=False)
            self._compiled[name, field] = validator
        try:
            validator(value)
        except fastjsonschema.JsonSchemaValueException:
            return False
        return True

    def schema(self, name: str) -> dict[str, Any]:
        """The JSON schema itself, for whoever checks elsewhere, as the web form does."""
        return dict(self._schemas[name])

    def fields(self, name: str) -> tuple[str, ...]:
        """The properties of an object schema."""
        return tuple(self._schemas[name]["properties"])

    def _problems(self, name: str, value: object, called: str | None) -> list[str]:
        schema = self._schemas[name]
        if schema.get("type") != "object" or not isinstance(value, dict):
            return [
                f"{called}: {_expectation(schema, value)}"
                if called
                else f"the {name} {_expectation(schema, value)}"
            ]
        properties: dict[str, Any] = schema["properties"]
        found = [f"{field}: is missing" for field in schema.get("required", ()) if field not in value]
        found += [
            f"{field}: {_expectation(rules, value[field])}"
            for field, rules in properties.items()
            if field in value and not self.holds(name, value[field], field)
        ]
        unknown = [field for field in value if field not in properties]
        if unknown:
            named = ", ".join(map(strict_json.quoted, unknown[:_NAMED]))
            more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
            found.append(f"{named}{more}: unknown, there are only {', '.join(properties)}")
        return found


@cache
def _bundled() -> Contract:
    path = Path(__file__).parent.parent / "contract.json"
    return Contract(json.loads(path.read_text(encoding="utf-8")))


def _expectation(schema: Mapping[str, Any], value: object) -> str:
    """What a schema asks for, as the end of a sentence: its own `x-words`, or what its type alone says."""
    by_type = {"object": "must be a JSON object", "string": "must be text of another form"}
    words = schema.get("x-words") or by_type.get(schema.get("type", ""), "must be another value")
    return f"must be text, and {words}" if _is_no_text(schema, value) else str(words)


def _is_no_text(schema: Mapping[str, Any], value: object) -> bool:
    return schema.get("type") == "string" and not isinstance(value, str)
