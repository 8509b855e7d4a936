"""What the deployed gateway is set to answer and to limit, also where no request of a test can bring it about."""

import json
import re
from typing import Any

import pytest
from support import contract
from support.stack import Stack

PUBLIC = [name for name in contract.operations() if not contract.operation(name)["security"]]
SHAPE = {"$ref": "#/components/schemas/ApiResponseBody"}


@pytest.fixture
def api(stack: Stack) -> dict[str, str]:
    if not stack.outputs:
        pytest.skip("the settings of a stage elsewhere need the rights of its account")
    api_id, stage_name = stack.url.rpartition("/execute-api/")[2].split("/")[:2]
    return {"restApiId": api_id, "stageName": stage_name}


def documented() -> dict[str, dict[str, Any]]:
    """status -> the response, of any operation."""
    return {
        status: contract.resolved(response)
        for name in contract.operations()
        for status, response in contract.operation(name)["responses"].items()
    }


def test_whatever_the_gateway_answers_by_itself_is_in_the_contract(stack: Stack, api: dict[str, str]) -> None:
    answers = stack.aws("apigateway").get_gateway_responses(restApiId=api["restApiId"])["items"]
    ours = [answer for answer in answers if not answer["defaultResponse"]]
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= {answer["responseType"] for answer in ours}
    for answer in ours:
        kind, status = answer["responseType"], answer["statusCode"]
        assert status in documented(), f"{kind} answers {status}, which no operation documents"
        body = json.loads(answer["responseTemplates"]["application/json"])
        assert contract.violations(SHAPE, body) == [], kind
        assert body["statusCode"] == int(status), kind
        headers = {name.removeprefix("gatewayresponse.header.").lower() for name in answer["responseParameters"]}
        required = {
            name.lower()
            for name, header in documented()[status].get("headers", {}).items()
            if contract.resolved(header).get("required")
        }
        assert required <= headers, f"{kind} lacks {required - headers}"


@pytest.mark.parametrize("name", PUBLIC)
def test_an_operation_that_anybody_may_call_has_a_limit_of_its_own(
    stack: Stack, api: dict[str, str], name: str
) -> None:
    method, path = contract.operations()[name]
    limits = stack.aws("apigateway").get_stage(**api)["methodSettings"][f"{path}/{method}"]
    assert limits["throttlingRateLimit"] > 0
    assert limits["throttlingBurstLimit"] > 0


def test_the_gateway_may_call_the_functions_for_the_contracts_routes_and_no_others(
    stack: Stack, api: dict[str, str]
) -> None:
    functions, allowed = stack.aws("lambda"), []
    for function in functions.list_functions(MaxItems=100)["Functions"]:
        try:
            policy = json.loads(functions.get_policy(FunctionName=function["FunctionName"])["Policy"])
        except functions.exceptions.ResourceNotFoundException:
            continue
        for statement in policy["Statement"]:
            if statement["Principal"] == {"Service": "apigateway.amazonaws.com"}:
                (source,) = statement["Condition"]["ArnLike"].values()
                allowed.append(source.rpartition(f":{api['restApiId']}")[2])
    routes = [f"/*/{method}{re.sub('{[^}]*}', '*', path)}" for method, path in contract.operations().values()]
    assert sorted(allowed) == sorted(routes)
