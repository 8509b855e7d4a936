"""OpenAPI 3.0 schemas as API Gateway's models: JSON Schema draft 4, each with all that it refers to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_cloud.engine.provider import CheckFailed

REFERENCE = "#/components/schemas/"
# They describe, and validate nothing. Left out, so that rewording one changes no model.
ANNOTATIONS = {
    "title",
    "description",
    "example",
    "default",
    "deprecated",
    "discriminator",
    "externalDocs",
    "nullable",
    "readOnly",
    "writeOnly",
    "xml",
}
MAPPINGS = {"properties", "patternProperties"}

Schema = dict[str, Any]


def model_of(
    document: Mapping[str, Any], schema: Mapping[str, Any], operation: str, where: str
) -> tuple[str, Schema]:
    """The model's name and its schema; one that has no name in the document gets its operation's."""
    reference = schema.get("$ref", "")
    if reference.startswith(REFERENCE):
        name = reference.removeprefix(REFERENCE)
        schema = component(document, name, where)
    elif operation:
        name = f"{operation}Body"
    else:
        raise CheckFailed(f"body: {where}: give the operation an operationId, after which its model can be named")
    referred: set[str] = set()
    model: Schema = {"$schema": "http://json-schema.org/draft-04/schema#", **draft_4(schema, referred)}
    definitions: Schema = {}
    while missing := sorted(referred - definitions.keys()):
        for other in missing:
            definitions[other] = draft_4(component(document, other, where), referred)
    if definitions:
        model["definitions"] = definitions
    return alphanumeric(name), model


def component(document: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    found = document.get("components", {}).get("schemas", {}).get(name)
    if not isinstance(found, Mapping):
        raise CheckFailed(f"body: {where}: $ref {REFERENCE}{name} leads nowhere")
    return found


def alphanumeric(name: str) -> str:
    """API Gateway takes nothing else in a model's name."""
    return "".join(letter for letter in name if letter.isalnum())


def draft_4(schema: Mapping[str, Any], referred: set[str]) -> Schema:
    """Collects the names of the components that the schema refers to."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        referred.add(name)
        return {"$ref": f"#/definitions/{name}"}
    made: Schema = {}
    for key, value in schema.items():
        if key in ANNOTATIONS or key.startswith("x-"):
            continue
        if key in MAPPINGS:
            made[key] = {name: draft_4(member, referred) for name, member in value.items()}
        elif key == "enum":
            made[key] = value
        elif isinstance(value, Mapping):
            made[key] = draft_4(value, referred)
        elif isinstance(value, list):
            made[key] = [draft_4(one, referred) if isinstance(one, Mapping) else one for one in value]
        else:
            made[key] = value
    if schema.get("nullable"):
        if "type" in made:
            made["type"] = [made["type"], "null"]
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    return made
