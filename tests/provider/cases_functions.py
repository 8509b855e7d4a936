"""Tables, roles, functions, state machines, secrets, each with its way of life."""

from __future__ import annotations

import json

import pulumi

from tests.provider.lifecycle import (
    HANDLER,
    POLICY,
    TRUST,
    Case,
    Probe,
    document,
    function,
    make,
    queue,
    role,
    secret,
)

CASES = [
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
]
