"""Every type goes its whole way on a real emulator, with the same steps for all: the differences are data."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest

from local_cloud.provider import AwsProvider
from local_cloud.provider.types import RESOURCES
from tests.provider import cases_api, cases_functions, cases_messages, cases_network
from tests.provider.lifecycle import Case, Given, Probe

CASES = [*cases_messages.CASES, *cases_functions.CASES, *cases_api.CASES, *cases_network.CASES]


def filled(value: Any, properties: Given) -> Any:
    if isinstance(value, str):
        return value.format_map(properties)
    if isinstance(value, list):
        return [filled(one, properties) for one in value]
    return {name: filled(one, properties) for name, one in value.items()} if isinstance(value, dict) else value


def ask(world: Any, probe: Probe, properties: Given) -> Any:
    answer = getattr(world.client(probe.service), probe.operation)(**filled(probe.parameters, properties))
    return jmespath.search(probe.path, answer)


@pytest.mark.parametrize("case", CASES, ids=[case.type.rpartition(":")[2] for case in CASES])
def test_a_resource_is_created_read_updated_and_deleted(world: Any, provider: AwsProvider, case: Case) -> None:
    inputs = case.given(world)
    made = world.make(case.type, **inputs)
    outputs = {name: value for name, value in made.items() if name not in ("id", "__inputs")}
    assert ask(world, case.probe, made) == case.before, "the cloud has what the inputs say"
    assert provider.read(case.type, made["id"], made["__inputs"], outputs) == outputs, (
        "read finds the same outputs"
    )

    again = world.check(case.type, inputs, made["__inputs"])
    assert provider.diff(case.type, made["__inputs"], outputs, again).changed == (), "nothing changed, so no diff"

    if case.change:
        _, made = world.change(case.type, made, **{**inputs, **case.change})
        outputs = {name: value for name, value in made.items() if name not in ("id", "__inputs")}
        assert ask(world, case.probe, made) == case.after, "the cloud has what the update says"
        assert provider.read(case.type, made["id"], made["__inputs"], outputs) == outputs

    provider.delete(case.type, made["id"], made["__inputs"], outputs)
    if not case.stays:
        assert provider.read(case.type, made["id"], made["__inputs"], outputs) is None, "it is gone"
    provider.delete(case.type, made["id"], made["__inputs"], outputs)


def test_every_type_of_the_table_has_a_case() -> None:
    assert {case.type for case in CASES} == set(RESOURCES)
