"""The linter for what API Gateway ignores or rejects: quiet about the contract, loud about each kind of thing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import gateway_limits, openapi
from components.errors import ConfigurationError
from tests.components.graph import ROOT

Document = dict[str, Any]
VALIDATOR = "x-amazon-apigateway-request-validator"


def post(document: Document) -> Document:
    return dict(document["paths"]["/leads"])["post"]


def client(document: Document) -> Document:
    return dict(document["components"]["schemas"])["Client"]


def schema_with(**keywords: Any) -> Any:
    return lambda document: client(document)["properties"].update(extra={"type": "integer", **keywords})


def parameter(**attributes: Any) -> Any:
    def edit(document: Document) -> None:
        given = {"name": "p", "in": "query", "schema": {"type": "string"}, **attributes}
        post(document)["parameters"] = [given]

    return edit


def path(added: str) -> Any:
    def edit(document: Document) -> None:
        document["paths"][added] = {"get": {"operationId": "added", "security": [], "responses": {}}}

    return edit


def validated_with(**keywords: Any) -> Any:
    def edit(document: Document) -> None:
        document[VALIDATOR] = "all"
        client(document)["properties"]["extra"] = keywords

    return edit


def recursive(document: Document) -> None:
    schemas = document["components"]["schemas"]
    schemas["Tree"] = {"type": "object", "properties": {"leaf": {"$ref": "#/components/schemas/Leaf"}}}
    schemas["Leaf"] = {"type": "object", "properties": {"tree": {"$ref": "#/components/schemas/Tree"}}}


def duplicated(document: Document) -> None:
    document["paths"]["/clients/{rut}"]["get"]["operationId"] = "submitLead"


KINDS = [
    (lambda it: it.update(openapi="3.1.0"), "openapi: the version is 3.1.0; API Gateway imports 3.0 only"),
    (lambda it: it["info"].update(description="x" * (6 * 1024 * 1024)), "bytes; API Gateway takes 6291456"),
    (
        lambda it: it["components"]["schemas"].update(lead_error={"type": "object"}),
        "components.schemas.lead_error: a model's name is of letters and digits only",
    ),
    (
        lambda it: client(it)["properties"].update(x={"$ref": "other.yaml#/X"}),
        "the reference other.yaml#/X leads out of the document",
    ),
    (
        lambda it: client(it)["properties"].update(x={"$ref": "#/components/schemas/No"}),
        "components.schemas.Client.properties.x: the reference #/components/schemas/No leads nowhere",
    ),
    (recursive, "components.schemas.Tree: refers to itself"),
    (path("/clients:all/ñ"), "/clients:all/ñ: segment 'ñ' is neither of"),
    (path("/clients/x{rut}"), "/clients/x{rut}: segment 'x{rut}' is neither of"),
    (path("/clients/{id}/log"), "/clients: only one parameter can follow, not {id} and {rut}"),
    (path("/all/{proxy+}/more"), "/all/{proxy+}/more: only the last segment may be greedy"),
    (path("/ping"), "/ping: API Gateway answers this path itself"),
    (
        lambda it: it["paths"].update({f"/p{n}": {} for n in range(301)}),
        "resources; an API has 300 at most",
    ),
    (
        lambda it: it["paths"]["/leads"].update(trace={"operationId": "t", "security": [], "responses": {}}),
        "TRACE /leads: API Gateway has no method TRACE",
    ),
    (duplicated, "operationId submitLead stands 2 times; the second would replace the first"),
    (lambda it: post(it).update(callbacks={}), "POST /leads: callbacks are ignored"),
    (lambda it: post(it).pop("security"), "POST /leads: has no security of its own; the document's is ignored"),
    (
        lambda it: post(it)["responses"].update(default={"description": "Any other"}),
        "POST /leads: response default: only single status codes are imported",
    ),
    (
        lambda it: post(it)["responses"].update({"4XX": {"description": "Any other"}}),
        "POST /leads: response 4XX: only single status codes are imported",
    ),
    (
        lambda it: post(it)["responses"]["202"]["content"].update({"text/plain": {"schema": {"type": "string"}}}),
        "POST /leads: response 202: text/plain: the schema of a response must be an object or a reference",
    ),
    (
        parameter(**{"in": "cookie"}),
        "POST /leads: parameter p is in cookie; API Gateway knows path, query and header",
    ),
    (parameter(style="spaceDelimited"), "POST /leads: parameter p: style spaceDelimited is ignored"),
    (parameter(explode=False), "POST /leads: parameter p: explode is ignored"),
    (parameter(allowReserved=True), "POST /leads: parameter p: allowReserved is ignored"),
    (parameter(content={}), "POST /leads: parameter p: content is ignored"),
    (
        lambda it: it["components"]["securitySchemes"].update(oauth={"type": "oauth2"}),
        "components.securitySchemes.oauth: type oauth2 needs an authorizer",
    ),
    (
        lambda it: it["components"]["securitySchemes"]["api_key"].update(name="x-key"),
        "components.securitySchemes.api_key: API Gateway reads keys from the header x-api-key only",
    ),
    *[
        (schema_with(**{keyword: True}), f"components.schemas.Client.extra: {keyword} is ignored")
        for keyword in (
            "discriminator",
            "nullable",
            "readOnly",
            "writeOnly",
            "xml",
            "exclusiveMinimum",
            "exclusiveMaximum",
        )
    ],
    *[
        (schema_with(type="number", format=name), f"a number of format {name} is not supported")
        for name in ("int32", "int64", "decimal")
    ],
    *[
        (validated_with(**{keyword: value}), f"components.schemas.Client.extra: {keyword} is ignored")
        for keyword, value in {
            "oneOf": [],
            "anyOf": [],
            "additionalProperties": False,
            "maxItems": 1,
            "minItems": 1,
        }.items()
    ],
]


def test_the_contract_asks_for_nothing_that_the_gateway_can_not_do(document: Document) -> None:
    assert gateway_limits.findings(document) == []
    gateway_limits.check(document)


def test_neither_does_the_document_that_the_gateway_gets(document: Document) -> None:
    arns = dict.fromkeys(openapi.operations(document), "arn")
    assert gateway_limits.findings(openapi.for_gateway(document, arns, "*")) == []


@pytest.mark.parametrize(("edit", "says"), KINDS)
def test_each_kind_of_finding_is_found(document: Document, edit: Any, says: str) -> None:
    edit(document)
    found = gateway_limits.findings(document)
    assert any(says in finding for finding in found), found


@pytest.mark.parametrize(
    "place",
    ["items", "additionalProperties", "allOf", "oneOf", "header", "parameter"],
)
def test_a_keyword_is_found_wherever_a_schema_stands(document: Document, place: str) -> None:
    schema = {"type": "string", "nullable": True}
    properties = client(document)["properties"]
    match place:
        case "header":
            post(document)["responses"]["202"]["headers"]["Location"]["schema"] = schema
        case "parameter":
            document["components"]["parameters"]["Rut"]["schema"] = schema
        case "allOf" | "oneOf":
            properties["extra"] = {place: [schema]}
        case _:
            properties["extra"] = {place: schema}
    assert [finding for finding in gateway_limits.findings(document) if "nullable is ignored" in finding]


def test_what_the_program_leaves_out_for_the_gateway_is_no_finding(document: Document) -> None:
    post(document)["responses"]["202"]["links"]["status"]["parameters"] = {"$ref": "nowhere"}
    post(document)["requestBody"]["content"]["application/json"]["example"] = {"$ref": "nowhere"}
    assert gateway_limits.findings(document) == []


def test_keywords_that_only_a_gateways_validation_would_miss_are_fine_without_one(document: Document) -> None:
    client(document)["properties"]["extra"] = {"type": "array", "maxItems": 1, "items": {"oneOf": []}}
    assert gateway_limits.findings(document) == []


def test_a_preview_ends_with_every_finding_at_once(document: Document) -> None:
    post(document).update(callbacks={})
    path("/ping")(document)
    with pytest.raises(
        ConfigurationError, match=r"(?s)what API Gateway can't do:\n- /ping.*\n- POST /leads: callbacks"
    ):
        gateway_limits.check(document)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "components.gateway_limits", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_the_command_is_silent_about_the_contract() -> None:
    result = run("openapi.yaml")
    assert (result.returncode, result.stdout) == (0, "")


def test_the_command_prints_each_finding_with_its_file_and_fails(document: Document, tmp_path: Path) -> None:
    post(document).update(callbacks={})
    file = tmp_path / "bad.yaml"
    file.write_text(yaml.safe_dump(document))
    result = run(str(file))
    assert (result.returncode, result.stdout) == (1, f"{file}: POST /leads: callbacks are ignored\n")


def test_the_command_says_how_to_call_it() -> None:
    result = run("no-such-file.yaml")
    assert result.returncode == 2
    assert "usage: python -m components.gateway_limits openapi.yaml" in result.stderr
