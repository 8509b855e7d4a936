"""What Amazon API Gateway answers by itself, what the stack makes of it, and that the local cloud agrees.

The defaults are AWS's own table:
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import json

import botocore.session
import pytest
from ministack.services import apigateway_v1

from components import openapi
from components.openapi import GATEWAY_RESPONSES
from local_cloud.provider import openapi as local
from tests.components.graph import REST_API, ROOT, Graph

AWS = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 504,
    "INTEGRATION_TIMEOUT": 504,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}
DEFAULTS = {"DEFAULT_4XX", "DEFAULT_5XX"}
# Where the stack answers another status than AWS would by itself, and why.
OTHERWISE = {
    "EXPIRED_TOKEN": "no operation takes AWS's signatures: whoever sends one asked for a path that isn't there",
    "INVALID_SIGNATURE": "the same",
    "MISSING_AUTHENTICATION_TOKEN": "how AWS says that there is no such path",
    "UNAUTHORIZED": "401 would ask for a WWW-Authenticate challenge; the key is the only credential",
    "INTEGRATION_FAILURE": "503 asks to come back and says when; 504 can't",
    "INTEGRATION_TIMEOUT": "the same",
    "WAF_FILTERED": "a firewall in front is not the contract's 403, which is about the key",
}
# What any request may meet, whatever its operation.
ANYWHERE = {
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "INTEGRATION_FAILURE",
    "INTEGRATION_TIMEOUT",
    "REQUEST_TOO_LARGE",
    "THROTTLED",
}
WITH_THE_KEY = {"INVALID_API_KEY", "ACCESS_DENIED", "UNAUTHORIZED", "QUOTA_EXCEEDED"}
# Only where there is no operation; a media type is refused by the mocks of wrong methods and preflights.
NOWHERE = {
    "EXPIRED_TOKEN",
    "INVALID_SIGNATURE",
    "MISSING_AUTHENTICATION_TOKEN",
    "RESOURCE_NOT_FOUND",
    "UNSUPPORTED_MEDIA_TYPE",
}


def answered(kind: str) -> tuple[int, str]:
    """Status and code of a type, by itself or by its default."""
    default = "DEFAULT_4XX" if AWS.get(kind, 0) < 500 else "DEFAULT_5XX"
    status, code, _ = GATEWAY_RESPONSES.get(kind, GATEWAY_RESPONSES[default])
    return status, code


def operations(document: openapi.Document) -> dict[str, openapi.Document]:
    return {
        name: document["paths"][path][method.lower()]
        for name, (method, path) in openapi.operations(document).items()
    }


def test_the_table_has_every_type_that_aws_knows() -> None:
    model = botocore.session.get_session().get_service_model("apigateway")
    assert set(AWS) | DEFAULTS == set(model.shape_for("GatewayResponseType").enum)


def test_the_emulator_begins_with_the_same_statuses_as_aws() -> None:
    theirs = apigateway_v1._DEFAULT_GATEWAY_RESPONSE_STATUS_CODES
    assert {kind: int(status) for kind, status in theirs.items()} == AWS


def test_a_status_differs_from_awss_own_only_for_a_reason() -> None:
    assert {kind for kind, status in AWS.items() if answered(kind)[0] != status} == set(OTHERWISE)


def test_every_refusal_that_an_operation_can_meet_is_documented_there(document: openapi.Document) -> None:
    assert set(GATEWAY_RESPONSES) == ANYWHERE | WITH_THE_KEY | NOWHERE
    for name, operation in operations(document).items():
        kinds = ANYWHERE | (WITH_THE_KEY if operation["security"] else set())
        missing = {kind for kind in kinds if str(answered(kind)[0]) not in operation["responses"]}
        assert missing == set(), name
        if not operation["security"]:
            assert "403" not in operation["responses"], f"{name}: nobody can be without a key that isn't asked for"


def test_a_refusal_carries_every_header_that_the_contract_requires(document: openapi.Document) -> None:
    sent = openapi.for_gateway(document, dict.fromkeys(openapi.operations(document), "arn"), "*")
    for name, operation in operations(document).items():
        for kind in ANYWHERE | (WITH_THE_KEY if operation["security"] else set()):
            documented = operation["responses"][str(answered(kind)[0])]
            if "$ref" in documented:
                documented = openapi.resolve(document, documented["$ref"])
            required = {f"gatewayresponse.header.{header}" for header in documented.get("headers", {})}
            parameters = sent["x-amazon-apigateway-gateway-responses"][kind]["responseParameters"]
            assert required <= set(parameters), f"{name}: {kind}"


def test_the_local_cloud_makes_the_same_answers_of_the_document(graph: Graph) -> None:
    body = graph.one(REST_API).inputs["body"]
    declared = json.loads(body)["x-amazon-apigateway-gateway-responses"]
    translated = local.translate(body).gateway_responses
    assert set(translated) == set(GATEWAY_RESPONSES)
    for kind, answer in translated.items():
        assert answer.status == str(answered(kind)[0]), kind
        assert json.loads(answer.templates["application/json"])["message"] == answered(kind)[1], kind
        assert dict(answer.parameters) == declared[kind]["responseParameters"], kind


@pytest.mark.parametrize("kind", sorted(AWS))
def test_the_documentation_has_the_row_of_each_type(kind: str) -> None:
    text = (ROOT / "docs/contract-testing.md").read_text(encoding="utf-8")
    status, code = answered(kind)
    assert f"| `{kind}` | {AWS[kind]} | {status} | `{code}` |" in text
