"""Reading openapi.yaml: schemas for the functions, and the document that API Gateway imports. Pure functions."""

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components import yaml_file

Document = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_ANNOTATIONS = {"description", "example", "examples", "title", "deprecated", "externalDocs"}
NOT_FOR_THE_GATEWAY = frozenset({"links", "servers", "example", "examples", "x-tidy", "x-words"})
# API Gateway's own limit for a REST integration, in milliseconds; the functions' time-outs are below it.
INTEGRATION_TIMEOUT_MS = 29_000

# What the gateway answers by itself, in the contract's shape: type -> (status, code, sentence).
# DEFAULT_4XX and DEFAULT_5XX stand for every type that is not named, and replace its status by theirs.
# A path that isn't there is a missing token to AWS, or a bad signature if the caller sent an Authorization header.
GATEWAY_RESPONSES: Mapping[str, tuple[int, str, str]] = {
    "ACCESS_DENIED": (403, "FORBIDDEN", "The API key is missing or wrong."),
    "INVALID_API_KEY": (403, "FORBIDDEN", "The API key is missing or wrong."),
    "UNAUTHORIZED": (403, "FORBIDDEN", "The API key is missing or wrong."),
    "MISSING_AUTHENTICATION_TOKEN": (404, "NOT_FOUND", "There is no such path."),
    "INVALID_SIGNATURE": (404, "NOT_FOUND", "There is no such path."),
    "EXPIRED_TOKEN": (404, "NOT_FOUND", "There is no such path."),
    "RESOURCE_NOT_FOUND": (404, "NOT_FOUND", "There is no such path."),
    "REQUEST_TOO_LARGE": (413, "BODY_TOO_LARGE", "The body is too large."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json."),
    "THROTTLED": (429, "TOO_MANY_REQUESTS", "Too many calls at once; try again later."),
    "QUOTA_EXCEEDED": (429, "TOO_MANY_REQUESTS", "The quota is used up; try again later."),
    "INTEGRATION_TIMEOUT": (503, "UNAVAILABLE", "The answer took too long; try again later."),
    "INTEGRATION_FAILURE": (503, "UNAVAILABLE", "The operation can't be reached; try again later."),
    "DEFAULT_4XX": (400, "INVALID_REQUEST", "The request was refused."),
    "DEFAULT_5XX": (500, "INTERNAL_ERROR", "Something went wrong on our side."),
}
RETRY_AFTER_SECONDS = 5
# A mock answers the media types that it has a template for; with `never` the gateway answers any other with 415.
MOCK_MEDIA_TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "application/xml",
    "multipart/form-data",
    "text/html",
    "text/plain",
    "text/xml",
)


def load(path: Path) -> Document:
    return yaml_file.read(path)


def operations(document: Document, tag: str | None = None) -> dict[str, tuple[str, str]]:
    """operationId -> (method in capitals, path), of those with the tag or of all.

    One without an operationId is named `METHOD /path`.
    """
    return {
        item[method].get("operationId", f"{method.upper()} {path}"): (method.upper(), path)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and (tag is None or tag in item[method].get("tags", ()))
    }


def request_schemas(document: Document, operation: str) -> list[str]:
    """Names of the schemas that a request of the operation is checked by: its parameters' and its body's."""
    method, path = operations(document)[operation]
    request = document["paths"][path][method.lower()]
    parts = [_resolved(document, each)["schema"] for each in request.get("parameters", ())]
    parts += [media["schema"] for media in request.get("requestBody", {}).get("content", {}).values()]
    return sorted({part["$ref"].rpartition("/")[2] for part in parts})


def _resolved(document: Document, node: Any) -> Any:
    return resolve(document, node["$ref"]) if "$ref" in node else node


def method_path(method: str, path: str) -> str:
    """How a stage's settings name a method: `{resource path}/{METHOD}`, each "/" of the path written "~1".

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-apigateway-stage-methodsetting.html
    """
    return path.replace("/", "~1") + "/" + method


def bundle(document: Document, names: Iterable[str]) -> dict[str, Any]:
    """The named schemas without references and prose, so that a comma in a description changes no function."""
    schemas = document["components"]["schemas"]
    unknown = sorted(set(names) - set(schemas))
    if unknown:
        raise ValueError(f"openapi.yaml has no schema {', '.join(unknown)}; it has {', '.join(sorted(schemas))}")
    return {name: _bare(schemas[name], document) for name in sorted(names)}


def _bare(schema: Any, document: Document) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _bare(resolve(document, schema["$ref"]), document)
        return {
            key: {name: _bare(inner, document) for name, inner in value.items()}
            if key == "properties"
            else _bare(value, document)
            for key, value in schema.items()
            if key not in _ANNOTATIONS
        }
    return [_bare(item, document) for item in schema] if isinstance(schema, list) else schema


