"""Every type goes its whole way on a real emulator, with the same steps for all: the differences are data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jmespath
import pulumi
import pytest

from local_cloud.provider import AwsProvider
from local_cloud.provider.types import RESOURCES

Given = dict[str, Any]
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
HANDLER = "def handler(event, context):\n    return event\n"
BODY = json.dumps({"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {}})


def document(**changes: Any) -> str:
    return json.dumps(POLICY | changes)


@dataclass(frozen=True)
class Probe:
    """What the cloud itself says, asked past the provider."""

    service: str
    operation: str
    parameters: Given
    path: str


@dataclass(frozen=True)
class Case:
    type: str
    given: Callable[[Any], Given]
    """The inputs; makes what they refer to."""
    change: Given
    """Inputs that an update changes; empty: each change needs a new resource."""
    probe: Probe
    before: Any
    after: Any = None
    stays: bool = False
    """Deleting it leaves it there, as on AWS."""


def role(world: Any) -> str:
    arn: str = world.make("aws:iam/role:Role", assumeRolePolicy=TRUST)["arn"]
    return arn


def function(world: Any, code: str = HANDLER) -> str:
    made = world.make(
        "aws:lambda/function:Function",
        code=pulumi.AssetArchive({"index.py": pulumi.StringAsset(code)}),
        handler="index.handler",
        runtime="python3.12",
        role=role(world),
    )
    name: str = made["name"]
    return name


def make(type_: str, output: str = "id", **inputs: Any) -> Callable[[Any], Any]:
    return lambda world: world.make(type_, **inputs)[output]


queue = make("aws:sqs/queue:Queue", "arn")
bus = make("aws:cloudwatch/eventBus:EventBus", "name")
topic = make("aws:sns/topic:Topic", "arn")
log_group = make("aws:cloudwatch/logGroup:LogGroup", "name")
vpc = make("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
api = make("aws:apigateway/restApi:RestApi", body=BODY)
secret = make("aws:secretsmanager/secret:Secret", "arn")


def rule(world: Any) -> Given:
    made = world.make(
        "aws:cloudwatch/eventRule:EventRule", eventBusName=bus(world), eventPattern='{"source": ["a"]}'
    )
    return {"rule": made["name"], "eventBusName": made["eventBusName"]}


def deployment(world: Any) -> Given:
    rest_api = api(world)
    return {
        "restApi": rest_api,
        "deployment": world.make("aws:apigateway/deployment:Deployment", restApi=rest_api)["id"],
    }


def stage(world: Any) -> Given:
    made = world.make("aws:apigateway/stage:Stage", **deployment(world), stageName="v1")
    return {"restApi": made["restApi"], "stageName": "v1"}


def subnets(world: Any) -> list[str]:
    network = vpc(world)
    return [
        world.make("aws:ec2/subnet:Subnet", vpcId=network, cidrBlock=f"10.0.{index}.0/24", availabilityZone=zone)[
            "id"
        ]
        for index, zone in enumerate(("us-east-1a", "us-east-1b"))
    ]


def security_group(world: Any) -> str:
    made: str = world.make("aws:ec2/securityGroup:SecurityGroup", vpcId=vpc(world))["id"]
    return made


def association(world: Any) -> Given:
    network = vpc(world)
    subnet = world.make("aws:ec2/subnet:Subnet", vpcId=network, cidrBlock="10.0.0.0/24")["id"]
    return {"routeTableId": world.make("aws:ec2/routeTable:RouteTable", vpcId=network)["id"], "subnetId": subnet}


def usage_plan_key(world: Any) -> Given:
    return {
        "usagePlanId": world.make("aws:apigateway/usagePlan:UsagePlan")["id"],
        "keyId": world.make("aws:apigateway/apiKey:ApiKey")["id"],
        "keyType": "API_KEY",
    }


def security_rule(world: Any) -> Given:
    return {
        "securityGroupId": security_group(world),
        "ipProtocol": "tcp",
        "fromPort": 3306.0,
        "toPort": 3306.0,
        "cidrIpv4": "10.0.0.0/16",
        "description": "the database",
    }


def rule_case(direction: str) -> Case:
    return Case(
        f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        security_rule,
        {"toPort": 3307.0},
        Probe(
            "ec2",
            "describe_security_group_rules",
            {"SecurityGroupRuleIds": ["{id}"]},
            "SecurityGroupRules[0].[FromPort, ToPort, CidrIpv4, Description]",
        ),
        [3306, 3306, "10.0.0.0/16", "the database"],
        [3306, 3307, "10.0.0.0/16", "the database"],
    )


def stage_probe(path: str) -> Probe:
    return Probe("apigateway", "get_stage", {"restApiId": "{restApi}", "stageName": "{stageName}"}, path)


CASES = [
    Case(
        "aws:cloudwatch/eventBus:EventBus",
        lambda world: {"description": "one", "deadLetterConfig": {"arn": queue(world)}},
        {"description": "two"},
        Probe("events", "describe_event_bus", {"Name": "{name}"}, "Description"),
        "one",
        "two",
    ),
    Case(
        "aws:cloudwatch/eventRule:EventRule",
        lambda world: {"eventBusName": bus(world), "eventPattern": '{"source": ["a"]}', "description": "d"},
        {"eventPattern": '{"source": ["b"]}'},
        Probe("events", "describe_rule", {"Name": "{name}", "EventBusName": "{eventBusName}"}, "EventPattern"),
        '{"source": ["a"]}',
        '{"source": ["b"]}',
    ),
    Case(
        "aws:cloudwatch/eventTarget:EventTarget",
        lambda world: {
            **rule(world),
            "arn": queue(world),
            "retryPolicy": {"maximumRetryAttempts": 3.0, "maximumEventAgeInSeconds": 60},
            "inputTransformer": {"inputPaths": {"rut": "$.detail.rut"}, "inputTemplate": '{"rut": <rut>}'},
            "deadLetterConfig": {"arn": queue(world)},
        },
        {"retryPolicy": {"maximumRetryAttempts": 4}},
        Probe(
            "events",
            "list_targets_by_rule",
            {"Rule": "{rule}", "EventBusName": "{eventBusName}"},
            "Targets[0].[RetryPolicy.MaximumRetryAttempts, InputTransformer.InputPathsMap.rut]",
        ),
        [3, "$.detail.rut"],
        [4, "$.detail.rut"],
    ),
    Case(
        "aws:cloudwatch/eventArchive:EventArchive",
        lambda world: {
            "eventSourceArn": world.make("aws:cloudwatch/eventBus:EventBus")["arn"],
            "eventPattern": '{"source": ["a"]}',
            "retentionDays": 7.0,
        },
        {"retentionDays": 8},
        Probe("events", "describe_archive", {"ArchiveName": "{name}"}, "RetentionDays"),
        7,
        8,
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda world: {"retentionInDays": 14, "tags": {"a": "1"}},
        {"retentionInDays": 0},
        Probe("logs", "describe_log_groups", {"logGroupNamePrefix": "{name}"}, "logGroups[0].retentionInDays"),
        14,
    ),
    Case(
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        lambda world: {
            "logGroupName": log_group(world),
            "pattern": "ERROR",
            "metricTransformation": {"name": "Errors", "namespace": "Lead", "value": "1", "defaultValue": "0"},
        },
        {"pattern": "FATAL"},
        Probe(
            "logs",
            "describe_metric_filters",
            {"logGroupName": "{logGroupName}"},
            "metricFilters[0].[filterPattern, metricTransformations[0].metricName]",
        ),
        ["ERROR", "Errors"],
        ["FATAL", "Errors"],
    ),
    Case(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 1,
            "metricName": "Errors",
            "namespace": "AWS/Lambda",
            "period": 60,
            "statistic": "Sum",
            "dimensions": {"FunctionName": "f"},
            "alarmActions": [topic(world)],
        },
        {"threshold": 5},
        Probe(
            "cloudwatch",
            "describe_alarms",
            {"AlarmNames": ["{name}"]},
            "MetricAlarms[0].[Threshold, Dimensions[0].Value]",
        ),
        [1.0, "f"],
        [5.0, "f"],
    ),
    Case(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda world: {"dashboardBody": '{"widgets": []}'},
        {"dashboardBody": '{"widgets": [], "start": "-PT3H"}'},
        Probe("cloudwatch", "get_dashboard", {"DashboardName": "{dashboardName}"}, "DashboardBody"),
        '{"widgets": []}',
        '{"widgets": [], "start": "-PT3H"}',
    ),
    Case(
        "aws:sqs/queue:Queue",
        lambda world: {
            "visibilityTimeoutSeconds": 60.0,
            "redrivePolicy": json.dumps({"deadLetterTargetArn": queue(world), "maxReceiveCount": 3}),
        },
        {"visibilityTimeoutSeconds": None},
        Probe(
            "sqs",
            "get_queue_attributes",
            {"QueueUrl": "{url}", "AttributeNames": ["All"]},
            "Attributes.VisibilityTimeout",
        ),
        "60",
        "30",
    ),
    Case(
        "aws:sqs/queuePolicy:QueuePolicy",
        lambda world: {"queueUrl": world.make("aws:sqs/queue:Queue")["url"], "policy": document()},
        {"policy": document(Id="two")},
        Probe(
            "sqs",
            "get_queue_attributes",
            {"QueueUrl": "{queueUrl}", "AttributeNames": ["Policy"]},
            "Attributes.Policy",
        ),
        document(),
        document(Id="two"),
    ),
    Case(
        "aws:sns/topic:Topic",
        lambda world: {"displayName": "Leads"},
        {"displayName": "Alerts"},
        Probe("sns", "get_topic_attributes", {"TopicArn": "{arn}"}, "Attributes.DisplayName"),
        "Leads",
        "Alerts",
    ),
    Case(
        "aws:sns/topicPolicy:TopicPolicy",
        lambda world: {"arn": topic(world), "policy": document()},
        {"policy": document(Id="two")},
        Probe("sns", "get_topic_attributes", {"TopicArn": "{arn}"}, "Attributes.Policy"),
        document(),
        document(Id="two"),
    ),
    Case(
        "aws:sns/topicSubscription:TopicSubscription",
        lambda world: {
            "topic": topic(world),
            "protocol": "sqs",
            "endpoint": queue(world),
            "rawMessageDelivery": True,
        },
        {"rawMessageDelivery": False},
        Probe("sns", "get_subscription_attributes", {"SubscriptionArn": "{arn}"}, "Attributes.RawMessageDelivery"),
        "true",
        "false",
    ),
    Case(
        "aws:dynamodb/table:Table",
        lambda world: {
            "billingMode": "PAY_PER_REQUEST",
            "hashKey": "leadId",
            "attributes": [{"name": "leadId", "type": "S"}, {"name": "status", "type": "S"}],
            "globalSecondaryIndexes": [{"name": "byStatus", "hashKey": "status", "projectionType": "ALL"}],
            "ttl": {"attributeName": "expires", "enabled": True},
            "pointInTimeRecovery": {"enabled": True},
            "serverSideEncryption": {"enabled": True},
            "deletionProtectionEnabled": True,
        },
        {"deletionProtectionEnabled": False},
        Probe(
            "dynamodb",
            "describe_table",
            {"TableName": "{name}"},
            "Table.[DeletionProtectionEnabled, GlobalSecondaryIndexes[0].IndexName, KeySchema[0].KeyType]",
        ),
        [True, "byStatus", "HASH"],
        [False, "byStatus", "HASH"],
    ),
    Case(
        "aws:iam/role:Role",
        lambda world: {"assumeRolePolicy": TRUST, "description": "one"},
        {"assumeRolePolicy": document(), "description": "two"},
        Probe("iam", "get_role", {"RoleName": "{name}"}, "Role.[AssumeRolePolicyDocument.Statement, Description]"),
        [[], "one"],
        [POLICY["Statement"], "two"],
    ),
    Case(
        "aws:iam/rolePolicy:RolePolicy",
        lambda world: {"role": make("aws:iam/role:Role", assumeRolePolicy=TRUST)(world), "policy": document()},
        {"policy": document(Id="two")},
        Probe("iam", "get_role_policy", {"RoleName": "{role}", "PolicyName": "{name}"}, "PolicyDocument.Id"),
        None,
        "two",
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda world: {
            "role": make("aws:iam/role:Role", assumeRolePolicy=TRUST)(world),
            "policyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        },
        {},
        Probe("iam", "list_attached_role_policies", {"RoleName": "{role}"}, "length(AttachedPolicies)"),
        1,
    ),
    Case(
        "aws:lambda/function:Function",
        lambda world: {
            "code": pulumi.AssetArchive({"index.py": pulumi.StringAsset(HANDLER)}),
            "handler": "index.handler",
            "runtime": "python3.12",
            "role": role(world),
            "timeout": 10.0,
            "environment": {"variables": {"leadTable": "leads"}},
            "reservedConcurrentExecutions": 5,
        },
        {"timeout": None, "environment": {"variables": {"leadTable": "others"}}},
        Probe(
            "lambda",
            "get_function",
            {"FunctionName": "{name}"},
            "[Configuration.Timeout, Configuration.Environment.Variables.leadTable, "
            "Concurrency.ReservedConcurrentExecutions]",
        ),
        [10, "leads", 5],
        [3, "others", 5],
    ),
    Case(
        "aws:lambda/permission:Permission",
        lambda world: {
            "function": function(world),
            "action": "lambda:InvokeFunction",
            "principal": "events.amazonaws.com",
            "sourceArn": "arn:aws:events:us-east-1:000000000000:rule/r",
        },
        {},
        Probe("lambda", "get_policy", {"FunctionName": "{function}"}, "contains(Policy, 'events.amazonaws.com')"),
        True,
    ),
    Case(
        "aws:lambda/functionUrl:FunctionUrl",
        lambda world: {
            "functionName": function(world),
            "authorizationType": "NONE",
            "cors": {"allowOrigins": ["*"]},
        },
        {"cors": {"allowOrigins": ["https://form"]}},
        Probe("lambda", "get_function_url_config", {"FunctionName": "{functionName}"}, "Cors.AllowOrigins"),
        ["*"],
        ["https://form"],
    ),
    Case(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        lambda world: {
            "functionName": function(world),
            "maximumRetryAttempts": 0,
            "destinationConfig": {"onFailure": {"destination": queue(world)}},
        },
        {"maximumRetryAttempts": 2},
        Probe(
            "lambda",
            "get_function_event_invoke_config",
            {"FunctionName": "{functionName}"},
            "MaximumRetryAttempts",
        ),
        0,
        2,
    ),
    Case(
        "aws:lambda/invocation:Invocation",
        lambda world: {"functionName": function(world), "input": '{"a": 1}'},
        {},
        Probe("lambda", "get_function", {"FunctionName": "{functionName}"}, "Configuration.Handler"),
        "index.handler",
        stays=True,
    ),
    Case(
        "aws:apigateway/restApi:RestApi",
        lambda world: {
            "body": BODY,
            "description": "one",
            "minimumCompressionSize": 1024,
            "endpointConfiguration": {"types": "REGIONAL"},
        },
        {"description": "two"},
        Probe("apigateway", "get_rest_api", {"restApiId": "{id}"}, "description"),
        "one",
        "two",
    ),
    Case(
        "aws:apigateway/deployment:Deployment",
        lambda world: {"restApi": api(world), "triggers": {"body": "1"}, "description": "one"},
        {"description": "two"},
        Probe("apigateway", "get_deployment", {"restApiId": "{restApi}", "deploymentId": "{id}"}, "description"),
        "one",
        "two",
    ),
    Case(
        "aws:apigateway/stage:Stage",
        lambda world: {
            **deployment(world),
            "stageName": "v1",
            "xrayTracingEnabled": True,
            "variables": {"a": "1"},
            "accessLogSettings": {"destinationArn": "arn:logs", "format": "f"},
        },
        {"xrayTracingEnabled": False, "variables": {"b": "2"}},
        stage_probe("[tracingEnabled, variables, accessLogSettings.destinationArn]"),
        [True, {"a": "1"}, "arn:logs"],
        [False, {"b": "2"}, "arn:logs"],
    ),
    Case(
        "aws:apigateway/methodSettings:MethodSettings",
        lambda world: {
            **stage(world),
            "methodPath": "*/*",
            "settings": {"throttlingRateLimit": 50.0, "throttlingBurstLimit": 100, "metricsEnabled": True},
        },
        {"settings": {"throttlingRateLimit": 60, "throttlingBurstLimit": -1, "metricsEnabled": False}},
        stage_probe('methodSettings."*/*".[throttlingRateLimit, throttlingBurstLimit, metricsEnabled]'),
        [50.0, 100, True],
        [60.0, None, False],
    ),
    Case(
        "aws:apigateway/apiKey:ApiKey",
        lambda world: {"description": "one", "tags": {"a": "1"}},
        {"description": "two"},
        Probe("apigateway", "get_api_key", {"apiKey": "{id}"}, "description"),
        "one",
        "two",
    ),
    Case(
        "aws:apigateway/usagePlan:UsagePlan",
        lambda world: {
            "throttleSettings": {"rateLimit": 10.0, "burstLimit": 20},
            "apiStages": [
                {
                    "apiId": "a",
                    "stage": "v1",
                    "throttles": [{"path": "/leads/POST", "rateLimit": 1, "burstLimit": 2}],
                }
            ],
        },
        {"description": "two", "throttleSettings": None},
        Probe(
            "apigateway",
            "get_usage_plan",
            {"usagePlanId": "{id}"},
            '[throttle.rateLimit, apiStages[0].throttle."/leads/POST".burstLimit]',
        ),
        [10.0, 2],
        [None, 2],
    ),
    Case(
        "aws:apigateway/usagePlanKey:UsagePlanKey",
        usage_plan_key,
        {},
        Probe("apigateway", "get_usage_plan_keys", {"usagePlanId": "{usagePlanId}"}, "length(items)"),
        1,
    ),
    Case(
        "aws:apigateway/account:Account",
        lambda world: {"cloudwatchRoleArn": role(world)},
        {"cloudwatchRoleArn": "arn:aws:iam::000000000000:role/other"},
        Probe("apigateway", "get_account", {}, "ends_with(cloudwatchRoleArn, 'role/other')"),
        False,
        True,
        stays=True,
    ),
    Case(
        "aws:sfn/stateMachine:StateMachine",
        lambda world: {
            "roleArn": role(world),
            "definition": json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
            "loggingConfiguration": {
                "level": "ALL",
                "logDestination": "arn:aws:logs:us-east-1:000000000000:log-group:g:*",
            },
        },
        {"loggingConfiguration": None},
        Probe(
            "stepfunctions",
            "describe_state_machine",
            {"stateMachineArn": "{arn}"},
            "loggingConfiguration.level",
        ),
        "ALL",
        "OFF",
    ),
    Case(
        "aws:secretsmanager/secret:Secret",
        lambda world: {"description": "one", "recoveryWindowInDays": 0},
        {"description": "two"},
        Probe("secretsmanager", "describe_secret", {"SecretId": "{arn}"}, "Description"),
        "one",
        "two",
    ),
    Case(
        "aws:secretsmanager/secretVersion:SecretVersion",
        lambda world: {"secretId": secret(world), "secretString": "open sesame"},
        {},
        Probe("secretsmanager", "get_secret_value", {"SecretId": "{secretId}"}, "SecretString"),
        "open sesame",
        stays=True,
    ),
    Case(
        "aws:rds/subnetGroup:SubnetGroup",
        lambda world: {"subnetIds": subnets(world), "description": "one"},
        {"description": "two"},
        Probe(
            "rds",
            "describe_db_subnet_groups",
            {"DBSubnetGroupName": "{name}"},
            "DBSubnetGroups[0].DBSubnetGroupDescription",
        ),
        "one",
        "two",
    ),
    Case(
        "aws:rds/parameterGroup:ParameterGroup",
        lambda world: {"family": "mariadb10.11", "parameters": [{"name": "max_connections", "value": "50"}]},
        {"parameters": [{"name": "max_connections", "value": "60"}]},
        Probe(
            "rds",
            "describe_db_parameters",
            {"DBParameterGroupName": "{name}"},
            "Parameters[?ParameterName=='max_connections'].ParameterValue",
        ),
        ["50"],
        ["60"],
    ),
    Case(
        "aws:rds/instance:Instance",
        lambda world: {
            "engine": "mariadb",
            "engineVersion": "10.11",
            "instanceClass": "db.t4g.micro",
            "allocatedStorage": 20,
            "dbName": "crm",
            "username": "admin",
            "manageMasterUserPassword": True,
            "skipFinalSnapshot": True,
        },
        {"instanceClass": "db.t4g.small"},
        Probe(
            "rds",
            "describe_db_instances",
            {"DBInstanceIdentifier": "{identifier}"},
            "DBInstances[0].[DBInstanceClass, Endpoint.Port]",
        ),
        ["db.t4g.micro", 34117],
        ["db.t4g.small", 34117],
    ),
    Case(
        "aws:ec2/vpc:Vpc",
        lambda world: {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "one"}},
        {"tags": {"Name": "two"}, "enableDnsHostnames": None},
        Probe("ec2", "describe_vpcs", {"VpcIds": ["{id}"]}, "Vpcs[0].Tags"),
        [{"Key": "Name", "Value": "one"}],
        [{"Key": "Name", "Value": "two"}],
    ),
    Case(
        "aws:ec2/subnet:Subnet",
        lambda world: {"vpcId": vpc(world), "cidrBlock": "10.0.1.0/24", "availabilityZone": "us-east-1b"},
        {"tags": {"Name": "two"}},
        Probe("ec2", "describe_subnets", {"SubnetIds": ["{id}"]}, "Subnets[0].[AvailabilityZone, Tags[0].Value]"),
        ["us-east-1b", None],
        ["us-east-1b", "two"],
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda world: {"vpcId": vpc(world), "tags": {"a": "1", "b": "2"}},
        {"tags": {"a": "1"}},
        Probe(
            "ec2",
            "describe_security_groups",
            {"GroupIds": ["{id}"]},
            "SecurityGroups[0].[Description, IpPermissionsEgress, length(Tags)]",
        ),
        ["Managed by Pulumi", [], 2],
        ["Managed by Pulumi", [], 1],
    ),
    rule_case("Ingress"),
    rule_case("Egress"),
    Case(
        "aws:ec2/routeTable:RouteTable",
        lambda world: {"vpcId": vpc(world)},
        {"tags": {"Name": "two"}},
        Probe("ec2", "describe_route_tables", {"RouteTableIds": ["{id}"]}, "RouteTables[0].Tags[0].Value"),
        None,
        "two",
    ),
    Case(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        association,
        {},
        Probe(
            "ec2",
            "describe_route_tables",
            {"RouteTableIds": ["{routeTableId}"]},
            "RouteTables[0].Associations[0].AssociationState.State",
        ),
        "associated",
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda world: {
            "vpcId": vpc(world),
            "serviceName": "com.amazonaws.us-east-1.secretsmanager",
            "vpcEndpointType": "Interface",
            "subnetIds": ["subnet-1"],
            "policy": document(),
        },
        {"subnetIds": ["subnet-2"], "policy": document(Id="two")},
        Probe("ec2", "describe_vpc_endpoints", {"VpcEndpointIds": ["{id}"]}, "VpcEndpoints[0].SubnetIds"),
        ["subnet-1"],
        ["subnet-2"],
    ),
]


def filled(value: Any, properties: Given) -> Any:
    if isinstance(value, str):
        return value.format_map(properties)
    if isinstance(value, list):
        return [filled(one, properties) for one in value]
    return {name: filled(one, properties) for name, one in value.items()} if isinstance(value, dict) else value


def ask(world: Any, probe: Probe, properties: Given) -> Any:
    answer = getattr(world.client(probe.service), probe.operation)(**filled(probe.parameters, properties))
    return jmespath.search(probe.path, answer)


def types(cases: Iterable[Case]) -> list[str]:
    return [case.type.rpartition(":")[2] for case in cases]


@pytest.mark.parametrize("case", CASES, ids=types(CASES))
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
