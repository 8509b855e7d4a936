"""An OpenAPI document as the REST API that it asks for; nothing here needs a cloud."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_cloud.engine.provider import CheckFailed
from local_cloud.provider.openapi import Integration, Response, RestApi, Validator, translate

LAMBDA = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations"
PROXY = {"type": "aws_proxy", "httpMethod": "POST", "uri": LAMBDA}
KEY = {"api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"}}


def document(operation: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    """One operation, `POST /leads`, and whatever else the test is about."""
    made = {"x-amazon-apigateway-integration": PROXY, **(operation or {})}
    return {
        "openapi": "3.0.1",
        "info": {"title": "t", "version": "1"},
        "paths": {"/leads": {"post": made}},
    } | parts


def translated(operation: dict[str, Any] | None = None, **parts: Any) -> RestApi:
    return translate(json.dumps(document(operation, **parts)))


def post(api: RestApi) -> Any:
    return api.methods["/leads", "POST"]


def test_an_operation_is_a_method_with_its_integration() -> None:
    method = post(translated({"operationId": "submitLead"}))
    assert method.operation == "submitLead"
    assert method.integration == Integration(type="AWS_PROXY", http_method="POST", uri=LAMBDA)


def test_a_key_is_required_where_the_security_says_so() -> None:
    components = {"securitySchemes": KEY}
    assert post(translated({"security": [{"api_key": []}]}, components=components)).api_key_required
    assert not post(translated(components=components)).api_key_required


def test_an_operation_can_lift_the_security_of_the_document() -> None:
    everywhere = {"components": {"securitySchemes": KEY}, "security": [{"api_key": []}]}
    assert post(translated(**everywhere)).api_key_required
    assert not post(translated({"security": []}, **everywhere)).api_key_required


def test_any_method_answers_what_the_path_does_not_name() -> None:
    mock = {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 405}'},
        "responses": {
            "default": {
                "statusCode": "405",
                "responseParameters": {"method.response.header.Allow": "'POST'"},
                "responseTemplates": {"application/json": "{}"},
            }
        },
    }
    responses = {"405": {"description": "wrong method", "headers": {"Allow": {"schema": {"type": "string"}}}}}
    made = document()
    made["paths"]["/leads"]["x-amazon-apigateway-any-method"] = {
        "responses": responses,
        "x-amazon-apigateway-integration": mock,
    }
    method = translate(json.dumps(made)).methods["/leads", "ANY"]
    assert method.integration.responses == (
        Response(
            status="405",
            parameters={"method.response.header.Allow": "'POST'"},
            templates={"application/json": "{}"},
        ),
    )
    assert method.responses == {"405": {"method.response.header.Allow": False}}


def test_a_header_that_only_the_integration_sets_is_declared_too() -> None:
    made = {"statusCode": 204, "responseParameters": {"method.response.header.Vary": "'Origin'"}}
    mock = {"type": "mock", "responses": {"default": made}}
    method = post(translated({"x-amazon-apigateway-integration": mock}))
    assert method.responses == {"204": {"method.response.header.Vary": False}}


def test_parameters_of_the_path_and_the_operation_are_joined() -> None:
    made = document({"parameters": [{"$ref": "#/components/parameters/Page"}, {"name": "trace", "in": "header"}]})
    made["paths"]["/leads"]["parameters"] = [{"name": "leadId", "in": "path", "required": True}]
    made["components"] = {"parameters": {"Page": {"name": "page", "in": "query", "required": True}}}
    assert post(translate(json.dumps(made))).parameters == {
        "method.request.path.leadId": True,
        "method.request.querystring.page": True,
        "method.request.header.trace": False,
    }


LEAD = {
    "type": "object",
    "description": "a lead",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "maxLength": 100, "example": "alice"},
        "description": {"type": "string", "nullable": True},
        "store": {"$ref": "#/components/schemas/Store"},
    },
}
STORE = {"type": "string", "nullable": True, "enum": ["A", "B"], "x-note": "of a client"}
BODY = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Lead"}}}}
SCHEMAS = {"schemas": {"Lead": LEAD, "Store": STORE, "Unused": {"type": "string"}}}
VALIDATORS = {
    "all": {"validateRequestBody": True, "validateRequestParameters": True},
    "some": {"validateRequestBody": False, "validateRequestParameters": True},
}


def test_bodies_have_models_where_a_validator_looks_at_them() -> None:
    parts = {"components": SCHEMAS, "x-amazon-apigateway-request-validators": VALIDATORS}
    api = translated({"requestBody": BODY, "x-amazon-apigateway-request-validator": "all"}, **parts)
    assert api.validators["all"] == Validator(body=True, parameters=True)
    assert post(api).models == {"application/json": "Lead"}
    api = translated({"requestBody": BODY, "x-amazon-apigateway-request-validator": "some"}, **parts)
    assert (post(api).models, api.models) == ({}, {})
    api = translated({"requestBody": BODY}, **parts, **{"x-amazon-apigateway-request-validator": "all"})
    assert post(api).validator == "all", "the document's validator holds where the operation has none"


def test_a_model_is_draft_4_and_holds_all_that_it_refers_to() -> None:
    api = translated(
        {"requestBody": BODY},
        components=SCHEMAS,
        **{"x-amazon-apigateway-request-validators": VALIDATORS, "x-amazon-apigateway-request-validator": "all"},
    )
    assert json.loads(api.models["Lead"]) == {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "maxLength": 100},
            "description": {"type": ["string", "null"]},
            "store": {"$ref": "#/definitions/Store"},
        },
        "definitions": {"Store": {"type": ["string", "null"], "enum": ["A", "B", None]}},
    }


def test_a_schema_without_a_name_gets_that_of_its_operation() -> None:
    inline = {"content": {"application/json": {"schema": {"type": "object"}}}}
    parts = {"x-amazon-apigateway-request-validators": VALIDATORS, "x-amazon-apigateway-request-validator": "all"}
    assert set(translated({"requestBody": inline, "operationId": "submitLead"}, **parts).models) == {
        "submitLeadBody"
    }
    with pytest.raises(CheckFailed, match="operationId"):
        translated({"requestBody": inline}, **parts)


def test_gateway_responses_are_taken_as_they_are() -> None:
    declared = {"DEFAULT_4XX": {"statusCode": 400, "responseTemplates": {"application/json": "{}"}}}
    made = translated(**{"x-amazon-apigateway-gateway-responses": declared}).gateway_responses["DEFAULT_4XX"]
    assert (made.status, made.templates) == ("400", {"application/json": "{}"})


REFUSED = [
    ({}, {"openapi": "3.1.0"}, "openapi is '3.1.0'"),
    ({}, {"x-amazon-apigateway-cors": {}}, "x-amazon-apigateway-cors"),
    ({"x-amazon-apigateway-auth": {}}, {}, r"paths\./leads\.post\.x-amazon-apigateway-auth"),
    ({"x-amazon-apigateway-integration": {**PROXY, "connectionType": "VPC_LINK"}}, {}, "connectionType"),
    ({"x-amazon-apigateway-integration": {"type": "aws_proxy"}}, {}, "needs a uri"),
    ({"x-amazon-apigateway-integration": {"type": "grpc"}}, {}, "type is 'grpc'"),
    ({"x-amazon-apigateway-integration": {**PROXY, "uri": "${stageVariables.f}"}}, {}, "stage variables"),
    ({"x-amazon-apigateway-request-validator": "none"}, {}, "'none' is not defined"),
    ({"security": [{"oauth": []}]}, {}, "'oauth' is not defined"),
    (
        {"security": [{"oauth": []}]},
        {"components": {"securitySchemes": {"oauth": {"type": "oauth2"}}}},
        r"securitySchemes\.oauth: .*type oauth2",
    ),
    ({"security": [{}, {"api_key": []}]}, {"components": {"securitySchemes": KEY}}, "optional security"),
    ({"parameters": [{"name": "session", "in": "cookie"}]}, {}, "in: cookie"),
    ({"parameters": [{"$ref": "#/components/parameters/Page"}]}, {}, "leads nowhere"),
    ({}, {"paths": {"/leads": {"trace": {}}}}, r"paths\./leads\.trace"),
    ({}, {"paths": {"/leads": {"get": {}}}}, "has no x-amazon-apigateway-integration"),
    ({}, {"x-amazon-apigateway-gateway-responses": {"THROTTLED": {"status": 429}}}, "THROTTLED.status"),
]


@pytest.mark.parametrize(("operation", "parts", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_what_has_no_translation_is_refused_by_its_name(
    operation: dict[str, Any], parts: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckFailed, match=message):
        translated(operation, **parts)


def test_an_operation_without_integration_is_refused() -> None:
    made = document()
    del made["paths"]["/leads"]["post"]["x-amazon-apigateway-integration"]
    with pytest.raises(CheckFailed, match=r"paths\./leads\.post: has no x-amazon-apigateway-integration"):
        translate(json.dumps(made))


def test_two_names_for_one_variable_part_are_refused() -> None:
    operation = {"get": {"x-amazon-apigateway-integration": PROXY}}
    paths = {"/clients/{rut}": operation, "/clients/{id}/store": operation}
    with pytest.raises(CheckFailed, match=r"variable part \{rut\}"):
        translate(json.dumps(document() | {"paths": paths}))
