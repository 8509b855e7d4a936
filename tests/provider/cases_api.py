"""REST APIs, each with its way of life."""

from __future__ import annotations

from typing import Any

from tests.provider.lifecycle import BODY, Case, Given, Probe, api, role


def deployment(world: Any) -> Given:
    rest_api = api(world)
    return {
        "restApi": rest_api,
        "deployment": world.make("aws:apigateway/deployment:Deployment", restApi=rest_api)["id"],
    }


def stage(world: Any) -> Given:
    made = world.make("aws:apigateway/stage:Stage", **deployment(world), stageName="v1")
    return {"restApi": made["restApi"], "stageName": "v1"}


def usage_plan_key(world: Any) -> Given:
    return {
        "usagePlanId": world.make("aws:apigateway/usagePlan:UsagePlan")["id"],
        "keyId": world.make("aws:apigateway/apiKey:ApiKey")["id"],
        "keyType": "API_KEY",
    }


def stage_probe(path: str) -> Probe:
    return Probe("apigateway", "get_stage", {"restApiId": "{restApi}", "stageName": "{stageName}"}, path)


CASES = [
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
]
