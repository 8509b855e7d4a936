"""A stack's graph as a CloudFormation template, for cfn-lint, which holds it to AWS's own resource schemas.

An input goes to the property of its own name, whatever the case, as CloudFormation's schema of the type spells it;
`TYPES` says what differs. A value that is another resource's id becomes a reference to it, which cfn-lint follows.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from cfnlint.api import ManualArgs, lint
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.components.graph import REGION, Graph, Resource
from tests.judges.cloudformation_types import PARTS, TYPES, Properties

# The program itself chooses the zones, and writes them into its template no more than a person would.
LEFT_OUT = ["W3010"]
# RDS takes a major version and chooses its minor one; cfn-lint lists minor ones only.
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
FALSE_ALARMS = {("E3691", "'10.11' is not one of")}


class Untranslated(Exception):
    """An input that the type's schema in CloudFormation doesn't have."""


# Actions that CloudFormation has no resource for.
NO_RESOURCE = {"aws:lambda/invocation:Invocation"}


def template(graph: Graph) -> Properties:
    """Raise Untranslated for a type or an input that CloudFormation doesn't know: it is the judge's first word."""
    resources: dict[str, Properties] = {}
    owners: dict[tuple[str, str], Properties] = {}
    references = {f"{each.name}-id": logical(each) for each in graph.resources if not each.component}
    made = [each for each in graph.resources if not each.component and each.type not in NO_RESOURCE]
    for each in (one for one in made if one.type not in PARTS):
        properties = translated(each)
        resources[logical(each)] = {"Type": TYPES[each.type].name, "Properties": properties}
        for known in (*each.outputs.values(), f"{each.name}-id"):
            if isinstance(known, str):
                owners[each.type, known] = properties
    for each in (one for one in made if one.type in PARTS):
        part = PARTS[each.type]
        merge(owners[part.type, each.inputs[part.of]], part.made(each.inputs))
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": referring(resources, references)}


def logical(resource: Resource) -> str:
    return "".join(word.capitalize() for word in resource.name.replace("_", "-").split("-"))


def translated(resource: Resource) -> Properties:
    type_ = TYPES.get(resource.type)
    if type_ is None:
        raise Untranslated(f"{resource.name}: {resource.type} is not in cloudformation_types.py")
    schema = schema_of(type_.name)
    properties: Properties = dict(copy.deepcopy(type_.constants))
    if type_.named:
        properties[type_.named] = resource.outputs.get("identifier") or resource.outputs["name"]
    for name, value in resource.inputs.items():
        if value is None or (type_.named and name in ("name", "identifier")):
            continue
        converted = type_.inputs.get(name)
        merge(properties, converted(value) if converted else {name: value})
    return dict(spelled(schema, schema, properties, resource.name))


@cache
def schema_of(name: str) -> Any:
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, name).schema


def spelled(root: Any, schema: Any, value: Any, where: str) -> Any:
    """The value with the names of its schema, and whole numbers whole."""
    schema = resolved(root, schema)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        item = schema.get("items", {})
        return [spelled(root, item, each, f"{where}[{number}]") for number, each in enumerate(value)]
    if not isinstance(value, dict):
        return [value] if schema.get("type") == "array" else value
    if "properties" in schema:
        made = {}
        for name, each in value.items():
            known = name_of(schema, name)
            if known is None:
                raise Untranslated(f"{where}.{name}: not in {', '.join(sorted(schema['properties']))}")
            made[known] = spelled(root, schema["properties"][known], each, f"{where}.{name}")
        return made
    pair = resolved(root, schema.get("items", {})).get("properties", {})
    if schema.get("type") == "array" and {"Key", "Value"} <= pair.keys():
        return [{"Key": key, "Value": each} for key, each in value.items()]
    return value


def resolved(root: Any, schema: Any) -> Any:
    while "$ref" in schema:
        found = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def name_of(schema: Any, name: str) -> str | None:
    return next((known for known in schema["properties"] if known.lower() == name.lower()), None)


def merge(into: Properties, more: Properties) -> None:
    """Lists are joined item by item where both sides are structures of one place, else appended."""
    for name, value in more.items():
        known = into.get(name)
        if isinstance(known, list) and isinstance(value, list):
            if name == "VpnTunnelOptionsSpecifications":
                into[name] = [{**one, **other} for one, other in zip(known, value, strict=True)]
            else:
                known.extend(value)
        else:
            into[name] = value


def referring(value: Any, references: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: referring(each, references) for name, each in value.items()}
    if isinstance(value, list):
        return [referring(each, references) for each in value]
    return {"Ref": references[value]} if isinstance(value, str) and value in references else value


def problems(graph: Graph) -> Iterator[str]:
    """What cfn-lint finds wrong, without what is known to be a false alarm."""
    try:
        text = json.dumps(template(graph), indent=1, ensure_ascii=False)
    except Untranslated as error:
        yield str(error)
        return
    for match in lint(text, config=ManualArgs(regions=[REGION], ignore_checks=LEFT_OUT)):
        if not any(match.rule.id == rule and match.message.startswith(words) for rule, words in FALSE_ALARMS):
            yield f"{place(match)}: {match.rule.id} {match.message}"


def place(match: Any) -> str:
    """Where the complaint is, for those that cfn-lint makes of a place."""
    return ".".join(map(str, getattr(match, "path", None) or ()))
