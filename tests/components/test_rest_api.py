"""The document that API Gateway imports, and the stage, key and permissions around it."""

import hashlib
import json
import re
from typing import Any

import botocore.session
import pytest
from openapi_spec_validator import validate

from components import openapi
from handlers.shared import http
from tests.components.graph import (
    ACCOUNT,
    DEPLOYMENT,
    METHOD_SETTINGS,
    PERMISSION,
    REGION,
    REST_API,
    ROOT,
    Graph,
    record,
    stack_config,
)

Document = dict[str, Any]
INTEGRATION = "x-amazon-apigateway-integration"
ANY_METHOD = "x-amazon-apigateway-any-method"

# operationId -> (function, method and path as IAM writes them, whether it needs the key)
OPERATIONS = {
    "submitLead": ("intake-submit-lead", "POST/leads", False),
    "getLead": ("intake-get-lead", "GET/leads/*", False),
    "createClient": ("api-create-client", "POST/create_client", True),
    "createPartner": ("api-create-partner", "POST/create_partner", True),
    "createBenefit": ("api-create-benefit", "POST/create_benefit", True),
    "getClient": ("api-get-client", "GET/clients/*", True),
}


def gateway_document(document: Document, origin: str = "*") -> Document:
    return openapi.for_gateway(document, dict.fromkeys(openapi.operations(document), "arn"), origin)


def digest(document: Document) -> str:
    return hashlib.sha256(json.dumps(gateway_document(document)).encode()).hexdigest()


def body_of(graph: Graph) -> Document:
    return dict(graph.one(REST_API).document("body"))


def test_the_contract_is_valid_openapi(document: Document) -> None:
    validate(document)


def test_the_document_for_the_gateway_is_valid_openapi(graph: Graph) -> None:
    body = body_of(graph)
    validate(body)
    for item in body["paths"].values():
        # the validator does not look into extensions
        validate(
            body
            | {"paths": {path: {"get": item[ANY_METHOD]} for path in body["paths"] if body["paths"][path] is item}}
        )


def test_every_operation_of_the_contract_reaches_its_own_function(graph: Graph) -> None:
    paths = body_of(graph)["paths"]
    found = {
        operation["operationId"]: operation[INTEGRATION]
        for item in paths.values()
        for operation in item.values()
        if "operationId" in operation
    }
    assert set(found) == set(OPERATIONS)
    for name, (function, _, _) in OPERATIONS.items():
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{graph.prefix}-{function}"
        assert found[name]["type"] == "aws_proxy"
        assert found[name]["httpMethod"] == "POST", "Lambda is always invoked by POST"
        assert (
            found[name]["uri"] == f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
        )


def test_the_operations_of_the_crm_need_the_key_and_the_public_ones_do_not(graph: Graph) -> None:
    for item in body_of(graph)["paths"].values():
        for operation in item.values():
            needs_key = OPERATIONS.get(operation.get("operationId"), ("", "", False))[2]
            assert operation["security"] == ([{"api_key": []}] if needs_key else [])


