"""Makes a REST API what its OpenAPI document says, touching only what differs.

What is new comes before what is old goes, so that requests in flight find a method throughout. Methods are live
at once on the emulator; gateway responses with the next deployment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_cloud.provider.openapi import (
    GatewayResponse,
    Integration,
    Method,
    Response,
    RestApi,
    Validator,
    translate,
)
from local_cloud.provider.patches import changes
from local_cloud.provider.resource import Answer, Scope

PAGE = 500


@dataclass(frozen=True, kw_only=True)
class Present:
    """What the cloud holds of an API, and the ids that only the cloud knows."""

    api: RestApi
    resources: Mapping[str, str]
    """Resource ids by path."""
    validator_ids: Mapping[str, str] = field(default_factory=dict)


class Gateway:
    """The operations of one REST API."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def call(self, operation: str, **parameters: Any) -> Answer:
        sent = {name: value for name, value in parameters.items() if value is not None}
        return self._scope.call(operation, restApiId=self._scope.id, **sent)

    def pages(self, operation: str, **parameters: Any) -> Iterator[Answer]:
        position = None
        while True:
            answer = self.call(operation, limit=PAGE, position=position, **parameters)
            yield from answer.get("items", [])
            position = answer.get("position")
            if not position:
                return


def apply(scope: Scope) -> None:
    wanted = translate(scope.inputs["body"])
    gateway = Gateway(scope)
    present = read(gateway)
    validator_ids = put_validators(gateway, present, wanted)
    put_models(gateway, present.api, wanted)
    resources = put_resources(gateway, present, wanted)
    for (path, http_method), method in wanted.methods.items():
        target = MethodTarget(gateway, resources[path], http_method)
        put_method(target, present.api.methods.get((path, http_method)), method, validator_ids)
    put_gateway_responses(gateway, present.api, wanted)
    remove_the_rest(gateway, present, wanted)


def read(gateway: Gateway) -> Present:
    validators = list(gateway.pages("get_request_validators"))
    names = {one["id"]: one["name"] for one in validators}
    resources = list(gateway.pages("get_resources", embed=["methods"]))
    api = RestApi(
        methods={
            (resource["path"], http_method): present_method(method, names)
            for resource in resources
            for http_method, method in resource.get("resourceMethods", {}).items()
            if method.get("methodIntegration")
        },
        validators={
            one["name"]: Validator(body=one["validateRequestBody"], parameters=one["validateRequestParameters"])
            for one in validators
        },
        models={one["name"]: one["schema"] for one in gateway.pages("get_models")},
        gateway_responses={
            one["responseType"]: GatewayResponse(
                status=one.get("statusCode"),
                parameters=one.get("responseParameters", {}),
                templates=one.get("responseTemplates", {}),
            )
            for one in gateway.pages("get_gateway_responses")
            if not one.get("defaultResponse")
        },
    )
    return Present(
        api=api,
        resources={resource["path"]: resource["id"] for resource in resources},
        validator_ids={name: id_ for id_, name in names.items()},
    )


def present_method(method: Answer, validators: Mapping[str, str]) -> Method:
    integration = method["methodIntegration"]
    return Method(
        integration=Integration(
            type=integration["type"],
            http_method=integration.get("httpMethod"),
            uri=integration.get("uri") or None,
            credentials=integration.get("credentials"),
            passthrough=integration.get("passthroughBehavior", ""),
            templates=integration.get("requestTemplates") or {},
            parameters=integration.get("requestParameters") or {},
            timeout=integration.get("timeoutInMillis", 0),
            content_handling=integration.get("contentHandling"),
            responses=tuple(
                Response(
                    status=status,
                    pattern=response.get("selectionPattern") or "",
                    parameters=response.get("responseParameters") or {},
                    templates=response.get("responseTemplates") or {},
                    content_handling=response.get("contentHandling"),
                )
                for status, response in sorted((integration.get("integrationResponses") or {}).items())
            ),
        ),
        operation=method.get("operationName", ""),
        api_key_required=method.get("apiKeyRequired", False),
        parameters=method.get("requestParameters") or {},
        validator=validators.get(method.get("requestValidatorId") or ""),
        models=method.get("requestModels") or {},
        responses={
            status: response.get("responseParameters") or {}
            for status, response in (method.get("methodResponses") or {}).items()
        },
    )


def put_validators(gateway: Gateway, present: Present, wanted: RestApi) -> dict[str, str]:
    """The ids of the validators, by name."""
    ids = dict(present.validator_ids)
    for name, validator in wanted.validators.items():
        if name not in ids:
            ids[name] = gateway.call(
                "create_request_validator",
                name=name,
                validateRequestBody=validator.body,
                validateRequestParameters=validator.parameters,
            )["id"]
        elif present.api.validators[name] != validator:
            patch = {"validateRequestBody": validator.body, "validateRequestParameters": validator.parameters}
            gateway.call(
                "update_request_validator",
                requestValidatorId=ids[name],
                patchOperations=[
                    {"op": "replace", "path": f"/{member}", "value": str(value).lower()}
                    for member, value in patch.items()
                ],
            )
    return ids


def put_models(gateway: Gateway, present: RestApi, wanted: RestApi) -> None:
    for name, schema in wanted.models.items():
        if name not in present.models:
            gateway.call("create_model", name=name, contentType="application/json", schema=schema)
        elif present.models[name] != schema:
            gateway.call(
                "update_model",
                modelName=name,
                patchOperations=[{"op": "replace", "path": "/schema", "value": schema}],
            )