def resolve(document: Document, reference: str) -> Any:
    target: Any = document
    for part in reference.removeprefix("#/").split("/"):
        target = target[part.replace("~1", "/").replace("~0", "~")]
    return target


def for_gateway(document: Document, integrations: Mapping[str, Any], allowed_origin: str) -> Document:
    """The document with what API Gateway needs, added as structure.

    `integrations`: operationId -> the function's invoke ARN (an Output is fine). Public paths answer CORS
    preflights; every path answers a wrong method with 405 and `Allow`.
    """
    missing = sorted(set(operations(document)) ^ set(integrations))
    if missing:
        raise ValueError(f"operations and functions don't match: {', '.join(missing)}")
    result: Document = _inlined(copy.deepcopy(document), document)
    result["components"] = {name: result["components"][name] for name in ("schemas", "securitySchemes")}
    for path, item in result["paths"].items():
        present = [method for method in METHODS if method in item]
        public = any(item[method].get("security") == [] for method in present)
        for method in present:
            item[method]["x-amazon-apigateway-integration"] = _proxy(integrations[item[method]["operationId"]])
        allow = ", ".join([method.upper() for method in present] + (["OPTIONS"] if public else []))
        if public:
            item["options"] = _preflight(path, allow, allowed_origin)
        item["x-amazon-apigateway-any-method"] = _method_not_allowed(path, allow)
    result["x-amazon-apigateway-gateway-responses"] = {
        kind: _gateway_response(*answer, allowed_origin) for kind, answer in GATEWAY_RESPONSES.items()
    }
    return result


def _inlined(value: Any, document: Document) -> Any:
    """Without references to anything but schemas, and without what the gateway does not know."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#/components/schemas/"):
            return _inlined(copy.deepcopy(resolve(document, reference)), document)
        return {
            key: {name: _inlined(inner, document) for name, inner in member.items()}
            if key == "properties"
            else _inlined(member, document)
            for key, member in value.items()
            if key not in NOT_FOR_THE_GATEWAY
        }
    return [_inlined(item, document) for item in value] if isinstance(value, list) else value


def _proxy(invoke_arn: Any) -> Document:
    return {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": invoke_arn,
        "passthroughBehavior": "when_no_match",
        "timeoutInMillis": INTEGRATION_TIMEOUT_MS,
    }


def _mock(status: int, headers: Mapping[str, str], body: str) -> tuple[Document, Document]:
    """The responses of a mock method, and its integration."""
    responses = {
        str(status): {
            "description": "Answered by the gateway",
            "headers": {name: {"schema": {"type": "string"}} for name in headers},
        }
    }
    integration = {
        "type": "mock",
        "passthroughBehavior": "never",
        "requestTemplates": dict.fromkeys(MOCK_MEDIA_TYPES, f'{{"statusCode": {status}}}'),
        "responses": {
            "default": {
                "statusCode": str(status),
                "responseParameters": {f"method.response.header.{name}": f"'{v}'" for name, v in headers.items()},
                "responseTemplates": {"application/json": body},
            }
        },
    }
    return responses, integration


def _preflight(path: str, allow: str, allowed_origin: str) -> Document:
    headers = {
        "Access-Control-Allow-Origin": allowed_origin,
        "Access-Control-Allow-Methods": allow,
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "600",
    }
    responses, integration = _mock(200, headers, "{}")
    return _mock_method(path, responses, integration)


def _method_not_allowed(path: str, allow: str) -> Document:
    body = _message(405, "METHOD_NOT_ALLOWED", f"This path knows {allow}.")
    responses, integration = _mock(405, {"Allow": allow}, body)
    return _mock_method(path, responses, integration)


def _mock_method(path: str, responses: Document, integration: Document) -> Document:
    parameters = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in path.split("/")
        if part.startswith("{")
    ]
    return {
        "security": [],
        "parameters": parameters,
        "responses": responses,
        "x-amazon-apigateway-integration": integration,
    }


def _gateway_response(status: int, code: str, sentence: str, allowed_origin: str) -> Document:
    headers = {"Access-Control-Allow-Origin": allowed_origin, "Cache-Control": "no-store"}
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        headers["Access-Control-Expose-Headers"] = "Retry-After"
    return {
        "statusCode": status,
        "responseParameters": {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()},
        "responseTemplates": {"application/json": _message(status, code, sentence)},
    }


def _message(status: int, code: str, sentence: str) -> str:
    return f'{{"statusCode": {status}, "message": "{code}", "description": "{sentence}"}}'
