"""What Amazon API Gateway ignores or rejects in an OpenAPI 3.0 document. A linter; its core is a pure function.

Source, unless a check names another: "Amazon API Gateway important notes",
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components import openapi
from components.errors import ConfigurationError
from components.openapi import Document

MAX_DOCUMENT_BYTES = 6 * 1024 * 1024  # https://docs.aws.amazon.com/apigateway/latest/api/API_ImportRestApi.html
MAX_RESOURCES = 300  # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
RESERVED_PATHS = ("/ping", "/sping")
KEY_HEADER = "x-api-key"

_SEGMENT = re.compile(r"[A-Za-z0-9._:,-]+|\{[A-Za-z0-9._:-]+\+?\}")
_MODEL_NAME = re.compile(r"[A-Za-z0-9]+")
_PRIMITIVES = {"string", "integer", "number", "boolean"}
_STYLES = {"path": "simple", "header": "simple", "query": "form"}
_UNSUPPORTED_METHODS = {"trace"}
# Dropped, so that the gateway's model says something else than the contract.
_DROPPED_KEYWORDS = (
    "discriminator",
    "nullable",
    "readOnly",
    "writeOnly",
    "xml",
    "exclusiveMinimum",
    "exclusiveMaximum",
)
# Matter only where the gateway itself validates bodies; otherwise a model is documentation.
_NOT_VALIDATED_KEYWORDS = ("oneOf", "anyOf", "additionalProperties", "maxItems", "minItems")
_VALIDATOR = "x-amazon-apigateway-request-validator"
_SCHEMA_REFERENCE = "#/components/schemas/"


def findings(document: Document) -> list[str]:
    """One sentence for each, with its place. What `openapi.for_gateway` leaves out is not a finding."""
    return [
        *_about_document(document),
        *_about_references(document),
        *_about_paths(document),
        *_about_operations(document),
        *_about_security(document),
        *_about_schemas(document),
    ]


def check(document: Document) -> None:
    """Raise ConfigurationError with every finding."""
    found = findings(document)
    if found:
        raise ConfigurationError("openapi.yaml asks for what API Gateway can't do:\n- " + "\n- ".join(found))


def _about_document(document: Document) -> Iterator[str]:
    version = str(document.get("openapi"))
    if not version.startswith("3.0."):
        yield f"openapi: the version is {version}; API Gateway imports 3.0 only"
    size = len(json.dumps(document, default=str).encode())
    if size > MAX_DOCUMENT_BYTES:
        yield f"the document has {size} bytes; API Gateway takes {MAX_DOCUMENT_BYTES}"
    for name in document.get("components", {}).get("schemas", {}):
        if not _MODEL_NAME.fullmatch(name):
            yield f"components.schemas.{name}: a model's name is of letters and digits only"


def _about_references(document: Document) -> Iterator[str]:
    for place, value in _walk(document, ""):
        reference = value.get("$ref")
        if not isinstance(reference, str):
            continue
        if not reference.startswith("#/"):
            yield f"{place}: the reference {reference} leads out of the document"
        elif not _resolves(document, reference):
            yield f"{place}: the reference {reference} leads nowhere"
    schemas = document.get("components", {}).get("schemas", {})
    for name in schemas:
        if _reaches(name, schemas):
            yield f"components.schemas.{name}: refers to itself; API Gateway can't flatten it"


def _about_paths(document: Document) -> Iterator[str]:
    paths = document.get("paths", {})
    resources: set[tuple[str, ...]] = set()
    variables: dict[tuple[str, ...], set[str]] = {}
    for path in paths:
        if path in RESERVED_PATHS:
            yield f"{path}: API Gateway answers this path itself"
        segments = tuple(part for part in path.split("/") if part)
        for position, segment in enumerate(segments):
            resources.add(segments[: position + 1])
            if not _SEGMENT.fullmatch(segment):
                yield f"{path}: segment {segment!r} is neither of A-Z a-z 0-9 . _ : , - nor one whole parameter"
            elif segment.startswith("{"):
                variables.setdefault(segments[:position], set()).add(segment)
            if segment.endswith("+}") and position < len(segments) - 1:
                yield f"{path}: only the last segment may be greedy, such as {segment}"
    for parent, names in variables.items():
        if len(names) > 1:
            yield f"/{'/'.join(parent)}: only one parameter can follow, not {' and '.join(sorted(names))}"
    if len(resources) > MAX_RESOURCES:
        yield f"paths: {len(resources)} resources; an API has {MAX_RESOURCES} at most"


def _about_operations(document: Document) -> Iterator[str]:
    names: Counter[str] = Counter()
    for place, path, method, operation in _operations(document):
        names[str(operation.get("operationId", ""))] += 1
        if method in _UNSUPPORTED_METHODS:
            yield f"{place}: API Gateway has no method {method.upper()}"
        if "callbacks" in operation:
            yield f"{place}: callbacks are ignored"
        item = document["paths"][path]
        for parameter in [*item.get("parameters", ()), *operation.get("parameters", ())]:
            yield from _about_parameter(place, _resolved(document, parameter))
        for status, response in operation.get("responses", {}).items():
            yield from _about_response(f"{place}: response {status}", str(status), _resolved(document, response))
    for name, count in names.items():
        if name and count > 1:
            yield f"operationId {name} stands {count} times; the second would replace the first"


def _about_parameter(place: str, parameter: Document) -> Iterator[str]:
    name, location = parameter.get("name"), parameter.get("in")
    if location not in _STYLES:
        yield f"{place}: parameter {name} is in {location}; API Gateway knows path, query and header"
        return
    if parameter.get("style", _STYLES[location]) != _STYLES[location]:
        yield f"{place}: parameter {name}: style {parameter['style']} is ignored"
    for key in ("explode", "allowReserved", "content"):
        if key in parameter:
            yield f"{place}: parameter {name}: {key} is ignored"


def _about_response(place: str, status: str, response: Document) -> Iterator[str]:
    if not re.fullmatch("[1-5][0-9]{2}", status):
        yield f"{place}: only single status codes are imported; neither default nor ranges"
    for kind, content in response.get("content", {}).items():
        if content.get("schema", {}).get("type") in _PRIMITIVES:
            yield f"{place}: {kind}: the schema of a response must be an object or a reference, not a bare value"


def _about_security(document: Document) -> Iterator[str]:
    schemes = document.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        if scheme.get("type") != "apiKey":
            yield f"components.securitySchemes.{name}: type {scheme.get('type')} needs an authorizer; use apiKey"
        elif scheme.get("in") != "header" or str(scheme.get("name")).lower() != KEY_HEADER:
            yield f"components.securitySchemes.{name}: API Gateway reads keys from the header {KEY_HEADER} only"
    for place, _, _, operation in _operations(document):
        if "security" not in operation:
            yield f"{place}: has no security of its own; the document's is ignored, so anybody could call it"


def _about_schemas(document: Document) -> Iterator[str]:
    validated = _VALIDATOR in document or any(_VALIDATOR in each[3] for each in _operations(document))
    keywords = _DROPPED_KEYWORDS + (_NOT_VALIDATED_KEYWORDS if validated else ())
    for place, schema in _schemas(document):
        for keyword in keywords:
            if keyword in schema:
                yield f"{place}: {keyword} is ignored"
        if schema.get("type") == "number" and schema.get("format") in ("int32", "int64", "decimal"):
            yield f"{place}: a number of format {schema['format']} is not supported"


def _operations(document: Document) -> Iterator[tuple[str, str, str, Document]]:
    for path, item in document.get("paths", {}).items():
        for method in openapi.METHODS:
            if method in item:
                yield f"{method.upper()} {path}", path, method, item[method]


def _schemas(document: Document) -> Iterator[tuple[str, Document]]:
    """Every schema, with its place; those behind references stand below components."""
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield from _nested(f"components.schemas.{name}", schema)
    for place, value in _walk({key: part for key, part in document.items() if key != "components"}, ""):
        if isinstance(value.get("schema"), dict):
            yield from _nested(place, value["schema"])
    for kind in ("parameters", "responses", "requestBodies", "headers"):
        for place, value in _walk(document.get("components", {}).get(kind, {}), f"components.{kind}"):
            if isinstance(value.get("schema"), dict):
                yield from _nested(place, value["schema"])


def _nested(place: str, schema: Any) -> Iterator[tuple[str, Document]]:
    if not isinstance(schema, dict):
        return
    yield place, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _nested(f"{place}.{name}", inner)
    for key in ("items", "not", "additionalProperties"):
        yield from _nested(f"{place}.{key}", schema.get(key))
    for key in ("allOf", "anyOf", "oneOf"):
        for position, inner in enumerate(schema.get(key, ())):
            yield from _nested(f"{place}.{key}[{position}]", inner)


def _walk(value: Any, place: str) -> Iterator[tuple[str, Document]]:
    """Every object of the document but those that are left out for the gateway."""
    if isinstance(value, dict):
        yield place, value
        for key, inner in value.items():
            if key not in openapi.NOT_FOR_THE_GATEWAY:
                yield from _walk(inner, f"{place}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _walk(inner, f"{place}[{position}]")


def _resolves(document: Document, reference: str) -> bool:
    try:
        openapi.resolve(document, reference)
    except (KeyError, TypeError):
        return False
    return True


def _resolved(document: Document, value: Document) -> Document:
    reference = value.get("$ref")
    if not isinstance(reference, str):
        return value
    local = reference.startswith("#/") and _resolves(document, reference)
    return dict(openapi.resolve(document, reference)) if local else {"name": reference, "in": "path"}


def _reaches(name: str, schemas: Document) -> bool:
    """Whether a schema's references lead back to it."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for _, value in _walk(schemas.get(waiting.pop(), {}), ""):
            target = str(value.get("$ref", "")).removeprefix(_SCHEMA_REFERENCE)
            if target == name:
                return True
            if target in schemas and target not in seen:
                seen.add(target)
                waiting.append(target)
    return False


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        sys.stderr.write("usage: python -m components.gateway_limits openapi.yaml\n")
        return 2
    found = findings(openapi.load(Path(arguments[0])))
    sys.stdout.write("".join(f"{arguments[0]}: {finding}\n" for finding in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
