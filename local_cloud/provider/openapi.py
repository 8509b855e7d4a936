"""An OpenAPI 3.0 document with API Gateway's extensions, as the REST API that it asks for.

The emulator imports no document, so that the provider translates it. What has no translation is refused, never
dropped. Pure: nothing here calls the cloud.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_cloud.engine.provider import CheckFailed
from local_cloud.provider.json_schema import model_of

PREFIX = "x-amazon-apigateway-"
INTEGRATION = PREFIX + "integration"
ANY_METHOD = PREFIX + "any-method"
GATEWAY_RESPONSES = PREFIX + "gateway-responses"
VALIDATORS = PREFIX + "request-validators"
VALIDATOR = PREFIX + "request-validator"

ROOT_EXTENSIONS = {GATEWAY_RESPONSES, VALIDATORS, VALIDATOR}
OPERATION_EXTENSIONS = {INTEGRATION, VALIDATOR}
METHODS = {"get", "put", "post", "delete", "options", "head", "patch"}
PATH_ITEM_MEMBERS = METHODS | {ANY_METHOD, "parameters", "summary", "description", "servers"}
INTEGRATION_MEMBERS = {
    "type",
    "httpMethod",
    "uri",
    "credentials",
    "passthroughBehavior",
    "requestTemplates",
    "requestParameters",
    "responses",
    "timeoutInMillis",
    "contentHandling",
}
INTEGRATION_TYPES = {"aws", "aws_proxy", "http", "http_proxy", "mock"}
LOCATIONS = {"query": "querystring", "header": "header", "path": "path"}

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a mock or custom integration answers with."""

    status: str
    pattern: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    content_handling: str | None = None


