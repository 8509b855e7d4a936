"""Every function: its rights, its logs, its place in the network, its time."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from components import flow_definition, openapi
from components.database import CONNECTION_LIMITS, MIGRATION_CONNECTIONS, check_connection_budget
from components.errors import ConfigurationError
from components.function import LambdaFunctionArgs
from components.settings import RETENTION_DAYS
from handlers.backend import database
from handlers.orchestration import crm_client
from tests.components.graph import (
    ACCOUNT,
    FUNCTION,
    LOG_GROUP,
    PERMISSION,
    REGION,
    ROLE,
    ROLE_POLICY,
    Graph,
    Resource,
    stack_config,
)

BACKENDS = ("api-create-client", "api-create-partner", "api-create-benefit", "api-get-client")
IN_THE_VPC = {*BACKENDS, "api-migrations"}
STEPS = ("flow-create-client", "flow-create-partner", "flow-create-benefit")
MAX_ENVIRONMENT_BYTES = 4096  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

TABLE = "arn:aws:dynamodb:{region}:{account}:table/{prefix}-leads-table-1234567"
BUS = "arn:aws:events:{region}:{account}:event-bus/{prefix}-leads"
TOPIC = "arn:aws:sns:{region}:{account}:{prefix}-alerts-topic-1234567"
QUEUE = "arn:aws:sqs:{region}:{account}:{prefix}-leads-dead-letters-1234567"
FINGERPRINT_KEY = "arn:aws:kms:{region}:{account}:key/{prefix}-leads-fingerprint-key-1234567"
FINGERPRINT = (FINGERPRINT_KEY, "kms:GenerateMac")
ALERT_KEY = "arn:aws:kms:{region}:{account}:key/{prefix}-alerts-key-1234567"
KEY = "arn:aws:secretsmanager:{region}:{account}:secret:{prefix}-api-key-secret-1234567"
APP_USER = "arn:aws:secretsmanager:{region}:{account}:secret:{prefix}-crm-app-user-1234567"
READ = "secretsmanager:GetSecretValue"
STEP_RIGHTS = {(TABLE, "dynamodb:GetItem"), (TABLE, "dynamodb:UpdateItem"), (KEY, READ)}
# Function -> what it may do beyond its own logs and its network interfaces.
RIGHTS: dict[str, set[tuple[str, str]]] = {
    "intake-submit-lead": {
        (BUS, "events:PutEvents"),
        (TABLE, "dynamodb:PutItem"),
        (TABLE, "dynamodb:DeleteItem"),
        (TABLE, "dynamodb:UpdateItem"),
        FINGERPRINT,
    },
    "intake-get-lead": {(TABLE, "dynamodb:GetItem")},
    "form": set(),
    "flow-receive-lead": {(TABLE, "dynamodb:UpdateItem"), FINGERPRINT, (QUEUE, "sqs:SendMessage")},
    "flow-catch-errors": {
        (TABLE, "dynamodb:UpdateItem"),
        FINGERPRINT,
        (QUEUE, "sqs:SendMessage"),
        (TOPIC, "sns:Publish"),
        (ALERT_KEY, "kms:GenerateDataKey"),
        (ALERT_KEY, "kms:Decrypt"),
    },
    "lead-age": {(f"{TABLE}/index/unfinished", "dynamodb:Query"), (TABLE, "dynamodb:GetItem")},
    **dict.fromkeys(STEPS, STEP_RIGHTS),
    **{name: {(APP_USER, READ)} for name in BACKENDS},
    "api-migrations": {
        ("{owner}", READ),
        (APP_USER, READ),
        (APP_USER, "secretsmanager:PutSecretValue"),
    },
}


def rights(graph: Graph, function: Resource) -> Iterator[tuple[str, str]]:
    for statement in graph.statements_of(function):
        if statement["Effect"] == "Allow":
            yield from itertools.product(statement["Resource"], statement["Action"])


def test_every_function_may_do_exactly_what_it_needs(graph: Graph) -> None:
    functions = graph.functions()
    owner = functions["api-migrations"].inputs["environment"]["variables"]["DATABASE_OWNER_SECRET_ARN"]
    names = {"region": REGION, "account": ACCOUNT, "prefix": graph.prefix, "owner": owner}
    for name, function in functions.items():
        expected = {(resource.format(**names), action) for resource, action in RIGHTS[name]}
        logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{function.inputs['name']}:*"
        expected |= {(logs, "logs:CreateLogStream"), (logs, "logs:PutLogEvents")}
        found = {right for right in rights(graph, function) if right[0] != "*"}
        assert found == expected, name


def test_network_interfaces_are_only_for_functions_in_the_vpc(graph: Graph) -> None:
    with_interfaces = {
        name
        for name, function in graph.functions().items()
        if any(action.startswith("ec2:") for _, action in rights(graph, function))
    }
    assert with_interfaces == IN_THE_VPC


def test_every_function_has_a_role_of_its_own_that_lambda_alone_can_take(graph: Graph) -> None:
    functions = graph.functions()
    assert len({function.inputs["role"] for function in functions.values()}) == len(functions)
    for function in functions.values():
        component = graph.parent_of(function)
        assert component is not None
        (role,) = graph.children_of(component, ROLE)
        assert function.inputs["role"] == role.outputs["arn"]
        (statement,) = role.document("assumeRolePolicy")["Statement"]
        assert statement == {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }


def test_a_role_has_its_rights_before_its_function_runs(graph: Graph) -> None:
    for name, function in graph.functions().items():
        component = graph.parent_of(function)
        assert component is not None
        (policy,) = graph.children_of(component, ROLE_POLICY)
        assert policy.urn in function.dependencies, name


def test_every_function_logs_to_a_group_of_its_own_that_forgets(graph: Graph) -> None:
    for function in graph.functions().values():
        component = graph.parent_of(function)
        assert component is not None
        (group,) = graph.children_of(component, LOG_GROUP)
        assert group.inputs["name"] == f"/aws/lambda/{function.inputs['name']}"
        assert function.inputs["loggingConfig"]["logGroup"] == group.inputs["name"]


def test_every_log_group_keeps_its_logs_as_long_as_the_stack_says(graph: Graph) -> None:
    days = json.loads(stack_config(graph.prefix.rpartition("-")[2])["leadbridge:logRetentionDays"])
    assert {group.inputs["retentionInDays"] for group in graph.of(LOG_GROUP)} == {days}
    assert days in RETENTION_DAYS


def test_the_backends_run_in_private_subnets_and_everything_else_outside_the_vpc(graph: Graph) -> None:
    subnets = [f"{each.name}-id" for each in graph.of("aws:ec2/subnet:Subnet")]
    for name, function in graph.functions().items():
        place = function.inputs.get("vpcConfig")
        assert (place is not None) == (name in IN_THE_VPC), name
        if place:
            assert sorted(place["subnetIds"]) == sorted(subnets)
            assert place["securityGroupIds"] == [f"{graph.prefix}-network-functions-id"]


def test_nothing_leads_from_the_subnets_to_the_internet(graph: Graph) -> None:
    ways_out = ("internetGateway", "natGateway", "egressOnlyInternetGateway", "ec2/route:", "eip")
    assert not [each.name for each in graph.resources if any(way in each.type for way in ways_out)]
    assert not [each.name for each in graph.of("aws:ec2/subnet:Subnet") if each.inputs.get("mapPublicIpOnLaunch")]


def test_the_network_lets_the_functions_reach_secrets_and_the_database_and_nothing_else(dev: Graph) -> None:
    out = {
        (each.inputs["referencedSecurityGroupId"], each.inputs["fromPort"], each.inputs["toPort"])
        for each in dev.of("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    }
    assert out == {
        ("leadbridge-dev-network-endpoints-id", 443, 443),
        ("leadbridge-dev-network-database-id", 3306, 3306),
    }
    sources = {
        each.inputs["referencedSecurityGroupId"]
        for each in dev.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    }
    assert sources == {"leadbridge-dev-network-functions-id"}
    for group in dev.of("aws:ec2/securityGroup:SecurityGroup"):
        assert not {"ingress", "egress"} & set(group.inputs), "inline rules would fight with the separate ones"


def test_on_premise_the_functions_reach_the_databases_network_on_its_port_alone(graph_of: Any) -> None:
    rule = graph_of("local").one("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "network-database-out")
    assert (rule.inputs["cidrIpv4"], rule.inputs["fromPort"], rule.inputs["toPort"]) == (
        "127.0.0.1/32",
        34117,
        34117,
    )


def test_every_call_ends_before_its_caller_gives_up(graph: Graph) -> None:
    timeouts = {name: function.inputs["timeout"] for name, function in graph.functions().items()}
    gateway = openapi.INTEGRATION_TIMEOUT_MS / 1000
    assert database.LOCK_WAIT_TIMEOUT < database.STATEMENT_TIMEOUT
    for name in BACKENDS:
        assert database.STATEMENT_TIMEOUT < timeouts[name] < crm_client.READ_TIMEOUT < gateway, name
        assert timeouts[name] > database.CONNECT_TIMEOUT + database.STATEMENT_TIMEOUT, name
    for name in ("intake-submit-lead", "intake-get-lead"):
        assert timeouts[name] < gateway, name
    for name in (*STEPS, "flow-receive-lead", "flow-catch-errors"):
        assert timeouts[name] < flow_definition.TASK_TIMEOUT, name
    for name in STEPS:
        # the key may turn out to be stale: the call is made twice
        assert timeouts[name] > 2 * (crm_client.CONNECT_TIMEOUT + crm_client.READ_TIMEOUT), name


def test_the_gateway_waits_as_long_as_the_timeouts_reckon_with(dev: Graph) -> None:
    paths = dev.one("aws:apigateway/restApi:RestApi").document("body")["paths"]
    waits = {
        operation["x-amazon-apigateway-integration"]["timeoutInMillis"]
        for item in paths.values()
        for operation in item.values()
        if operation["x-amazon-apigateway-integration"]["type"] == "aws_proxy"
    }
    assert waits == {openapi.INTEGRATION_TIMEOUT_MS}


def test_the_backends_can_not_exhaust_the_databases_connections(graph: Graph) -> None:
    functions = graph.functions()
    wanted = sum(functions[name].inputs["reservedConcurrentExecutions"] for name in BACKENDS)
    instances = graph.of("aws:rds/instance:Instance")
    limit = CONNECTION_LIMITS[instances[0].inputs["instanceClass"]] if instances else 100
    assert 0 < wanted + MIGRATION_CONNECTIONS <= limit


@pytest.mark.parametrize(("concurrency", "fits"), [(24, True), (25, False)])
def test_the_connection_budget_counts_every_function_and_the_migrations(concurrency: int, fits: bool) -> None:
    arguments = {"functions": 4, "concurrency": concurrency, "limit": 4 * 24 + MIGRATION_CONNECTIONS}
    if fits:
        check_connection_budget(**arguments)
    else:
        with pytest.raises(ConfigurationError, match=r"want 102 connections, the database allows 98.*to 24"):
            check_connection_budget(**arguments)


def test_only_the_backends_and_the_page_reserve_concurrency(graph: Graph) -> None:
    reserved = {name for name, each in graph.functions().items() if "reservedConcurrentExecutions" in each.inputs}
    assert reserved == {*BACKENDS, "form"}


def test_the_environment_of_a_function_is_small_and_leaves_awss_own_names_alone(graph: Graph) -> None:
    for name, function in graph.functions().items():
        variables = function.inputs.get("environment", {}).get("variables", {})
        assert len(json.dumps(variables).encode()) < MAX_ENVIRONMENT_BYTES, name
        assert not [variable for variable in variables if variable.startswith(("AWS_", "LAMBDA_"))], name


def test_the_api_key_stands_in_no_functions_environment(graph: Graph) -> None:
    key = graph.outputs["api_key"]
    holders = [
        name for name, each in graph.functions().items() if key in json.dumps(each.inputs.get("environment"))
    ]
    assert not holders, "a key in an environment can be read by whoever may describe the function"
    for name in STEPS:
        assert "CRM_API_KEY_SECRET_ARN" in graph.function(name).inputs["environment"]["variables"]


def test_every_service_may_call_for_one_source_only_and_only_the_page_is_public(graph: Graph) -> None:
    public = {
        each.name.removeprefix(f"{graph.prefix}-")
        for each in graph.of(PERMISSION)
        if "sourceArn" not in each.inputs
    }
    assert public == {"form-public-url", "form-public-invoke"}, "the page is for everybody, through its URL"
    url, invoke = (graph.one(PERMISSION, f"form-{name}").inputs for name in ("public-url", "public-invoke"))
    assert url["functionUrlAuthType"] == "NONE"
    assert invoke["invokedViaFunctionUrl"] is True


def test_every_call_of_a_lead_is_traced_in_the_flow_and_the_functions(graph: Graph) -> None:
    assert {each.inputs["tracingConfig"]["mode"] for each in graph.of(FUNCTION)} == {"Active"}
    assert graph.one("aws:sfn/stateMachine:StateMachine").inputs["tracingConfiguration"] == {"enabled": True}
    for name, function in graph.functions().items():
        assert ("*", "xray:PutTraceSegments") in set(rights(graph, function)), name


def test_every_function_runs_the_same_runtime_on_the_same_architecture(graph: Graph) -> None:
    found = {(each.inputs["runtime"], *each.inputs["architectures"]) for each in graph.of(FUNCTION)}
    assert found == {("python3.13", "arm64")}


@pytest.mark.parametrize("timeout", [0, -1, 901])
def test_a_timeout_that_lambda_does_not_allow_is_refused(timeout: int) -> None:
    with pytest.raises(ValueError, match="Lambda allows 1 to 900"):
        LambdaFunctionArgs(
            handler="handlers.x.handler", code=None, description="", timeout=timeout, log_retention_days=1
        )


def test_rows_are_removable_only_where_the_stack_is_not_protected(graph: Graph) -> None:
    protected = stack_config(graph.prefix.rpartition("-")[2])["leadbridge:protect"]
    variables = graph.functions()["api-migrations"].inputs["environment"]["variables"]
    assert variables["TEST_ROWS"] == ("protected" if str(protected).lower() == "true" else "removable")
