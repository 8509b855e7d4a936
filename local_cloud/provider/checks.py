"""What can be said about a resource's inputs before anything is created: names, defaults, mistakes."""

from __future__ import annotations

import difflib
import json
import secrets

from local_cloud.engine.provider import UNKNOWN, CheckFailed, Properties
from local_cloud.provider.cloud import Cloud
from local_cloud.provider.comparison import AUTO_NAMED, changed_inputs
from local_cloud.provider.operations import as_call, given
from local_cloud.provider.parameters import parameters
from local_cloud.provider.resource import AutoName, Call, Resource
from local_cloud.provider.shapes import problems

NAME_DIGITS = 7


def checked(resource: Resource, cloud: Cloud, urn: str, old: Properties | None, new: Properties) -> Properties:
    """The inputs with defaults and automatic names. Raises CheckFailed."""
    where = f"{logical_name(urn)} ({resource.type})"
    refuse_unknown_inputs(resource, where, new)
    region = new.get("region")
    if region not in (None, UNKNOWN, cloud.region):
        raise CheckFailed(
            f"{where}: region is {region!r}, and this local cloud is {cloud.region!r}: leave region out"
        )
    inputs = {name: value for name, value in new.items() if value is not None and name != AUTO_NAMED}
    inputs = {**resource.defaults, **inputs}
    if resource.name:
        named(resource.name, where, urn, old or {}, inputs)
    for name in sorted(resource.documents & inputs.keys()):
        refuse_no_json(where, name, inputs[name])
    # What was accepted once needs no second look, which spares an unchanged program the clients' models.
    if old is None or changed_inputs(old, inputs):
        refuse_what_aws_refuses(resource, cloud, where, inputs)
        if resource.check:
            try:
                resource.check(inputs)
            except CheckFailed as error:
                raise CheckFailed(f"{where}: {error}") from error
    return inputs


def logical_name(urn: str) -> str:
    return urn.rpartition("::")[2]


def refuse_unknown_inputs(resource: Resource, where: str, inputs: Properties) -> None:
    known = resource.accepts()
    for name in sorted(inputs.keys() - known - {AUTO_NAMED}):
        if inputs[name] is None:
            continue
        near = difflib.get_close_matches(name, known, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise CheckFailed(
            f"{where}: the local cloud doesn't know the input {name!r}.{guess} "
            "Leave it out, or add it to the type's declaration in local_cloud/provider/types."
        )


def refuse_no_json(where: str, name: str, value: object) -> None:
    if not isinstance(value, str):
        return
    try:
        json.loads(value)
    except json.JSONDecodeError as error:
        raise CheckFailed(
            f"{where}: {name} must be a JSON document, and is not: {error}. Build it with Output.json_dumps."
        ) from error


def refuse_what_aws_refuses(resource: Resource, cloud: Cloud, where: str, inputs: Properties) -> None:
    """Translates the inputs as a creation would, and holds them to AWS's service models."""
    for operation, declared in (
        (resource.create, resource.inputs),
        *((setting.put, setting.inputs) for setting in resource.settings if given(setting, inputs)),
    ):
        if isinstance(operation, (str, Call)):
            call = as_call(operation)
            shape = cloud.parameters(resource.service, call.operation)
            sent = parameters(shape, declared if call.inputs is None else call.inputs, inputs, where)
            if refused := list(problems(shape, sent)):
                raise CheckFailed(f"{where}: AWS would refuse {call.operation}: {'; '.join(refused)}")


def named(rule: AutoName, where: str, urn: str, old: Properties, inputs: Properties) -> None:
    """Fills in the automatic name, and marks it as such, so that a diff can tell it from a chosen one."""
    name = inputs.get(rule.property)
    if name is None:
        kept = old.get(rule.property) if rule.property in old.get(AUTO_NAMED, ()) else None
        inputs[rule.property] = kept or automatic_name(rule, urn, inputs)
        inputs[AUTO_NAMED] = [rule.property]
    elif isinstance(name, str) and len(name) > rule.limit:
        raise CheckFailed(
            f"{where}: {rule.property} {name!r} has {len(name)} characters, and AWS takes {rule.limit}: shorten it"
        )


def automatic_name(rule: AutoName, urn: str, inputs: Properties) -> str:
    suffix = "-" + secrets.token_hex(4)[:NAME_DIGITS] + rule.suffix(inputs)
    name = logical_name(urn)[: rule.limit - len(suffix)] + suffix
    return name.lower() if rule.lower else name
