"""What AWS refuses and the local cloud takes: lengths, characters and sizes, for every resource of every stack."""

import json
import re

from tests.components.graph import ROLE, ROLE_POLICY, Graph

# A role's inline policies together, without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAX_INLINE_POLICY_CHARACTERS = 10_240
MAX_TRUST_POLICY_CHARACTERS = 2_048
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RESOURCE_POLICY_BYTES = 20 * 1024
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
SUBNET_PREFIXES = range(16, 29)


def test_every_policy_fits_its_role(graph: Graph) -> None:
    for policy in graph.of(ROLE_POLICY):
        compact = re.sub(r"\s", "", policy.inputs["policy"])
        assert len(compact) <= MAX_INLINE_POLICY_CHARACTERS, policy.name
    for role in graph.of(ROLE):
        assert len(re.sub(r"\s", "", role.inputs["assumeRolePolicy"])) <= MAX_TRUST_POLICY_CHARACTERS, role.name


def test_the_permissions_of_a_function_fit_its_resource_policy(graph: Graph) -> None:
    for name in graph.functions():
        permissions = [
            each.inputs
            for each in graph.of("aws:lambda/permission:Permission")
            if each.inputs["function"] == f"{graph.prefix}-{name}"
        ]
        assert len(json.dumps(permissions).encode()) < MAX_RESOURCE_POLICY_BYTES, name


def test_the_subnets_are_of_a_size_that_a_vpc_takes(graph: Graph) -> None:
    for subnet in graph.of("aws:ec2/subnet:Subnet"):
        assert int(subnet.inputs["cidrBlock"].partition("/")[2]) in SUBNET_PREFIXES
    assert len({each.inputs["availabilityZone"] for each in graph.of("aws:ec2/subnet:Subnet")}) == 2


def test_every_role_has_rights(prod: Graph) -> None:
    attachments = prod.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    holders = {each.inputs["role"] for each in (*prod.of(ROLE_POLICY), *attachments)}
    assert [each.name for each in prod.of(ROLE) if not holders & {f"{each.name}-id", each.outputs["name"]}] == []
