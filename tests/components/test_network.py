"""The private network: the zones that it lies in, and what passes its one way to AWS."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import pytest

from components.errors import ConfigurationError
from components.network import NetworkArgs
from tests.components.graph import OWNER_SECRET, ROLE, Graph

ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
SECRET = "aws:secretsmanager/secret:Secret"
SUBNET = "aws:ec2/subnet:Subnet"


@pytest.mark.parametrize("zones", [[], ["us-east-1a"]])
def test_fewer_than_two_usable_zones_are_refused_with_those_that_there_are(zones: Sequence[str]) -> None:
    found = f"{len(zones)} usable zones ({', '.join(zones) or 'none'}); 2 are needed"
    with pytest.raises(ConfigurationError, match=re.escape(found)):
        NetworkArgs(cidr="10.20.0.0/16", region="us-east-1", zones=zones)


def test_subnets_lie_in_zones_of_the_region_itself_that_take_functions(graph: Graph) -> None:
    zones = [each.inputs["availabilityZone"] for each in sorted(graph.of(SUBNET), key=lambda one: one.name)]
    assert zones == ["us-east-1b", "us-east-1c"], "neither the Local Zone nor use1-az3, which sort before them"


def test_the_zones_of_subnets_that_stand_are_left_alone(graph: Graph) -> None:
    subnets = graph.of(SUBNET)
    assert [each.ignored for each in subnets] == [["availabilityZone"], ["availabilityZone"]]


def statements(graph: Graph) -> list[dict[str, Any]]:
    """Of the one endpoint that there is."""
    return list(graph.one(ENDPOINT).document("policy")["Statement"])


def passes(graph: Graph, role: str, action: str, secret: str) -> bool:
    return any(
        statement["Effect"] == "Allow"
        and action in statement["Action"]
        and secret in statement["Resource"]
        and any(fnmatchcase(role, pattern) for pattern in statement["Condition"]["ArnLike"]["aws:PrincipalArn"])
        for statement in statements(graph)
    )


def secrets(graph: Graph) -> tuple[str, str]:
    """The app's and the owner's."""
    owner = graph.function("api-migrations").inputs["environment"]["variables"]["DATABASE_OWNER_SECRET_ARN"]
    return graph.one(SECRET, "crm-app-user").outputs["arn"], owner


def test_the_endpoint_lets_each_function_do_what_its_role_may_and_no_more(graph: Graph) -> None:
    app, owner = secrets(graph)
    read, write = "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"
    in_the_vpc = {name for name, each in graph.functions().items() if each.inputs.get("vpcConfig")}
    assert {"api-migrations", "api-get-client"} < in_the_vpc
    for role in graph.of(ROLE):
        name = role.name.removeprefix(f"{graph.prefix}-").removesuffix("-role")
        arn, migrates = role.outputs["arn"], name == "api-migrations"
        assert passes(graph, arn, read, app) is (name in in_the_vpc), name
        assert passes(graph, arn, read, owner) is migrates, name
        assert passes(graph, arn, write, app) is migrates, name
        assert not passes(graph, arn, write, owner), name


def test_no_other_secret_action_or_account_passes_the_endpoint(graph: Graph) -> None:
    for statement in statements(graph):
        assert set(statement["Action"]) <= {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"}
        assert set(statement["Resource"]) <= set(secrets(graph))
        assert statement["Condition"].keys() == {"ArnLike"}
    app, _ = secrets(graph)
    foreign = graph.one(ROLE, "api-migrations-role").outputs["arn"].replace("123456789012", "210987654321")
    assert not passes(graph, foreign, "secretsmanager:GetSecretValue", app)


def test_the_endpoint_knows_the_secrets_before_the_migrations_need_them(graph: Graph) -> None:
    migrate = graph.one("aws:lambda/invocation:Invocation")
    assert graph.one(ENDPOINT).urn in migrate.dependencies


def test_the_owners_secret_of_the_local_stack_is_the_given_one(graph_of) -> None:
    assert secrets(graph_of("local"))[1] == OWNER_SECRET