@dataclass(frozen=True, kw_only=True)
class Integration:
    type: str
    http_method: str | None = None
    uri: str | None = None
    credentials: str | None = None
    passthrough: str = "WHEN_NO_MATCH"
    templates: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 29000
    content_handling: str | None = None
    responses: tuple[Response, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Method:
    integration: Integration
    operation: str = ""
    api_key_required: bool = False
    parameters: Mapping[str, bool] = field(default_factory=dict)
    validator: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    """The model for each content type of the request's body."""
    responses: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """The headers of each status; only where the integration doesn't answer for itself."""


@dataclass(frozen=True, kw_only=True)
class Validator:
    body: bool
    parameters: bool


@dataclass(frozen=True, kw_only=True)
class GatewayResponse:
    status: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RestApi:
    methods: Mapping[tuple[str, str], Method]
    """By path and HTTP method (`ANY` for every one that the path doesn't name)."""
    validators: Mapping[str, Validator]
    models: Mapping[str, str]
    """JSON Schema, as text."""
    gateway_responses: Mapping[str, GatewayResponse]


def translate(body: str) -> RestApi:
    """Raises CheckFailed for what is no OpenAPI 3.0 document or has no translation, with its place."""
    document = json.loads(body)
    if not str(document.get("openapi", "")).startswith("3.0"):
        raise CheckFailed(f"body: openapi is {document.get('openapi')!r}: API Gateway takes OpenAPI 3.0.x")
    refuse_extensions(document, ROOT_EXTENSIONS, "")
    validators = {
        name: Validator(
            body=bool(one.get("validateRequestBody")), parameters=bool(one.get("validateRequestParameters"))
        )
        for name, one in document.get(VALIDATORS, {}).items()
    }
    models: dict[str, str] = {}
    methods: dict[tuple[str, str], Method] = {}
    for path, item in document.get("paths", {}).items():
        for name in item.keys() - PATH_ITEM_MEMBERS:
            refuse(f"paths.{path}.{name}", name)
        for name in sorted(item.keys() & (METHODS | {ANY_METHOD})):
            where = f"paths.{path}.{name}"
            http_method = "ANY" if name == ANY_METHOD else name.upper()
            method = method_of(document, item, item[name], validators, models, where)
            methods[path, http_method] = method
    refuse_sibling_parameters(path for path, _ in methods)
    return RestApi(
        methods=methods,
        validators=validators,
        models=models,
        gateway_responses={
            kind: gateway_response(one, f"{GATEWAY_RESPONSES}.{kind}")
            for kind, one in document.get(GATEWAY_RESPONSES, {}).items()
        },
    )


def refuse(where: str, name: str) -> None:
    raise CheckFailed(
        f"body: {where}: the local cloud doesn't translate {name!r}: "
        "do without it, or teach it to local_cloud/provider/openapi.py"
    )


def refuse_extensions(part: Document, known: set[str], where: str) -> None:
    for name in part:
        if name.startswith(PREFIX) and name not in known:
            refuse(f"{where}.{name}" if where else name, name)


def refuse_sibling_parameters(paths: Any) -> None:
    """API Gateway takes one name for a variable part, whatever follows it."""
    names: dict[str, str] = {}
    for path in paths:
        steps = path.split("/")
        for index, step in enumerate(steps):
            if step.startswith("{"):
                parent = "/".join(steps[:index])
                if names.setdefault(parent, step) != step:
                    raise CheckFailed(
                        f"body: paths.{path}: {parent or '/'} already has the variable part {names[parent]}: "
                        f"name both the same"
                    )


def method_of(
    document: Document,
    item: Document,
    operation: Document,
    validators: Mapping[str, Validator],
    models: dict[str, str],
    where: str,
) -> Method:
    refuse_extensions(operation, OPERATION_EXTENSIONS, where)
    if INTEGRATION not in operation:
        raise CheckFailed(f"body: {where}: has no {INTEGRATION}: say what answers the request")
    integration = integration_of(operation[INTEGRATION], f"{where}.{INTEGRATION}")
    validator = operation.get(VALIDATOR, document.get(VALIDATOR))
    if validator is not None and validator not in validators:
        raise CheckFailed(f"body: {where}: {VALIDATOR} {validator!r} is not defined in {VALIDATORS}")
    validated = validator is not None and validators[validator].body
    return Method(
        integration=integration,
        operation=operation.get("operationId", ""),
        api_key_required=needs_api_key(document, operation, where),
        parameters=parameters_of(document, [*item.get("parameters", []), *operation.get("parameters", [])], where),
        validator=validator,
        models=body_models(document, operation, models, where) if validated else {},
        responses={}
        if integration.type.endswith("_PROXY")
        else method_responses(document, operation, integration),
    )


def resolved(document: Document, part: Document, where: str) -> Document:
    """What a local reference stands for."""
    seen = set()
    while "$ref" in part:
        reference = part["$ref"]
        if not reference.startswith("#/") or reference in seen:
            raise CheckFailed(
                f"body: {where}: $ref {reference!r}: only references inside the document are resolved"
            )
        seen.add(reference)
        found: Any = document
        for step in reference[2:].split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            raise CheckFailed(f"body: {where}: $ref {reference!r} leads nowhere")
        part = found
    return part


def needs_api_key(document: Document, operation: Document, where: str) -> bool:
    """API Gateway knows one scheme without an authorizer: a key in the header x-api-key."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    alternatives = operation.get("security", document.get("security", []))
    for name in {name for alternative in alternatives for name in alternative}:
        scheme = resolved(document, schemes.get(name, {}), where)
        if not scheme:
            raise CheckFailed(
                f"body: {where}: security scheme {name!r} is not defined in components.securitySchemes"
            )
        refuse_extensions(scheme, set(), f"components.securitySchemes.{name}")
        if (scheme.get("type"), scheme.get("in"), str(scheme.get("name")).lower()) != (
            "apiKey",
            "header",
            "x-api-key",
        ):
            refuse(f"components.securitySchemes.{name}", f"type {scheme.get('type')}, in {scheme.get('in')}")
    if alternatives and not all(alternatives):
        refuse(f"{where}.security", "optional security")
    return bool(alternatives)


def parameters_of(document: Document, declared: list[Document], where: str) -> dict[str, bool]:
    """Whether each parameter is required; what the operation declares goes before what its path does."""
    parameters = {}
    for part in declared:
        parameter = resolved(document, part, f"{where}.parameters")
        location = LOCATIONS.get(parameter["in"])
        if location is None:
            refuse(f"{where}.parameters.{parameter['name']}", f"in: {parameter['in']}")
        parameters[f"method.request.{location}.{parameter['name']}"] = bool(parameter.get("required"))
    return parameters


def body_models(document: Document, operation: Document, models: dict[str, str], where: str) -> dict[str, str]:
    """The model of each content type; a model that is new goes into `models`."""
    used = {}
    content = resolved(document, operation.get("requestBody", {}), where).get("content", {})
    for content_type, media in content.items():
        if "schema" not in media:
            continue
        name, schema = model_of(document, media["schema"], operation.get("operationId", ""), where)
        models[name] = json.dumps(schema, sort_keys=True)
        used[content_type] = name
    return used


def integration_of(declared: Document, where: str) -> Integration:
    for name in declared.keys() - INTEGRATION_MEMBERS:
        refuse(f"{where}.{name}", name)
    kind = str(declared.get("type", "")).lower()
    if kind not in INTEGRATION_TYPES:
        raise CheckFailed(
            f"body: {where}.type is {declared.get('type')!r}: use one of {sorted(INTEGRATION_TYPES)}"
        )
    uri = declared.get("uri")
    if kind != "mock" and not uri:
        raise CheckFailed(f"body: {where}: a {kind} integration needs a uri")
    if uri and "${stageVariables." in uri:
        # The emulator would call the address as it stands.
        refuse(f"{where}.uri", "stage variables")
    return Integration(
        type=kind.upper(),
        http_method=declared.get("httpMethod"),
        uri=uri,
        credentials=declared.get("credentials"),
        passthrough=str(declared.get("passthroughBehavior", "when_no_match")).upper(),
        templates=declared.get("requestTemplates", {}),
        parameters=declared.get("requestParameters", {}),
        timeout=declared.get("timeoutInMillis", 29000),
        content_handling=declared.get("contentHandling"),
        responses=tuple(
            Response(
                status=str(response["statusCode"]),
                pattern="" if pattern == "default" else pattern,
                parameters=response.get("responseParameters", {}),
                templates=response.get("responseTemplates", {}),
                content_handling=response.get("contentHandling"),
            )
            for pattern, response in sorted(declared.get("responses", {}).items())
        ),
    )


def method_responses(
    document: Document, operation: Document, integration: Integration
) -> dict[str, dict[str, bool]]:
    """Every status that the operation or its integration names, with the headers that it may carry."""
    responses: dict[str, dict[str, bool]] = {response.status: {} for response in integration.responses}
    for status, part in operation.get("responses", {}).items():
        if status != "default":
            headers = resolved(document, part, f"responses.{status}").get("headers", {})
            responses.setdefault(str(status), {}).update(
                {f"method.response.header.{name}": False for name in headers}
            )
    for response in integration.responses:
        responses[response.status].update(dict.fromkeys(response.parameters, False))
    return responses


def gateway_response(declared: Document, where: str) -> GatewayResponse:
    for name in declared.keys() - {"statusCode", "responseParameters", "responseTemplates"}:
        refuse(f"{where}.{name}", name)
    status = declared.get("statusCode")
    return GatewayResponse(
        status=None if status is None else str(status),
        parameters=declared.get("responseParameters", {}),
        templates=declared.get("responseTemplates", {}),
    )
