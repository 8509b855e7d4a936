"""What AWS refuses and the local cloud takes: lengths, characters and sizes, for every resource of every stack."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint

from components import function
from tests.components import aws_shapes
from tests.components.graph import FUNCTION, REGION, ROLE, ROLE_POLICY, STATE_MACHINE, Graph, Resource

# (type, input or "name" in AWS) -> what AWS's service model says: service, operation, path of the parameter.
MODELLED: dict[tuple[str, str], tuple[str, ...]] = {
    (FUNCTION, "name"): ("lambda", "CreateFunction", "FunctionName"),
    (FUNCTION, "description"): ("lambda", "CreateFunction", "Description"),
    (FUNCTION, "handler"): ("lambda", "CreateFunction", "Handler"),
    (FUNCTION, "timeout"): ("lambda", "CreateFunction", "Timeout"),
    (FUNCTION, "memorySize"): ("lambda", "CreateFunction", "MemorySize"),
    (FUNCTION, "runtime"): ("lambda", "CreateFunction", "Runtime"),
    (FUNCTION, "reservedConcurrentExecutions"): (
        "lambda",
        "PutFunctionConcurrency",
        "ReservedConcurrentExecutions",
    ),
    ("aws:lambda/permission:Permission", "action"): ("lambda", "AddPermission", "Action"),
    ("aws:lambda/permission:Permission", "principal"): ("lambda", "AddPermission", "Principal"),
    ("aws:lambda/permission:Permission", "sourceArn"): ("lambda", "AddPermission", "SourceArn"),
    ("aws:lambda/permission:Permission", "name"): ("lambda", "AddPermission", "StatementId"),
    (ROLE, "name"): ("iam", "CreateRole", "RoleName"),
    (ROLE, "assumeRolePolicy"): ("iam", "CreateRole", "AssumeRolePolicyDocument"),
    (ROLE_POLICY, "name"): ("iam", "PutRolePolicy", "PolicyName"),
    (ROLE_POLICY, "policy"): ("iam", "PutRolePolicy", "PolicyDocument"),
    ("aws:cloudwatch/logGroup:LogGroup", "name"): ("logs", "CreateLogGroup", "logGroupName"),
    ("aws:cloudwatch/eventBus:EventBus", "name"): ("events", "CreateEventBus", "Name"),
    ("aws:cloudwatch/eventRule:EventRule", "name"): ("events", "PutRule", "Name"),
    ("aws:cloudwatch/eventRule:EventRule", "description"): ("events", "PutRule", "Description"),
    ("aws:cloudwatch/eventRule:EventRule", "eventPattern"): ("events", "PutRule", "EventPattern"),
    ("aws:cloudwatch/eventTarget:EventTarget", "name"): ("events", "PutTargets", "Targets", "*", "Id"),
    ("aws:cloudwatch/eventTarget:EventTarget", "arn"): ("events", "PutTargets", "Targets", "*", "Arn"),
    ("aws:cloudwatch/eventArchive:EventArchive", "name"): ("events", "CreateArchive", "ArchiveName"),
    ("aws:cloudwatch/eventArchive:EventArchive", "description"): ("events", "CreateArchive", "Description"),
    ("aws:cloudwatch/eventArchive:EventArchive", "retentionDays"): ("events", "CreateArchive", "RetentionDays"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "name"): ("cloudwatch", "PutMetricAlarm", "AlarmName"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "alarmDescription"): (
        "cloudwatch",
        "PutMetricAlarm",
        "AlarmDescription",
    ),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "alarmActions"): ("cloudwatch", "PutMetricAlarm", "AlarmActions"),
    ("aws:cloudwatch/eventRule:EventRule", "scheduleExpression"): ("events", "PutRule", "ScheduleExpression"),
    ("aws:kms/key:Key", "description"): ("kms", "CreateKey", "Description"),
    ("aws:kms/key:Key", "policy"): ("kms", "CreateKey", "Policy"),
    (STATE_MACHINE, "name"): ("stepfunctions", "CreateStateMachine", "name"),
    (STATE_MACHINE, "definition"): ("stepfunctions", "CreateStateMachine", "definition"),
    ("aws:secretsmanager/secret:Secret", "name"): ("secretsmanager", "CreateSecret", "Name"),
    ("aws:secretsmanager/secret:Secret", "description"): ("secretsmanager", "CreateSecret", "Description"),
    ("aws:dynamodb/table:Table", "name"): ("dynamodb", "CreateTable", "TableName"),
}
# What the service models leave unsaid: (type, input or name) -> (pattern, source).
WRITTEN: dict[tuple[str, str], tuple[str, str]] = {
    ("aws:sqs/queue:Queue", "name"): (
        r"[A-Za-z0-9_-]{1,80}",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
    ),
    ("aws:cloudwatch/dashboard:Dashboard", "dashboardName"): (
        r"[A-Za-z0-9_-]{1,255}",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html",
    ),
    ("aws:sns/topic:Topic", "name"): (
        r"[A-Za-z0-9_-]{1,256}",
        "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
    ),
    ("aws:dynamodb/table:Table", "name"): (
        r"[A-Za-z0-9_.-]{3,255}",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html",
    ),
    (STATE_MACHINE, "name"): (
        r"[A-Za-z0-9_-]{1,80}",
        "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html",
    ),
    (FUNCTION, "name"): (
        r"[A-Za-z0-9_-]{1,64}",
        "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
    ),
    ("aws:rds/instance:Instance", "name"): (
        r"(?!.*--)[a-z][a-z0-9-]{0,61}[a-z0-9]",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html",
    ),
    ("aws:rds/instance:Instance", "username"): (
        r"[A-Za-z][A-Za-z0-9_]{0,15}",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html",
    ),
    ("aws:rds/instance:Instance", "dbName"): (
        r"[A-Za-z][A-Za-z0-9_]{0,63}",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html",
    ),
    ("aws:rds/instance:Instance", "finalSnapshotIdentifier"): (
        r"(?!.*--)[A-Za-z][A-Za-z0-9-]{0,253}[A-Za-z0-9]",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html",
    ),
    ("aws:rds/subnetGroup:SubnetGroup", "name"): (
        r"[a-z0-9 ._-]{1,255}",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html",
    ),
    ("aws:rds/parameterGroup:ParameterGroup", "name"): (
        r"(?!.*--)[a-z][a-z0-9-]{0,253}[a-z0-9]",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBParameterGroup.html",
    ),
    ("aws:ec2/securityGroup:SecurityGroup", "name"): (
        r"(?!sg-)[a-zA-Z0-9. _:/()#,@\[\]+=&;{}!$*-]{1,255}",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html",
    ),
    ("aws:ec2/securityGroup:SecurityGroup", "description"): (
        r"[a-zA-Z0-9. _:/()#,@\[\]+=&;{}!$*-]{1,255}",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html",
    ),
    ("aws:apigateway/stage:Stage", "stageName"): (
        r"[A-Za-z0-9_-]{1,128}",
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html",
    ),
    ("aws:cloudwatch/eventBus:EventBus", "name"): (
        r"(?!default$)[A-Za-z0-9._-]{1,256}",
        "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html",
    ),
}
# A role's inline policies together, without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAX_INLINE_POLICY_CHARACTERS = 10_240
MAX_TRUST_POLICY_CHARACTERS = 2_048
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RESOURCE_POLICY_BYTES = 20 * 1024
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
SUBNET_PREFIXES = range(16, 29)


def values(graph: Graph, type_: str, name: str) -> Iterator[tuple[Resource, Any]]:
    """Each value of an input; "name" is the name in AWS, with Pulumi's suffix where the program sets none."""
    for resource in graph.of(type_):
        value = resource.outputs.get("name") if name == "name" else resource.inputs.get(name)
        if value is not None:
            yield resource, value


