"""The rules hold for every resource of every stack, except where a reason is written down."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml

from tests.components.graph import ROOT, STACKS, VPN, Graph, Resource, record
from tests.policies.exceptions import EVERYWHERE, EXCEPTIONS
from tests.policies.rules import ARN, RULES, SECRET_NAME, Rule, takes_tags

WHY = {(rule, stack, name): why for (rule, stacks, name), why in EXCEPTIONS.items() for stack in stacks}


@pytest.fixture(scope="session")
def stack_of(graph_of: Callable[[str], Graph]) -> Callable[[str], Graph]:
    """The three stacks, and prod with a database of the company's own behind a VPN."""
    linked = cache(lambda: record("prod", {**VPN, "backendConcurrency": "20"}))
    return lambda name: linked() if name == "on-premise" else graph_of(name)


def broken(rule: Rule, graph: Graph) -> set[str]:
    return {each.name.removeprefix(f"{graph.prefix}-") for each in rule(graph)}


def by_name(rule: Rule) -> str:
    return rule.__name__


@pytest.mark.parametrize("stack", EVERYWHERE)
@pytest.mark.parametrize("rule", RULES, ids=by_name)
def test_the_rule_holds_but_for_what_has_a_reason(
    rule: Rule, stack: str, stack_of: Callable[[str], Graph]
) -> None:
    excepted = {name for (of, where, name) in WHY if (of, where) == (rule.__name__, stack)}
    found = broken(rule, stack_of(stack))
    assert found - excepted == set(), "mend it, or write the reason into exceptions.py"
    assert excepted - found == set(), "these reasons are no longer needed"


def test_every_reason_is_for_a_rule_that_there_is() -> None:
    assert {rule for rule, _, _ in EXCEPTIONS} <= {each.__name__ for each in RULES}
    assert all(len(why.split()) > 3 for why in EXCEPTIONS.values())
    assert set(STACKS) < set(EVERYWHERE)


# rule -> (type, what is wrong with the first resource of it): each rule is seen to notice.
BREAKAGES: list[tuple[str, str, dict[str, Any]]] = [
    ("encrypted", "aws:sqs/queue:Queue", {"sqsManagedSseEnabled": False}),
    ("encrypted", "aws:sns/topic:Topic", {"kmsMasterKeyId": None}),
    ("encrypted", "aws:dynamodb/table:Table", {"serverSideEncryption": {"enabled": False}}),
    ("encrypted", "aws:rds/instance:Instance", {"storageEncrypted": False}),
    ("encrypted", "aws:kms/key:Key", {"enableKeyRotation": False}),
    ("encrypted_on_the_way", "aws:rds/parameterGroup:ParameterGroup", {"parameters": []}),
    (
        "encrypted_on_the_way",
        "aws:lambda/function:Function",
        {"environment": {"variables": {"DATABASE_TLS": "off"}}},
    ),
    (
        "encrypted_on_the_way",
        "aws:lambda/function:Function",
        {"environment": {"variables": {"DATABASE_TLS": "on"}}},
    ),
    ("not_public", "aws:rds/instance:Instance", {"publiclyAccessible": True}),
    ("not_public", "aws:ec2/subnet:Subnet", {"mapPublicIpOnLaunch": True}),
    ("not_public", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", {"cidrIpv4": "0.0.0.0/0"}),
    ("not_public", "aws:lambda/permission:Permission", {"principal": "*"}),
    ("not_public", "aws:sqs/queuePolicy:QueuePolicy", {"policy": '{"Statement": [{"Principal": "*"}]}'}),
    ("not_public", "aws:sns/topicPolicy:TopicPolicy", {"policy": '{"Statement": [{"Principal": {"AWS": "*"}}]}'}),
    (
        "not_public",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        {"policy": '{"Statement": [{"Principal": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": ["*"]}}}]}'},
    ),
    ("forgets", "aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 0}),
    ("forgets", "aws:cloudwatch/eventArchive:EventArchive", {"retentionDays": 0}),
    ("forgets", "aws:dynamodb/table:Table", {"ttl": {}}),
    ("remembers", "aws:rds/instance:Instance", {"backupRetentionPeriod": 1}),
    ("remembers", "aws:dynamodb/table:Table", {"pointInTimeRecovery": {}}),
    ("remembers", "aws:sqs/queue:Queue", {"messageRetentionSeconds": 60}),
    ("protected", "aws:rds/instance:Instance", {"deletionProtection": False}),
    ("leaves_a_copy", "aws:rds/instance:Instance", {"skipFinalSnapshot": True}),
    ("leaves_a_copy", "aws:rds/instance:Instance", {"deleteAutomatedBackups": True}),
    ("leaves_a_copy", "aws:rds/instance:Instance", {"multiAz": False}),
    ("leaves_a_copy", "aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 0}),
    ("leaves_a_copy", "aws:kms/key:Key", {"deletionWindowInDays": 1}),
    ("protected", "aws:dynamodb/table:Table", {"deletionProtectionEnabled": False}),
    ("tagged", "aws:sqs/queue:Queue", {"tags": {"project": "leadbridge"}}),
    ("tagged", "aws:iam/role:Role", {"tags": {"project": "leadbridge", "stack": "dev"}}),
    ("no_secret_in_plain_sight", "aws:lambda/function:Function", {"environment": {"variables": {"API_KEY": "x"}}}),
    ("no_secret_in_plain_sight", "aws:rds/instance:Instance", {"password": "x"}),
    ("loses_no_event", "aws:cloudwatch/eventTarget:EventTarget", {"deadLetterConfig": {}}),
    ("loses_no_event", "aws:cloudwatch/eventTarget:EventTarget", {"deadLetterConfig": {"arn": "elsewhere"}}),
    ("loses_no_event", "aws:cloudwatch/eventTarget:EventTarget", {"retryPolicy": {}}),
    ("ends_before_its_caller", "aws:lambda/function:Function", {"timeout": 60}),
]


@pytest.mark.parametrize(("rule", "type_", "change"), BREAKAGES)
def test_the_rule_notices(rule: str, type_: str, change: dict[str, Any], prod: Graph) -> None:
    (check,) = (each for each in RULES if each.__name__ == rule)
    resources = prod.of(type_)
    before = broken(check, prod)
    noticed = set()
    for victim in resources:
        graph = copy.copy(prod)
        graph.resources = [changed(each, change) if each is victim else each for each in prod.resources]
        noticed |= broken(check, graph) - before
    assert noticed, f"{rule} takes {change}"


def changed(resource: Resource, change: dict[str, Any]) -> Resource:
    return replace(resource, inputs={**resource.inputs, **change})


def test_every_rule_is_seen_to_notice() -> None:
    assert {rule for rule, _, _ in BREAKAGES} == {each.__name__ for each in RULES}


@pytest.mark.parametrize("file", sorted(path.name for path in ROOT.glob("Pulumi*.yaml")))
def test_no_configuration_holds_a_secret_in_plain(file: str) -> None:
    config = yaml.safe_load((ROOT / file).read_text())["config"]
    for key, value in config.items():
        text = value.get("default", "") if isinstance(value, dict) else value
        if SECRET_NAME.search(key):
            assert not text or ARN.fullmatch(str(text)), f"{key}: pulumi config set --secret, or a secret's ARN"
        assert not str(text).startswith(("AKIA", "ASIA", "-----BEGIN")), key


def test_what_takes_tags_is_told_from_what_does_not() -> None:
    assert takes_tags("aws:sqs/queue:Queue")
    assert takes_tags("aws:lambda/function:Function")
    assert not takes_tags("aws:iam/rolePolicy:RolePolicy")