def test_the_gateway_may_call_each_function_for_its_own_method_and_path_only(graph: Graph) -> None:
    for operation, (function, resource, _) in OPERATIONS.items():
        permission = graph.one(PERMISSION, f"api-{operation}-permission").inputs
        assert permission["function"] == f"{graph.prefix}-{function}"
        assert permission["principal"] == "apigateway.amazonaws.com"
        assert permission["sourceArn"] == f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api1/*/{resource}"


def test_a_wrong_method_is_answered_405_with_the_right_ones(graph: Graph) -> None:
    for path, item in body_of(graph)["paths"].items():
        integration = item[ANY_METHOD][INTEGRATION]
        answer = integration["responses"]["default"]
        known = [method.upper() for method in openapi.METHODS if method in item]
        assert answer["statusCode"] == "405"
        allow = answer["responseParameters"]["method.response.header.Allow"].strip("'").split(", ")
        assert sorted(allow) == sorted(known), path


def test_public_paths_and_no_others_answer_a_preflight(graph: Graph) -> None:
    paths = body_of(graph)["paths"]
    assert {path for path, item in paths.items() if "options" in item} == {"/leads", "/leads/{leadId}"}
    headers = paths["/leads"]["options"][INTEGRATION]["responses"]["default"]["responseParameters"]
    assert headers["method.response.header.Access-Control-Allow-Methods"] == "'POST, OPTIONS'"
    assert headers["method.response.header.Access-Control-Allow-Headers"] == "'Content-Type'"


def test_every_template_of_the_gateway_is_json_in_the_contracts_shape(graph: Graph, document: Document) -> None:
    body = body_of(graph)
    shape = set(document["components"]["schemas"]["ApiResponseBody"]["required"])
    mocks = [
        operation[INTEGRATION]
        for item in body["paths"].values()
        for operation in item.values()
        if operation[INTEGRATION]["type"] == "mock"
    ]
    assert mocks
    for mock in mocks:
        status = json.loads(mock["requestTemplates"]["application/json"])["statusCode"]
        answer = mock["responses"]["default"]
        assert str(status) == answer["statusCode"]
        message = json.loads(answer["responseTemplates"]["application/json"])
        assert message == {} if status == 200 else set(message) == shape
        assert message.get("statusCode", status) == status
    for kind, response in body["x-amazon-apigateway-gateway-responses"].items():
        message = json.loads(response["responseTemplates"]["application/json"])
        assert set(message) == shape, kind
        assert message["statusCode"] == response["statusCode"], kind


def test_a_mock_declares_every_header_that_it_answers(graph: Graph) -> None:
    for item in body_of(graph)["paths"].values():
        for operation in item.values():
            answer = operation[INTEGRATION].get("responses", {}).get("default")
            if answer:
                declared = operation["responses"][answer["statusCode"]]["headers"]
                sent = {name.removeprefix("method.response.header.") for name in answer["responseParameters"]}
                assert sent == set(declared), "API Gateway refuses a header that the method does not declare"


def test_aws_knows_every_gateway_response_that_the_stack_words(graph: Graph) -> None:
    model = botocore.session.get_session().get_service_model("apigateway")
    known = set(model.shape_for("GatewayResponseType").enum)
    worded = set(body_of(graph)["x-amazon-apigateway-gateway-responses"])
    assert worded <= known
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= worded, "what is not named would answer in AWS's own words"


def test_the_gateway_refuses_with_the_statuses_of_the_contract(document: Document) -> None:
    known = {
        int(status)
        for item in document["paths"].values()
        for operation in item.values()
        for status in operation["responses"]
    }
    refusals = {status for status, _, _ in openapi.GATEWAY_RESPONSES.values()}
    assert refusals <= known


def test_the_gateway_and_the_functions_ask_to_wait_equally_long() -> None:
    assert openapi.RETRY_AFTER_SECONDS == http.RETRY_AFTER_SECONDS


def test_the_stage_is_deployed_anew_for_exactly_this_document(graph: Graph) -> None:
    body = graph.one(REST_API).inputs["body"]
    deployment = graph.one(DEPLOYMENT)
    assert deployment.inputs["triggers"] == {"body": hashlib.sha256(body.encode()).hexdigest()}
    assert graph.one(REST_API).urn in deployment.dependencies, "the old document would be deployed"


@pytest.mark.parametrize(
    "edit",
    [
        lambda it: it["paths"]["/leads"]["post"].update(summary="Another"),
        lambda it: it["components"]["schemas"]["Store"].update(maxLength=63),
        lambda it: it["paths"]["/leads"]["post"].update(security=[{"api_key": []}]),
        lambda it: it["paths"].update({"/leads2": it["paths"].pop("/leads")}),
        lambda it: it["paths"]["/leads"]["post"]["responses"].pop("429"),
    ],
)
def test_what_the_gateway_sees_differently_deploys_the_stage(document: Document, edit: Any) -> None:
    before = digest(document)
    edit(document)
    assert digest(document) != before


@pytest.mark.parametrize(
    "edit",
    [
        lambda it: it["paths"]["/leads"]["post"]["requestBody"]["content"]["application/json"].update(example={}),
        lambda it: it["paths"]["/leads"]["post"]["responses"]["202"].pop("links"),
        lambda it: it.update(servers=[{"url": "/other"}]),
    ],
)
def test_what_the_gateway_never_sees_deploys_nothing(document: Document, edit: Any) -> None:
    before = digest(document)
    edit(document)
    assert digest(document) == before


def test_a_field_may_bear_the_name_of_something_that_is_left_out(document: Document) -> None:
    document["components"]["schemas"]["Lead"]["properties"]["links"] = {"type": "string", "example": "x"}
    properties = gateway_document(document)["components"]["schemas"]["Lead"]["properties"]
    assert properties["links"] == {"type": "string"}


def test_an_allowed_origin_reaches_preflights_and_refusals(document: Document) -> None:
    result = gateway_document(document, "https://form.example")
    preflight = result["paths"]["/leads"]["options"][INTEGRATION]["responses"]["default"]["responseParameters"]
    refusal = result["x-amazon-apigateway-gateway-responses"]["THROTTLED"]["responseParameters"]
    assert preflight["method.response.header.Access-Control-Allow-Origin"] == "'https://form.example'"
    assert refusal["gatewayresponse.header.Access-Control-Allow-Origin"] == "'https://form.example'"


def test_an_operation_without_a_function_is_refused(document: Document) -> None:
    with pytest.raises(ValueError, match="operations and functions don't match: createBenefit"):
        openapi.for_gateway(document, {name: "arn" for name in OPERATIONS if name != "createBenefit"}, "*")


def test_an_unknown_schema_is_refused_with_those_that_there_are(document: Document) -> None:
    with pytest.raises(ValueError, match="has no schema Leed; it has ApiResponseBody, Benefit"):
        openapi.bundle(document, ["Leed"])


def test_a_bundle_holds_no_reference_and_no_prose(document: Document) -> None:
    text = json.dumps(openapi.bundle(document, document["components"]["schemas"]))
    assert '"$ref"' not in text
    assert '"example"' not in text
    assert "The store's code" not in text


def test_a_bundle_keeps_a_field_that_is_called_description(document: Document) -> None:
    assert "description" in openapi.bundle(document, ["ApiResponseBody"])["ApiResponseBody"]["properties"]


def test_what_anybody_may_send_has_the_intakes_limit_and_what_needs_the_key_the_crms(graph: Graph) -> None:
    config = stack_config(graph.prefix.rpartition("-")[2])
    settings = {each.inputs["methodPath"]: each.inputs["settings"] for each in graph.of(METHOD_SETTINGS)}
    limit = {
        "throttlingRateLimit": int(config["leadbridge:intakeRateLimit"]),
        "throttlingBurstLimit": int(config["leadbridge:intakeBurstLimit"]),
    }
    others = {
        "throttlingRateLimit": int(config["leadbridge:crmRateLimit"]),
        "throttlingBurstLimit": int(config["leadbridge:crmBurstLimit"]),
    }
    with_key = ("~1create_client/POST", "~1create_partner/POST", "~1create_benefit/POST", "~1clients~1{rut}/GET")
    public = ("~1leads/POST", "~1leads~1{leadId}/GET", "*/*")
    assert settings == dict.fromkeys(public, limit) | dict.fromkeys(with_key, others)