@pytest.mark.parametrize("limit", MODELLED, ids=lambda limit: f"{limit[0].rpartition(':')[2]}.{limit[1]}")
def test_awss_service_model_takes_every_value(graph: Graph, limit: tuple[str, str]) -> None:
    service, operation, *path = MODELLED[limit]
    shape = aws_shapes.parameter(service, operation, *path)
    found = list(values(graph, *limit))
    assert found, f"no stack has a {limit}"
    for resource, value in found:
        assert not list(aws_shapes.problems(shape, value)), resource.name


@pytest.mark.parametrize("limit", WRITTEN, ids=lambda limit: f"{limit[0].rpartition(':')[2]}.{limit[1]}")
def test_awss_documentation_takes_every_value(prod: Graph, dev: Graph, limit: tuple[str, str]) -> None:
    pattern, source = WRITTEN[limit]
    found = [*values(prod, *limit), *values(dev, *limit)]
    assert found, f"no stack has a {limit}"
    for resource, value in found:
        assert re.fullmatch(pattern, value), f"{resource.name}: {value!r}; see {source}"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("lambda", "CreateFunction", "Description"), "x" * 257),
        (("events", "PutRule", "Description"), "x" * 513),
        (("events", "CreateArchive", "ArchiveName"), "x" * 49),
        (("iam", "CreateRole", "RoleName"), "a b"),
        (("lambda", "CreateFunction", "Runtime"), "python3.99"),
        (("lambda", "CreateFunction", "MemorySize"), 64),
    ],
)
def test_the_service_models_would_notice(path: tuple[str, ...], value: object) -> None:
    service, operation, *members = path
    assert list(aws_shapes.problems(aws_shapes.parameter(service, operation, *members), value))


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


def test_every_policy_is_one_that_iam_understands(prod: Graph) -> None:
    resources = {
        f"Role{number}": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": role.document("assumeRolePolicy"),
                "Policies": [
                    {"PolicyName": "rights", "PolicyDocument": policy.document("policy")}
                    for policy in prod.of(ROLE_POLICY)
                    if policy.inputs["role"] == f"{role.name}-id"
                ],
                "ManagedPolicyArns": [
                    attachment.inputs["policyArn"]
                    for attachment in prod.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
                    if attachment.inputs["role"] == role.outputs["name"]
                ],
            },
        }
        for number, role in enumerate(prod.of(ROLE))
    }
    rights = ("Policies", "ManagedPolicyArns")
    assert all(any(each["Properties"][name] for name in rights) for each in resources.values()), (
        "a role without rights"
    )
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    assert [str(match) for match in lint(json.dumps(template), config=ManualArgs(regions=[REGION]))] == []


def test_the_longest_name_that_a_function_may_bear_fits_its_role() -> None:
    shape = aws_shapes.parameter("iam", "CreateRole", "RoleName")
    longest = "x" * function.MAX_NAME_LENGTH + "-role-1234567"
    assert not list(aws_shapes.problems(shape, longest))
    assert list(aws_shapes.problems(shape, longest + "x")), "the limit could be higher"
