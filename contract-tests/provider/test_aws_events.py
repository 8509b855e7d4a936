"""Requests as AWS gives them to a function where the emulator gives them otherwise."""

import json
from typing import Any

import pytest
from support import contract, rut
from support.stack import Stack


def invoked(stack: Stack, suffix: str, event: dict[str, Any]) -> dict[str, Any]:
    """What the function whose name ends so answers to the gateway."""
    if not stack.outputs:
        pytest.skip("the functions of a stage elsewhere are not this test's to call")
    functions = stack.aws("lambda")
    (name,) = (
        each["FunctionName"]
        for each in functions.list_functions(MaxItems=100)["Functions"]
        if each["FunctionName"].endswith(suffix)
    )
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return dict(json.loads(answer["Payload"].read()))


@pytest.mark.parametrize("spelling", [str.title, str.upper, str.lower])
def test_header_names_come_as_the_client_wrote_them(stack: Stack, spelling: Any) -> None:
    body = json.dumps(contract.example("createClient", rut.new()))
    headers = {spelling("content-type"): "application/json", spelling("x-lead-id"): "not an id"}
    refused = invoked(stack, "-api-create-client", {"headers": headers, "body": body})
    assert refused["statusCode"] == 400
    assert "X-Lead-Id" in json.loads(refused["body"])["description"]
    headers[spelling("x-lead-id")] = "an-id"
    assert invoked(stack, "-api-create-client", {"headers": headers, "body": body})["statusCode"] == 200