def test_the_access_log_is_json_and_holds_nothing_that_could_be_personal(graph: Graph) -> None:
    stage = graph.one("aws:apigateway/stage:Stage").inputs["accessLogSettings"]
    fields = json.loads(stage["format"])
    assert "$context.requestId" in fields.values(), "API Gateway refuses a format without it"
    personal = (
        "$context.path",
        "sourceIp",
        "userAgent",
        "$context.identity.apiKey",
        "error.message",
        "querystring",
    )
    for name, variable in fields.items():
        assert re.fullmatch(r"\$context(\.[A-Za-z]+)+", variable), name
        assert variable not in personal, f"{name}: a path holds a RUT, an address a person"
        assert not [each for each in personal[1:3] if each in variable], name
    group = graph.one("aws:cloudwatch/logGroup:LogGroup", "api-access-logs")
    assert stage["destinationArn"] == group.outputs["arn"]


def test_no_trace_and_no_log_holds_the_url_of_a_request(graph: Graph) -> None:
    """`GET /clients/{rut}`: X-Ray records a request's whole URL, execution logs its path, parameters and body."""
    assert graph.one("aws:apigateway/stage:Stage").inputs["xrayTracingEnabled"] is False
    for setting in graph.of(METHOD_SETTINGS):
        assert set(setting.inputs["settings"]) == {"throttlingRateLimit", "throttlingBurstLimit"}
    fields = json.loads(graph.one("aws:apigateway/stage:Stage").inputs["accessLogSettings"]["format"])
    whole = re.compile(r"path\b|Override|error\.(message|validation)|integrationError")
    assert not [variable for variable in fields.values() if whole.search(variable.removesuffix("resourcePath"))]


