"""What is deployed is what openapi.yaml says: routes, keys, integrations, refusals, schemas in the functions."""

import io
import json
import re
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.stack import ROOT, Stack

from components import openapi
from handlers.intake import web_form

DOCUMENT = openapi.load(ROOT / "openapi.yaml")
OPERATIONS = openapi.operations(DOCUMENT)
CONTRACT_FILE = "handlers/contract.json"
AREAS = {"intake": "intake", "crm": "backend"}  # the contract's tag -> the folder of the operation's handler


@pytest.fixture(scope="module")
def api(stack: Stack) -> tuple[Any, str, str]:
    """The client of API Gateway, and the id and the stage of the API that the stack's URL leads to."""
    assert stack.outputs, "these tests read what is deployed: run them on the local stack, without URL"
    *_, api_id, stage = urlsplit(stack.url).path.split("/")
    return stack.aws("apigateway"), api_id, stage


@pytest.fixture(scope="module")
def methods(api: tuple[Any, str, str]) -> dict[tuple[str, str], dict[str, Any]]:
    """(method, path) -> the method as the gateway has it."""
    gateway, api_id, _ = api
    resources = gateway.get_resources(restApiId=api_id, embed=["methods"], limit=500)["items"]
    return {
        (method, resource["path"]): settings
        for resource in resources
        for method, settings in resource.get("resourceMethods", {}).items()
    }


def operation(name: str) -> dict[str, Any]:
    method, path = OPERATIONS[name]
    return dict(DOCUMENT["paths"][path][method.lower()])


def asks_for_key(name: str) -> bool:
    return bool(operation(name).get("security", DOCUMENT["security"]))


def test_the_routes_are_the_contracts_and_no_others(methods: dict[tuple[str, str], Any]) -> None:
    calling = {key for key, settings in methods.items() if settings["methodIntegration"]["type"] != "MOCK"}
    assert calling == set(OPERATIONS.values())
    mocks = set(methods) - calling
    assert {path for _, path in mocks} == set(DOCUMENT["paths"]), "each path answers a wrong method"
    public = {OPERATIONS[name][1] for name in OPERATIONS if not asks_for_key(name)}
    assert {path for method, path in mocks if method == "OPTIONS"} == public
    assert {method for method, _ in mocks} == {"ANY", "OPTIONS"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_asks_for_the_key_exactly_when_the_contract_does(
    methods: dict[tuple[str, str], Any], name: str
) -> None:
    assert methods[OPERATIONS[name]]["apiKeyRequired"] == asks_for_key(name)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_reaches_its_own_function_and_gives_up_in_time(
    methods: dict[tuple[str, str], Any], stack: Stack, name: str
) -> None:
    integration = methods[OPERATIONS[name]]["methodIntegration"]
    assert (integration["type"], integration["httpMethod"]) == ("AWS_PROXY", "POST")
    function = integration["uri"].rpartition(":function:")[2].removesuffix("/invocations")
    settings = stack.aws("lambda").get_function_configuration(FunctionName=function)
    (tag,) = operation(name)["tags"]
    module = re.sub("([A-Z])", r"_\1", name).lower()
    assert settings["Handler"] == f"handlers.{AREAS[tag]}.{module}.handler"
    assert settings["Timeout"] * 1000 < integration["timeoutInMillis"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_knows_the_contracts_parameters_and_validates_no_body_itself(
    methods: dict[tuple[str, str], Any], name: str
) -> None:
    found = methods[OPERATIONS[name]]
    declared = [
        openapi.resolve(DOCUMENT, each["$ref"]) if "$ref" in each else each
        for each in operation(name).get("parameters", ())
    ]
    kinds = {"path": "path", "header": "header", "query": "querystring"}
    assert (
        found.get("requestParameters")
        or {f"method.request.{kinds[each['in']]}.{each['name']}": each["required"] for each in declared} == {}
    )
    assert not found.get("requestValidatorId"), "the handlers do it: a model here would be a second contract"


def test_the_gateways_own_answers_have_statuses_of_the_contract(api: tuple[Any, str, str]) -> None:
    gateway, api_id, _ = api
    found = {each["responseType"]: each for each in gateway.get_gateway_responses(restApiId=api_id)["items"]}
    for kind, (status, code, _) in openapi.GATEWAY_RESPONSES.items():
        assert found[kind]["statusCode"] == str(status), kind
        (template,) = found[kind]["responseTemplates"].values()
        assert (json.loads(template)["statusCode"], json.loads(template)["message"]) == (status, code), kind


def test_the_stage_serves_the_newest_deployment_and_its_plan_holds_the_key(api: tuple[Any, str, str]) -> None:
    gateway, api_id, stage = api
    deployments = gateway.get_deployments(restApiId=api_id)["items"]
    newest = max(deployments, key=lambda each: each["createdDate"])
    assert gateway.get_stage(restApiId=api_id, stageName=stage)["deploymentId"] == newest["id"]
    plans = [
        plan
        for plan in gateway.get_usage_plans()["items"]
        for each in plan.get("apiStages", ())
        if (each["apiId"], each["stage"]) == (api_id, stage)
    ]
    keys = [key for plan in plans for key in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]]
    assert len(keys) == 1, "the orchestration's and nobody else's"


def packed_schemas(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each function that has schemas of the contract packed beside it."""
    client = stack.aws("lambda")
    for function in client.list_functions(MaxItems=100)["Functions"]:
        name = function["FunctionName"]
        location = urlsplit(client.get_function(FunctionName=name)["Code"]["Location"])
        # on the local cloud the link's own signature is none
        url = f"{stack.outputs['aws_endpoint_url']}{location.path}"
        with (
            urllib.request.urlopen(stack.signed(url), timeout=20) as answer,
            zipfile.ZipFile(io.BytesIO(answer.read())) as archive,
        ):
            if CONTRACT_FILE in archive.namelist():
                yield name, json.loads(archive.read(CONTRACT_FILE))


def test_the_schemas_in_every_function_are_the_contracts(stack: Stack) -> None:
    found = dict(packed_schemas(stack))
    assert len(found) >= len(OPERATIONS) + 4, "backends and intake, the steps and the form"
    for name, schemas in found.items():
        assert schemas == openapi.bundle(DOCUMENT, schemas), name


def test_the_form_checks_by_the_contracts_schemas(stack: Stack) -> None:
    with urllib.request.urlopen(stack.outputs["form_url"] + "config.json", timeout=20) as answer:
        config = json.load(answer)
    schemas = openapi.bundle(DOCUMENT, web_form.SCHEMAS.values())
    assert config == {"apiUrl": stack.url, **{name: schemas[each] for name, each in web_form.SCHEMAS.items()}}
