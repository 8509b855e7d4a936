"""What openapi.yaml says about one request or answer on the wire. Knows nothing of the handlers' own validator."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from consumer import formats

Document = Mapping[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# Any HTTP library adds these, and RFC 9110 or the fetch standard says what they mean.
TRANSPORT = {
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "host",
    "origin",
    "pragma",
    "referer",
    "user-agent",
}
_BROWSER = re.compile("sec-[a-z-]+|upgrade-insecure-requests")


@dataclass(frozen=True, kw_only=True)
class Request:
    """`path` is relative to the API's URL; header names are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Response:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class WireContract:
    """Every method raises KeyError where a reference leads nowhere."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._texts: dict[int, str] = {}

    def request_problems(self, operation_id: str, request: Request) -> list[str]:
        """Why the request is not one of this operation; nothing when it is."""
        found = self._operation(request)
        if found is None:
            return [f"{request.method} {request.path}: no such operation"]
        operation, path_values = found
        if operation.get("operationId") != operation_id:
            return [f"{request.method} {request.path}: is {operation.get('operationId')}, not {operation_id}"]
        return [
            *self._security_problems(operation, request),
            *self._parameter_problems(operation, path_values, request),
            *self._body_problems(operation, request),
        ]

    def response_problems(self, operation_id: str, response: Response) -> list[str]:
        """Why the operation can't answer this; nothing when it can."""
        operation = self._by_id(operation_id)
        if operation is None:
            return [f"no operation {operation_id}"]
        documented = self._resolved(operation["responses"].get(str(response.status)))
        if documented is None:
            return [f"{operation_id}: status {response.status} is not documented"]
        found = []
        for name, header in documented.get("headers", {}).items():
            rule = self._resolved(header)
            value = response.headers.get(name.lower())
            if value is None:
                found += [f"header {name} is missing"] if rule.get("required") else []
            else:
                found += [f"header {name}: {each}" for each in self.schema_problems(rule["schema"], value)]
        found += self._content_problems(documented.get("content", {}), response.headers, response.body)
        if not found and json.loads(response.body).get("statusCode", response.status) != response.status:
            found.append("body $.statusCode: is not the answer's status")
        return found

    def schema_problems(self, schema: Any, value: object) -> list[str]:
        text = self._texts.get(id(schema))
        if text is None:
            text = self._texts[id(schema)] = json.dumps(self._inlined(schema), sort_keys=True)
        return _problems(text, json.dumps(value))

    def _operations(self) -> Iterator[tuple[str, str, Document]]:
        for path, item in self._document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), path, item[method]

    def _by_id(self, operation_id: str) -> Document | None:
        return next((each for *_, each in self._operations() if each.get("operationId") == operation_id), None)

    def _operation(self, request: Request) -> tuple[Document, Mapping[str, str]] | None:
        path = urlsplit(request.path).path
        for method, template, operation in self._operations():
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                return operation, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    def _keys(self, operation: Document) -> list[Document]:
        """The schemes that the operation asks for. Raise KeyError for one that is not defined."""
        asked = operation.get("security", self._document.get("security", []))
        return [self._document["components"]["securitySchemes"][name] for each in asked for name in each]

    def _security_problems(self, operation: Document, request: Request) -> list[str]:
        return [
            f"security: {key['name']} is not sent as the scheme says"
            for key in self._keys(operation)
            if (key["type"], key["in"]) != ("apiKey", "header") or not request.headers.get(key["name"].lower())
        ]

    def _parameter_problems(
        self, operation: Document, path_values: Mapping[str, str], request: Request
    ) -> list[str]:
        declared = [self._resolved(each) for each in operation.get("parameters", ())]
        sent = {"path": path_values, "header": request.headers}
        found = []
        for rule in declared:
            values = sent.get(rule["in"], {})
            name = rule["name"].lower() if rule["in"] == "header" else rule["name"]
            if name in values:
                found += [f"{rule['name']}: {each}" for each in self.schema_problems(rule["schema"], values[name])]
            elif rule.get("required"):
                found.append(f"{rule['in']} parameter {rule['name']} is missing")
        known = {each["name"].lower() for each in declared if each["in"] == "header"}
        known |= {key["name"].lower() for key in self._keys(operation)}
        found += [
            f"header {name} is not documented"
            for name in request.headers
            if name not in known | TRANSPORT and not _BROWSER.fullmatch(name)
        ]
        names = {rule["name"] for rule in declared if rule["in"] == "path"}
        found += [f"path parameter {name} is not documented" for name in path_values.keys() - names]
        if urlsplit(request.path).query:
            found.append("a query is not documented")
        return found

    def _body_problems(self, operation: Document, request: Request) -> list[str]:
        documented = self._resolved(operation.get("requestBody"))
        if documented is None:
            return ["a body is not documented"] if request.body else []
        if not request.body:
            return ["the body is missing"] if documented.get("required") else []
        return self._content_problems(documented["content"], request.headers, request.body)

    def _content_problems(self, content: Document, headers: Mapping[str, str], body: bytes) -> list[str]:
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in content:
            return [f"media type {media_type or 'none'} is not documented"]
        try:
            value = json.loads(body.decode(), parse_constant=_no_constant, object_pairs_hook=_no_repeats)
        except ValueError:
            return ["the body is not JSON in UTF-8"]
        return [f"body {each}" for each in self.schema_problems(content[media_type]["schema"], value)]

    def _resolved(self, value: Any) -> Any:
        while isinstance(value, dict) and "$ref" in value:
            target: Any = self._document
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            value = target
        return value

    def _inlined(self, schema: Any) -> Any:
        schema = self._resolved(schema)
        if isinstance(schema, dict):
            return {key: self._inlined(value) for key, value in schema.items()}
        return [self._inlined(each) for each in schema] if isinstance(schema, list) else schema


@cache
def _problems(schema: str, value: str) -> list[str]:
    return formats.problems(json.loads(schema), json.loads(value))


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)