def test_the_stage_logs_only_once_the_account_lets_api_gateway_write(graph: Graph) -> None:
    account = graph.one("aws:apigateway/account:Account")
    assert account.urn in graph.one("aws:apigateway/stage:Stage").dependencies
    role = graph.one("aws:iam/role:Role", "gateway-logs-role")
    assert account.inputs["cloudwatchRoleArn"] == role.outputs["arn"]


def test_the_end_of_a_stack_does_not_end_the_logs_of_the_accounts_other_stacks(graph: Graph) -> None:
    component = graph.one("leadbridge:api:GatewayAccount")
    children = [each for each in graph.resources if each.parent == component.urn]
    assert len(children) == 3
    assert all(each.retained for each in children)
    assert {each.name for each in graph.resources if each.retained} == {each.name for each in children}


def test_where_the_account_has_its_role_already_the_stack_leaves_it_alone() -> None:
    graph = record("dev", {"gatewayAccount": "false"})
    assert not graph.of("aws:apigateway/account:Account")
    assert not graph.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert graph.one("aws:apigateway/stage:Stage").inputs["accessLogSettings"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [("GET", "/", "~1/GET"), ("POST", "/leads", "~1leads/POST"), ("GET", "/a/{b}/c", "~1a~1{b}~1c/GET")],
)
def test_a_method_path_writes_every_slash_of_the_resource_as_tilde_one(
    method: str, path: str, expected: str
) -> None:
    assert openapi.method_path(method, path) == expected


def test_the_key_works_on_this_stage_only_and_within_its_limit(graph: Graph) -> None:
    config = stack_config(graph.prefix.rpartition("-")[2])
    plan = graph.one("aws:apigateway/usagePlan:UsagePlan")
    stack = graph.prefix.rpartition("-")[2]
    assert plan.inputs["apiStages"] == [{"apiId": f"{graph.prefix}-api-rest-api-id", "stage": stack}]
    assert plan.inputs["throttleSettings"] == {
        "rateLimit": int(config["leadbridge:crmRateLimit"]),
        "burstLimit": int(config["leadbridge:crmBurstLimit"]),
    }
    joined = graph.one("aws:apigateway/usagePlanKey:UsagePlanKey").inputs
    assert (joined["keyId"], joined["keyType"]) == (f"{graph.prefix}-api-orchestration-key-id", "API_KEY")


def test_the_stage_is_a_resource_of_its_own(graph: Graph) -> None:
    stage = graph.one("aws:apigateway/stage:Stage").inputs
    assert stage["stageName"] == graph.prefix.rpartition("-")[2]
    assert stage["deployment"] == f"{graph.prefix}-api-deployment-id"
    assert "stageName" not in graph.one(DEPLOYMENT).inputs, "the deployment would delete the stage with itself"


def test_the_gateway_document_names_no_file_of_this_machine(graph: Graph) -> None:
    assert str(ROOT) not in graph.one(REST_API).inputs["body"]
