"""The table is sound: what it declares exists in AWS's own models and in Pulumi's schema."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from local_cloud.provider.cloud import Cloud
from local_cloud.provider.operations import as_call
from local_cloud.provider.parameters import first_of, member_of, taken
from local_cloud.provider.resource import Call, Resource
from local_cloud.provider.types import AREAS, RESOURCES
from tests.plain_emulator import KEY

CLOUD = Cloud("http://127.0.0.1:1", KEY, "us-east-1", None)
ALL = [pytest.param(resource, id=resource.type.rpartition(":")[2]) for resource in RESOURCES.values()]


def test_no_type_is_declared_twice() -> None:
    assert sum(len(area.RESOURCES) for area in AREAS) == len(RESOURCES)


def sent_by(resource: Resource, operation: Any, inputs: Any) -> frozenset[str]:
    """The inputs that reach an operation; a function is taken at its word."""
    if not isinstance(operation, (str, Call)):
        return frozenset(inputs)
    call = as_call(operation)
    shape = CLOUD.parameters(resource.service, call.operation)
    return taken(shape, inputs if call.inputs is None else call.inputs)


def source_of(type_: str) -> str:
    """The text of Pulumi's class: to import all of them takes seconds."""
    package, module, _ = type_.removeprefix("aws:").replace("/", ":").split(":")
    spec = importlib.util.find_spec("pulumi_aws")
    assert spec
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0], {"lambda": "lambda_"}.get(package, package))
    snake = re.sub("([A-Z])", r"_\1", module).lower()
    return (folder / f"{snake}.py").read_text()


def wire_names(type_: str) -> set[str]:
    """Pulumi's own names of the type's inputs, as they go over the wire."""
    source = source_of(type_)
    found = re.search(rf"class {type_.rpartition(':')[2]}(Init)?Args:", source)
    assert found
    start = found.start()
    arguments = re.split(r"^@pulumi\.", source[start:], flags=re.MULTILINE)[0]
    getters = re.findall(r'@pulumi\.getter(?:\(name="(\w+)"\))?\n(?:\s+@.*\n)*\s+def (\w+)\(self\) ->', arguments)
    return {name or attribute for name, attribute in getters}


@pytest.mark.parametrize("resource", ALL)
def test_every_input_is_one_that_pulumi_sends(resource: Resource) -> None:
    assert resource.accepts() - {"region"} <= wire_names(resource.type)


# Nothing here reads them; a program that does gets None.
NOT_MADE = {
    "Topic": {"beginningArchiveTime"},
    "Function": {"responseStreamingInvokeArn", "signingJobArn", "signingProfileVersionArn"},
    "Stage": {"webAclArn"},
    "StateMachine": {"description", "stateMachineVersionArn", "versionDescription"},
    "SecretVersion": {"secretStringWo", "hasSecretStringWo"},
    "Instance": {
        "password",
        "passwordWo",
        "latestRestorableTime",
        "listenerEndpoints",
        "replicas",
        "upgradeRolloutOrder",
    },
    "Vpc": {
        "defaultNetworkAclId",
        "defaultRouteTableId",
        "defaultSecurityGroupId",
        "ipv6AssociationId",
        "mainRouteTableId",
    },
    "Subnet": {"ipv6CidrBlockAssociationId"},
    "VpnConnection": {
        "coreNetworkArn",
        "coreNetworkAttachmentArn",
        "customerGatewayConfiguration",
        "presharedKeyArn",
        "routes",
        "transitGatewayAttachmentId",
        "vgwTelemetries",
        *(
            f"tunnel{number}{name}"
            for number in (1, 2)
            for name in (
                "Address",
                "BgpAsn",
                "BgpHoldtime",
                "CgwInsideAddress",
                "PresharedKey",
                "VgwInsideAddress",
            )
        ),
    },
    "VpcEndpoint": {"cidrBlocks", "prefixListId", "requesterManaged"},
}


@pytest.mark.parametrize("resource", ALL)
def test_every_output_of_pulumi_is_made_or_known_to_be_missing(resource: Resource) -> None:
    source = source_of(resource.type)
    computed = re.findall(r'__props__\.__dict__\["(\w+)"\] = None', source[source.index("def _internal_init") :])
    wanted = {re.sub(r"_(\w)", lambda match: match[1].upper(), name) for name in computed}
    made = {*resource.created, *resource.outputs, *resource.derived, *resource.accepts()}
    if resource.tagging:
        made.add("tagsAll")
    assert wanted - made == NOT_MADE.get(resource.type.rpartition(":")[2], set())


@pytest.mark.parametrize("resource", ALL)
def test_every_input_reaches_an_operation_at_creation(resource: Resource) -> None:
    reached = sent_by(resource, resource.create, resource.inputs)
    for setting in resource.settings:
        reached |= sent_by(resource, setting.put, setting.inputs)
    unsent = set(resource.inputs) - reached - set(resource.key.values())
    assert not unsent, "an input that no operation takes would be dropped without a word"


@pytest.mark.parametrize("resource", ALL)
def test_every_input_is_updated_or_replaces(resource: Resource) -> None:
    reached = frozenset[str]()
    for operation in resource.update:
        reached |= sent_by(resource, operation, resource.inputs)
    for setting in resource.settings:
        reached |= setting.inputs.keys()
    fixed = resource.replaced_by({})
    stuck = resource.accepts() - reached - fixed - {"tags", "region"} - resource.not_sent.keys()
    assert not stuck, "a change of these would do nothing"


@pytest.mark.parametrize("resource", ALL)
def test_every_part_of_the_key_is_known_to_an_operation(resource: Resource) -> None:
    operations = [resource.create, resource.read, resource.delete, *resource.update]
    operations += [setting.put for setting in resource.settings]
    shapes = [
        CLOUD.parameters(resource.service, as_call(one).operation)
        for one in operations
        if isinstance(one, (str, Call))
    ]
    for path in resource.key:
        used = any(shape is not None and member_of(shape, first_of(path)) for shape in shapes)
        assert used or not shapes, f"no operation knows {path}"


@pytest.mark.parametrize("resource", ALL)
def test_names_are_declared_once_and_are_inputs(resource: Resource) -> None:
    known = resource.accepts()
    named = {
        *resource.identity,
        *resource.documents,
        *resource.defaults,
        *resource.resets,
        *resource.replaced_by({}),
    }
    if resource.name:
        named.add(resource.name.property)
    assert named <= known
    assert not resource.not_sent.keys() & resource.inputs.keys()
    assert all(resource.not_sent.values()), "what is not sent needs a reason"
