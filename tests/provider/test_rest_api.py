"""REST APIs made from a document answer requests as the document says, also while they are changed."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from local_cloud.engine.provider import CheckFailed
from local_cloud.provider import AwsProvider

REST_API = "aws:apigateway/restApi:RestApi"
HANDLER = """
import json

def handler(event, context):
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps({
        "resource": event["resource"], "method": event["httpMethod"],
        "parameters": event["pathParameters"], "body": event["body"]})}
"""
ROLE = "arn:aws:iam::000000000000:role/any"
KEY = {"api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"}}


@pytest.fixture
def uri(world: Any) -> str:
    made = world.make(
        "aws:lambda/function:Function",
        code=pulumi.AssetArchive({"index.py": pulumi.StringAsset(HANDLER)}),
        handler="index.handler",
        runtime="python3.12",
        role=ROLE,
    )
    invoke_arn: str = made["invokeArn"]
    return invoke_arn


def wrong_method(allowed: str, status: str = "405") -> dict[str, Any]:
    body = '{"statusCode": 405, "message": "METHOD_NOT_ALLOWED"}'
    return {
        "responses": {
            status: {"description": "wrong method", "headers": {"Allow": {"schema": {"type": "string"}}}}
        },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 405}'},
            "responses": {
                "default": {
                    "statusCode": status,
                    "responseParameters": {"method.response.header.Allow": f"'{allowed}'"},
                    "responseTemplates": {"application/json": body},
                }
            },
        },
    }


def document(uri: str) -> dict[str, Any]:
    proxy = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Client"}}}}
    answers = {"200": {"description": "fine"}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "crm", "version": "1"},
        "paths": {
            "/create_client": {
                "post": {
                    "operationId": "createClient",
                    "security": [{"api_key": []}],
                    "requestBody": body,
                    "responses": answers,
                    "x-amazon-apigateway-request-validator": "bodies",
                    "x-amazon-apigateway-integration": proxy,
                },
                "x-amazon-apigateway-any-method": wrong_method("POST"),
            },
            "/clients/{rut}": {
                "get": {
                    "operationId": "getClient",
                    "parameters": [{"name": "rut", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "responses": answers,
                    "x-amazon-apigateway-integration": proxy,
                }
            },
        },
        "components": {
            "securitySchemes": KEY,
            "schemas": {
                "Client": {
                    "type": "object",
                    "required": ["rut"],
                    "properties": {"rut": {"$ref": "#/components/schemas/Rut"}},
                },
                "Rut": {"type": "string", "pattern": "^[0-9]{7,8}-[0-9Kk]$"},
            },
        },
        "x-amazon-apigateway-request-validators": {"bodies": {"validateRequestBody": True}},
        "x-amazon-apigateway-gateway-responses": {
            "MISSING_AUTHENTICATION_TOKEN": {
                "statusCode": 404,
                "responseTemplates": {"application/json": '{"statusCode": 404, "message": "NOT_FOUND"}'},
            }
        },
    }


def deployed(world: Any, body: dict[str, Any]) -> tuple[Any, Any]:
    """The API, and a stage of it."""
    api = world.make(REST_API, body=json.dumps(body))
    deployment = world.make("aws:apigateway/deployment:Deployment", restApi=api["id"], triggers={"body": "1"})
    stage = world.make(
        "aws:apigateway/stage:Stage", restApi=api["id"], deployment=deployment["id"], stageName="v1"
    )
    return api, stage


def key_for(world: Any, stage: Any) -> str:
    plan = world.make(
        "aws:apigateway/usagePlan:UsagePlan", apiStages=[{"apiId": stage["restApi"], "stage": stage["stageName"]}]
    )
    key = world.make("aws:apigateway/apiKey:ApiKey")
    world.make(
        "aws:apigateway/usagePlanKey:UsagePlanKey", usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY"
    )
    value: str = key["value"]
    return value


def test_requests_reach_the_function_that_the_document_names(world: Any, uri: str, http: Any) -> None:
    _, stage = deployed(world, document(uri))
    assert stage["invokeUrl"].startswith(world.endpoint)
    reply = http("GET", stage["invokeUrl"] + "/clients/11111111-1")
    assert reply.status == 200
    assert json.loads(reply.body)["parameters"] == {"rut": "11111111-1"}


def test_a_secured_operation_answers_403_without_a_key_and_200_with_one(world: Any, uri: str, http: Any) -> None:
    _, stage = deployed(world, document(uri))
    key = key_for(world, stage)
    url, body = stage["invokeUrl"] + "/create_client", '{"rut": "11111111-1"}'
    assert http("POST", url, body, content_type="application/json").status == 403
    assert http("POST", url, body, content_type="application/json", x_api_key="k" * 20).status == 403
    assert http("POST", url, body, content_type="application/json", x_api_key=key).status == 200


def test_a_body_against_the_schema_is_refused_by_the_gateway(world: Any, uri: str, http: Any) -> None:
    _, stage = deployed(world, document(uri))
    key = key_for(world, stage)
    reply = http("POST", stage["invokeUrl"] + "/create_client", '{"rut": "1"}', x_api_key=key)
    assert (reply.status, json.loads(reply.body)["message"]) == (400, "Invalid request body")


def test_a_wrong_method_answers_405_with_allow(world: Any, uri: str, http: Any) -> None:
    _, stage = deployed(world, document(uri))
    reply = http("PUT", stage["invokeUrl"] + "/create_client", "{}")
    assert (reply.status, reply.headers["Allow"]) == (405, "POST")
    assert json.loads(reply.body)["message"] == "METHOD_NOT_ALLOWED"


def test_an_unknown_path_answers_with_the_gateway_response_of_the_document(
    world: Any, uri: str, http: Any
) -> None:
    _, stage = deployed(world, document(uri))
    reply = http("GET", stage["invokeUrl"] + "/nothing")
    assert (reply.status, json.loads(reply.body)["message"]) == (404, "NOT_FOUND")


def changing(seen: list[str]) -> list[str]:
    return [name for name in seen if not name.startswith("Get")]


def test_an_unchanged_document_is_applied_without_touching_anything(world: Any, uri: str, calls: Any) -> None:
    api = world.make(REST_API, body=json.dumps(document(uri)))
    seen = calls("apigateway")
    changed = document(uri)
    changed["info"]["title"] = "another title"
    changed["components"]["schemas"]["Rut"]["description"] = "a tax id"
    world.change(REST_API, api, body=json.dumps(changed))
    assert changing(seen) == []


CHANGES: list[tuple[str, Callable[[dict[str, Any]], Any], list[str]]] = [
    (
        "a new integration",
        lambda it: it["paths"]["/clients/{rut}"]["get"].update(
            {"x-amazon-apigateway-integration": {"type": "http_proxy", "httpMethod": "GET", "uri": "http://e"}}
        ),
        ["PutIntegration"],
    ),
    (
        "a new header of a mock",
        lambda it: it["paths"]["/create_client"].update(
            {"x-amazon-apigateway-any-method": wrong_method("POST, HEAD")}
        ),
        ["PutIntegrationResponse"],
    ),
    (
        "a new status of a mock",
        lambda it: it["paths"]["/create_client"].update(
            {"x-amazon-apigateway-any-method": wrong_method("POST", "404")}
        ),
        ["PutIntegrationResponse", "DeleteIntegrationResponse", "PutMethodResponse", "DeleteMethodResponse"],
    ),
    (
        "a new pattern in a schema",
        lambda it: it["components"]["schemas"]["Rut"].update({"pattern": "^[0-9]+$"}),
        ["UpdateModel"],
    ),
    (
        "a new gateway response",
        lambda it: it["x-amazon-apigateway-gateway-responses"].update({"THROTTLED": {"statusCode": 429}}),
        ["PutGatewayResponse"],
    ),
    (
        "a path less",
        lambda it: it["paths"].pop("/clients/{rut}"),
        ["DeleteMethod", "DeleteResource", "DeleteResource"],
    ),
    (
        "a key less",
        lambda it: it["paths"]["/create_client"]["post"].update({"security": []}),
        ["UpdateMethod"],
    ),
    (
        "a key more",
        lambda it: it["paths"]["/clients/{rut}"]["get"].update({"security": [{"api_key": []}]}),
        ["UpdateMethod"],
    ),
    (
        "a parameter that is not required",
        lambda it: it["paths"]["/clients/{rut}"]["get"]["parameters"].append({"name": "page", "in": "query"}),
        ["UpdateMethod"],
    ),
    (
        "a validator less",
        lambda it: (
            it.pop("x-amazon-apigateway-request-validators"),
            it["paths"]["/create_client"]["post"].pop("x-amazon-apigateway-request-validator"),
        ),
        ["PutMethod", "PutIntegration", "DeleteModel", "DeleteRequestValidator"],
    ),
    (
        "a validator that looks at more",
        lambda it: it["x-amazon-apigateway-request-validators"]["bodies"].update(
            {"validateRequestParameters": True}
        ),
        ["UpdateRequestValidator"],
    ),
    (
        "a gateway response less",
        lambda it: it.pop("x-amazon-apigateway-gateway-responses"),
        ["DeleteGatewayResponse"],
    ),
]


@pytest.mark.parametrize(("edit", "expected"), [change[1:] for change in CHANGES], ids=[one[0] for one in CHANGES])
def test_a_change_of_the_document_touches_only_what_differs(
    world: Any,
    uri: str,
    calls: Any,
    edit: Callable[[dict[str, Any]], Any],
    expected: list[str],
) -> None:
    api = world.make(REST_API, body=json.dumps(document(uri)))
    seen = calls("apigateway")
    changed = document(uri)
    edit(changed)
    _, api = world.change(REST_API, api, body=json.dumps(changed))
    assert changing(seen) == expected
    seen.clear()
    world.change(REST_API, api, body=json.dumps(changed | {"info": {"title": "t", "version": "2"}}))
    assert changing(seen) == [], "the API is now what the document says"


def test_requests_succeed_while_the_api_is_updated(world: Any, uri: str, http: Any) -> None:
    body = document(uri)
    api, stage = deployed(world, body)
    url, stop = stage["invokeUrl"] + "/clients/11111111-1", threading.Event()
    statuses: list[int] = [http("GET", url).status]

    def ask() -> None:
        while not stop.is_set():
            statuses.append(http("GET", url).status)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for number in itertools.count():
            if len(statuses) > 20:
                break
            body["paths"][f"/path_{number}"] = body["paths"]["/clients/{rut}"]
            body["paths"].pop(f"/path_{number - 1}", None)
            _, api = world.change(REST_API, api, body=json.dumps(body))
    finally:
        stop.set()
        asking.join()
    assert number > 1, "the API was updated meanwhile"
    assert set(statuses) == {200}


def test_a_new_gateway_response_is_live_once_its_deployment_is(world: Any, uri: str, http: Any) -> None:
    body = document(uri)
    api, stage = deployed(world, body)
    body["x-amazon-apigateway-gateway-responses"]["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] = 410
    world.change(REST_API, api, body=json.dumps(body))
    assert http("GET", stage["invokeUrl"] + "/nothing").status == 404
    deployment = world.make("aws:apigateway/deployment:Deployment", restApi=api["id"], triggers={"body": "2"})
    inputs = {"restApi": api["id"], "deployment": deployment["id"], "stageName": "v1"}
    diff, _ = world.change("aws:apigateway/stage:Stage", stage, **inputs)
    assert diff.changed == ("deployment",)
    assert http("GET", stage["invokeUrl"] + "/nothing").status == 410


def test_a_document_that_cannot_be_translated_is_refused_before_anything_is_made(provider: AwsProvider) -> None:
    body = document("arn") | {"x-amazon-apigateway-policy": {}}
    with pytest.raises(
        CheckFailed, match=r"crm \(aws:apigateway/restApi:RestApi\): body: x-amazon-apigateway-policy"
    ):
        provider.check(
            REST_API, f"urn:pulumi:local::leadbridge::{REST_API}::crm", None, {"body": json.dumps(body)}
        )


def test_a_disabled_key_is_refused(world: Any, uri: str, http: Any) -> None:
    _, stage = deployed(world, document(uri))
    plan = world.make("aws:apigateway/usagePlan:UsagePlan", apiStages=[{"apiId": stage["restApi"], "stage": "v1"}])
    key = world.make("aws:apigateway/apiKey:ApiKey")
    world.make(
        "aws:apigateway/usagePlanKey:UsagePlanKey", usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY"
    )
    url, body = stage["invokeUrl"] + "/create_client", '{"rut": "11111111-1"}'
    assert http("POST", url, body, x_api_key=key["value"]).status == 200
    world.change("aws:apigateway/apiKey:ApiKey", key, enabled=False)
    assert http("POST", url, body, x_api_key=key["value"]).status == 403


def test_throttling_of_one_method_leaves_the_others_alone(
    world: Any, provider: AwsProvider, uri: str, http: Any
) -> None:
    _, stage = deployed(world, document(uri))
    type_, settings = "aws:apigateway/methodSettings:MethodSettings", {"throttlingRateLimit": 0.001}
    made = world.make(
        type_,
        restApi=stage["restApi"],
        stageName="v1",
        methodPath="~1clients~1{rut}/GET",
        settings={**settings, "throttlingBurstLimit": 1},
    )
    url = stage["invokeUrl"]
    assert [http("GET", url + "/clients/1").status for _ in range(2)] == [200, 429]
    assert [http("PUT", url + "/create_client").status for _ in range(2)] == [405, 405]
    provider.delete(type_, made["id"], made["__inputs"], made)
    assert [http("GET", url + "/clients/1").status for _ in range(2)] == [200, 200]