def put_resources(gateway: Gateway, present: Present, wanted: RestApi) -> dict[str, str]:
    """The ids of the resources, by path."""
    ids = dict(present.resources)
    for path in sorted({path for path, _ in wanted.methods}):
        parent = "/"
        for step in path.strip("/").split("/") if path != "/" else []:
            here = f"{parent.rstrip('/')}/{step}"
            if here not in ids:
                ids[here] = gateway.call("create_resource", parentId=ids[parent], pathPart=step)["id"]
            parent = here
    return ids


@dataclass(frozen=True)
class MethodTarget:
    gateway: Gateway
    resource: str
    http_method: str

    def call(self, operation: str, **parameters: Any) -> None:
        self.gateway.call(operation, resourceId=self.resource, httpMethod=self.http_method, **parameters)


def put_method(
    target: MethodTarget, present: Method | None, wanted: Method, validators: Mapping[str, str]
) -> None:
    # A patch changes a method in place. The emulator can't patch models, and forgets the integration of a method
    # that is put again, so that the next call must follow at once.
    if present is not None and present.models == wanted.models:
        patch_method(target, present, wanted, validators)
    else:
        present = None
        target.call(
            "put_method",
            authorizationType="NONE",
            apiKeyRequired=wanted.api_key_required,
            operationName=wanted.operation,
            requestParameters=dict(wanted.parameters),
            requestModels=dict(wanted.models),
            requestValidatorId=validators.get(wanted.validator or ""),
        )
    put_integration(target, present.integration if present else None, wanted.integration)
    put_method_responses(target, present.responses if present else {}, wanted.responses)


def patch_method(target: MethodTarget, present: Method, wanted: Method, validators: Mapping[str, str]) -> None:
    old, new = patchable(present, validators), patchable(wanted, validators)
    operations = [one for path in old for one in changes(path, old[path], new[path])]
    if operations:
        target.call("update_method", patchOperations=operations)


def patchable(method: Method, validators: Mapping[str, str]) -> dict[str, Any]:
    """What a method is apart from its models and from how it is answered, by patch path."""
    return {
        "/apiKeyRequired": method.api_key_required,
        "/operationName": method.operation,
        "/requestParameters": dict(method.parameters),
        "/requestValidatorId": validators.get(method.validator or ""),
    }


def put_integration(target: MethodTarget, present: Integration | None, wanted: Integration) -> None:
    old = {} if present is None else {response.status: response for response in present.responses}
    if present is None or request_of(present) != request_of(wanted):
        target.call(
            "put_integration",
            type=wanted.type,
            integrationHttpMethod=wanted.http_method,
            uri=wanted.uri,
            credentials=wanted.credentials,
            passthroughBehavior=wanted.passthrough,
            requestTemplates=dict(wanted.templates),
            requestParameters=dict(wanted.parameters),
            timeoutInMillis=wanted.timeout,
            contentHandling=wanted.content_handling,
        )
        old = {}
    for response in wanted.responses:
        if old.pop(response.status, None) != response:
            target.call(
                "put_integration_response",
                statusCode=response.status,
                selectionPattern=response.pattern or None,
                responseParameters=dict(response.parameters),
                responseTemplates=dict(response.templates),
                contentHandling=response.content_handling,
            )
    for status in old:
        target.call("delete_integration_response", statusCode=status)


def request_of(integration: Integration) -> tuple[object, ...]:
    """What an integration sends; its method is the emulator's own choice where the document names none."""
    return (
        integration.type,
        integration.uri,
        integration.http_method or "POST",
        integration.credentials,
        integration.passthrough,
        dict(integration.templates),
        dict(integration.parameters),
        integration.timeout,
        integration.content_handling,
    )


def put_method_responses(
    target: MethodTarget, present: Mapping[str, Mapping[str, bool]], wanted: Mapping[str, Mapping[str, bool]]
) -> None:
    for status, headers in wanted.items():
        if present.get(status) != headers:
            target.call("put_method_response", statusCode=status, responseParameters=dict(headers))
    for status in present.keys() - wanted.keys():
        target.call("delete_method_response", statusCode=status)


def put_gateway_responses(gateway: Gateway, present: RestApi, wanted: RestApi) -> None:
    for kind, response in wanted.gateway_responses.items():
        if not same_response(present.gateway_responses.get(kind), response):
            gateway.call(
                "put_gateway_response",
                responseType=kind,
                statusCode=response.status,
                responseParameters=dict(response.parameters),
                responseTemplates=dict(response.templates),
            )


def same_response(present: GatewayResponse | None, wanted: GatewayResponse) -> bool:
    """The cloud fills in a status and a template of its own where the document has none."""
    return (
        present is not None
        and wanted.status in (None, present.status)
        and present.parameters == wanted.parameters
        and wanted.templates in ({}, present.templates)
    )


def remove_the_rest(gateway: Gateway, present: Present, wanted: RestApi) -> None:
    for path, http_method in present.api.methods.keys() - wanted.methods.keys():
        gateway.call("delete_method", resourceId=present.resources[path], httpMethod=http_method)
    needed = {"/"}
    for path, _ in wanted.methods:
        steps = path.strip("/").split("/")
        needed |= {"/" + "/".join(steps[:length]) for length in range(1, len(steps) + 1)}
    # In this order a resource goes before its parent.
    for path in sorted(present.resources.keys() - needed, reverse=True):
        gateway.call("delete_resource", resourceId=present.resources[path])
    for name in present.api.models.keys() - wanted.models.keys():
        gateway.call("delete_model", modelName=name)
    for name in present.api.validators.keys() - wanted.validators.keys():
        gateway.call("delete_request_validator", requestValidatorId=present.validator_ids[name])
    for kind in present.api.gateway_responses.keys() - wanted.gateway_responses.keys():
        gateway.call("delete_gateway_response", responseType=kind)
