"""Carries out what a `Resource` declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import jmespath  # type: ignore[import-untyped]

from local_cloud.engine.provider import CheckFailed, Properties, ProviderError
from local_cloud.provider.cloud import Gone
from local_cloud.provider.comparison import AUTO_NAMED
from local_cloud.provider.parameters import member_of, parameters, taken
from local_cloud.provider.resource import Answer, Call, Inputs, Operation, Resource, Scope, Setting, Tagging


def as_call(operation: str | Call) -> Call:
    return operation if isinstance(operation, Call) else Call(operation=operation)


def perform(scope: Scope, operation: Operation, *, inputs: Inputs | None = None) -> Answer | None:
    """Calls the operation with the key and those inputs that it takes; `inputs` overrides the declaration's."""
    if not isinstance(operation, (str, Call)):
        return operation(scope)
    call = as_call(operation)
    declared = call.inputs if call.inputs is not None else inputs
    return request(scope, call, declared or {}, effective(scope))


def request(scope: Scope, call: Call, inputs: Inputs, values: Properties) -> Answer:
    shape = scope.cloud.parameters(scope.resource.service, call.operation)
    sources = scope.resource.key if call.key is None else call.key
    key = {
        path: scope.filled(source) if "{" in source else scope.value(source) for path, source in sources.items()
    }
    sent = parameters(shape, inputs, values, where(scope), key)
    return scope.call(call.operation, **{**sent, **call.constants})


def where(scope: Scope) -> str:
    return f"{scope.urn.rpartition('::')[2] or scope.id} ({scope.resource.type})"


def effective(scope: Scope) -> Properties:
    """The inputs, and in an update the reset values of those that the program no longer gives."""
    resets = {
        name: value
        for name, value in scope.resource.resets.items()
        if name in scope.changed and scope.inputs.get(name) is None
    }
    return {**scope.inputs, **resets}


def create(scope: Scope) -> tuple[str, Properties]:
    resource = scope.resource
    if resource.exists and find(scope, resource.exists):
        taken_by = ", ".join(f"{name} {scope.inputs.get(name)!r}" for name in identity(resource))
        raise ProviderError(
            f"{where(scope)}: one with {taken_by} already exists. Give this one another name, or delete that one."
        )
    inputs = {**resource.inputs, "tags": "tags"} if resource.tagging else resource.inputs
    answer = perform(scope, resource.create, inputs=inputs) or {}
    scope = replace(
        scope, outputs={name: jmespath.search(path, answer) for name, path in resource.created.items()}
    )
    scope = replace(scope, id=scope.filled(resource.id))
    try:
        for setting in resource.settings:
            if setting.at_creation and given(setting, scope.inputs):
                perform(scope, setting.put, inputs=setting.inputs)
        if resource.tagging and not tags_at_creation(scope):
            tag(scope, resource.tagging)
        outputs = read(scope)
        if outputs is None:
            raise ProviderError(f"{where(scope)} was created as {scope.id!r} and can't be found afterwards")
    except (CheckFailed, ProviderError) as error:
        # What is only half made is in no state, so that nobody would delete it later.
        try:
            delete(scope)
        except ProviderError as second:
            raise ProviderError(f"{error}; and {scope.id!r}, half made, could not be deleted: {second}") from error
        raise
    return scope.id, outputs


def identity(resource: Resource) -> tuple[str, ...]:
    return resource.identity or ((resource.name.property,) if resource.name else ())


def update(scope: Scope) -> Properties:
    resource = scope.resource
    for operation in resource.update:
        call = as_call(operation)
        inputs = resource.inputs if call.inputs is None else call.inputs
        shape = scope.cloud.parameters(resource.service, call.operation)
        if taken(shape, inputs) & scope.changed:
            perform(scope, call, inputs=inputs)
    for setting in resource.settings:
        if setting.inputs.keys() & scope.changed:
            change(scope, setting)
    if resource.tagging and "tags" in scope.changed:
        tag(scope, resource.tagging)
    outputs = read(scope)
    if outputs is None:
        raise ProviderError(f"{where(scope)}: {scope.id!r} is gone. Delete it from the state and deploy again.")
    return outputs


def change(scope: Scope, setting: Setting) -> None:
    if given(setting, scope.inputs):
        perform(scope, setting.put, inputs=setting.inputs)
    elif setting.remove:
        perform(scope, setting.remove, inputs={})
    else:
        defaults = dict.fromkeys(setting.inputs, setting.default)
        perform(replace(scope, inputs={**scope.inputs, **defaults}), setting.put, inputs=setting.inputs)


def given(setting: Setting, inputs: Properties) -> bool:
    return any(inputs.get(name) not in (None, setting.none) for name in setting.inputs)


def find(scope: Scope, operation: Operation) -> Any:
    """What is there; None if nothing is."""
    try:
        answer = perform(scope, operation)
    except Gone:
        return None
    if answer is None or operation != scope.resource.read:
        return answer
    return jmespath.search(scope.filled(scope.resource.found), answer) or None


def read(scope: Scope) -> Properties | None:
    """The outputs as they are now, the inputs as they were recorded; None if the resource is gone."""
    resource = scope.resource
    found = find(scope, resource.read)
    if found is None:
        return None
    known = {name: scope.outputs[name] for name in resource.created if name in scope.outputs}
    inputs = {name: value for name, value in scope.inputs.items() if name != AUTO_NAMED and value is not None}
    outputs = {**inputs, **known, "region": scope.cloud.region}
    for name, source in resource.outputs.items():
        outputs[name] = plain(source(found) if callable(source) else jmespath.search(source, found))
    if resource.tagging:
        outputs["tagsAll"] = scope.inputs.get("tags") or {}
    for name, template in resource.derived.items():
        outputs[name] = replace(scope, outputs=outputs).filled(template)
    return outputs


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def delete(scope: Scope) -> None:
    if scope.resource.delete is None:
        return
    try:
        perform(scope, scope.resource.delete)
    except Gone:
        return


def tags_at_creation(scope: Scope) -> bool:
    operation = scope.resource.create
    if not isinstance(operation, (str, Call)):
        return False
    shape = scope.cloud.parameters(scope.resource.service, as_call(operation).operation)
    return member_of(shape, "tags") is not None


def tag(scope: Scope, tagging: Tagging) -> None:
    old, new = scope.old.get("tags") or {}, scope.inputs.get("tags") or {}
    gone = {key: value for key, value in old.items() if key not in new}
    if gone:
        request_tags(scope, Call(operation=tagging.untag, key=tagging.key), gone)
    added = {key: value for key, value in new.items() if old.get(key) != value}
    if added:
        request_tags(scope, Call(operation=tagging.tag, key=tagging.key), added)


def request_tags(scope: Scope, call: Call, tags: Mapping[str, str]) -> None:
    """Services either take the tags, or (to remove them) their keys."""
    shape = scope.cloud.parameters(scope.resource.service, call.operation)
    by_key = member_of(shape, "tagKeys") is not None
    values: Properties = {"tagKeys": sorted(tags)} if by_key else {"tags": dict(tags)}
    request(scope, call, {name: name for name in values}, values)
