"""The gateway answers failures in its own words, with AWS's statuses."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local_cloud.lab import Api, Lab

RAISES = "def handler(event, context):\n    raise RuntimeError('the password is hunter2')\n"
TEMPLATE = '{"code":"INTERNAL","description":$context.error.messageString}'


def returning(value: str) -> str:
    return f"def handler(event, context):\n    return {value}\n"


def test_nothing_of_a_functions_error_reaches_the_caller(lab: Lab) -> None:
    status, headers, body = lab.rest_api(lab.function(RAISES)).post()
    assert (status, json.loads(body)) == (502, {"message": "Internal server error"})
    assert headers["x-amzn-errortype"] == "InternalServerErrorException"
    assert "hunter2" not in str(headers)


@pytest.mark.parametrize(
    "value",
    [
        "{'body': 'no status'}",
        "{'statusCode': 'many', 'body': ''}",
        "{'statusCode': 99, 'body': ''}",
        "{'statusCode': 200, 'body': {'not': 'a string'}}",
        "{'statusCode': 200, 'headers': {'x': {'not': 'plain'}}, 'body': ''}",
        "{'statusCode': 200, 'multiValueHeaders': {'x': 'not a list'}, 'body': ''}",
        "'a string'",
        "None",
        "[1]",
    ],
)
def test_a_malformed_proxy_response_is_a_bad_gateway(lab: Lab, value: str) -> None:
    status, _, body = lab.rest_api(lab.function(returning(value))).post()
    assert (status, json.loads(body)) == (502, {"message": "Internal server error"})


def test_a_well_formed_proxy_response_comes_through(lab: Lab) -> None:
    value = "{'statusCode': 201, 'headers': {'X-One': 1}, 'multiValueHeaders': {'X-Two': ['a']}, 'body': '[]'}"
    status, headers, body = lab.rest_api(lab.function(returning(value))).post()
    assert (status, headers["x-one"], headers["x-two"], body) == (201, "1", "a", b"[]")


def test_the_stages_own_gateway_response_words_the_failure(lab: Lab) -> None:
    settings = {
        "responseTemplates": {"application/json": TEMPLATE},
        "responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
    }
    status, headers, body = lab.rest_api(lab.function(RAISES), {"DEFAULT_5XX": settings}).post()
    assert (status, json.loads(body)) == (502, {"code": "INTERNAL", "description": "Internal server error"})
    assert headers["access-control-allow-origin"] == "*"


def test_a_throttled_function_is_an_internal_error_of_the_gateway(lab: Lab) -> None:
    name = lab.function(
        "import time\ndef handler(e, c):\n    time.sleep(1)\n    return {'statusCode': 200, 'body': ''}\n"
    )
    lab.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    api = lab.rest_api(name)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: api.post(), range(4)))
    refused = [(status, json.loads(body)) for status, _, body in answers if status != 200]
    assert refused
    assert all(answer == (500, {"message": "Internal server error"}) for answer in refused)


def test_a_body_over_ten_megabytes_is_refused_before_the_function(lab: Lab) -> None:
    api = lab.rest_api(lab.function(returning("{'statusCode': 200, 'body': ''}")))
    assert api.post(b"x" * 1024 * 1024 * 5)[0] == 200
    status, _, body = api.post(b"x" * (1024 * 1024 * 10 + 1))
    assert (status, json.loads(body)) == (413, {"message": "Request Too Long"})


def test_a_too_long_body_is_answered_through_the_stages_gateway_response(lab: Lab) -> None:
    responses = {"REQUEST_TOO_LARGE": {"responseTemplates": {"application/json": TEMPLATE}}}
    api = lab.rest_api(lab.function(returning("{'statusCode': 200, 'body': ''}")), responses)
    status, _, body = api.post(b"x" * (1024 * 1024 * 10 + 1))
    assert (status, json.loads(body)["code"]) == (413, "INTERNAL")


def test_nothing_of_an_error_reaches_the_caller_of_a_function_url(lab: Lab) -> None:
    name = lab.function(RAISES)
    url = lab.client("lambda").create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    url_id = url.split("//")[1].split(".")[0]
    status, _, body = Api(lab.port, f"/_aws/lambda-url/{url_id}/").post()
    assert (status, body) == (502, b"Internal Server Error")
