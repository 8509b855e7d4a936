"""API Gateway: REST APIs from OpenAPI documents, deployments, stages, keys, usage plans.

API Gateway updates by patch operations; `patch` makes a function of a table of paths.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from local_cloud.engine.provider import CheckFailed, Properties
from local_cloud.provider.openapi import translate
from local_cloud.provider.parameters import text
from local_cloud.provider.patches import PatchOperation, changes, escaped
from local_cloud.provider.resource import (
    Answer,
    AutoName,
    Call,
    Resource,
    Scope,
    Setting,
    Tagging,
    To,
    names,
    same,
)
from local_cloud.provider.rest_api import apply

TAGGING = Tagging(tag="tag_resource", untag="untag_resource", key={"resourceArn": "arn"})
REST_API_KEY = {"restApiId": "restApi"}


def patch(operation: str, key: Mapping[str, str], paths: Mapping[str, str]) -> Callable[[Scope], Answer | None]:
    """Patches each input that has changed (at a creation: that is given) at its path."""

    def call(scope: Scope) -> Answer | None:
        names = paths.keys() & (scope.changed or scope.inputs.keys())
        operations = [
            one
            for name in sorted(names)
            for one in changes(paths[name], scope.old.get(name), scope.inputs.get(name))
        ]
        parameters = {parameter: scope.value(source) for parameter, source in key.items()}
        return scope.call(operation, **parameters, patchOperations=operations) if operations else None

    return call


def patched(operation: str, key: Mapping[str, str], paths: Mapping[str, str]) -> Setting:
    """The updates of a resource whose creation takes all of these inputs."""
    function = patch(operation, key, paths)
    return Setting(put=function, remove=function, inputs=paths, at_creation=False)


REST_API_PATHS = {
    name: f"/{name}"
    for name in names("name description minimumCompressionSize apiKeySource policy disableExecuteApiEndpoint")
}


def check_rest_api(inputs: Properties) -> None:
    if isinstance(inputs.get("body"), str):
        translate(inputs["body"])


REST_API = Resource(
    type="aws:apigateway/restApi:RestApi",
    service="apigateway",
    name=AutoName(limit=1024),
    inputs={
        **same("name description minimumCompressionSize apiKeySource policy disableExecuteApiEndpoint"),
        **same("binaryMediaTypes endpointConfiguration"),
    },
    key={"restApiId": "id"},
    create="create_rest_api",
    read="get_rest_api",
    delete="delete_rest_api",
    settings=(
        Setting(put=apply, inputs=same("body")),
        patched("update_rest_api", {"restApiId": "id"}, REST_API_PATHS),
    ),
    tagging=TAGGING,
    created={"restApiId": "id"},
    outputs={"rootResourceId": "rootResourceId", "createdDate": "createdDate"},
    derived={
        "arn": "arn:aws:apigateway:{region}::/restapis/{id}",
        "executionArn": "arn:aws:execute-api:{region}:{account}:{id}",
    },
    id="{restApiId}",
    documents=names("body policy"),
    # The emulator spoils these two when it patches them.
    replace=names("binaryMediaTypes endpointConfiguration"),
    check=check_rest_api,
    not_sent={"failOnWarnings": "whatever is not translated is refused anyway"},
)

DEPLOYMENT = Resource(
    type="aws:apigateway/deployment:Deployment",
    service="apigateway",
    inputs={**same("description variables"), "restApi": "restApiId"},
    key={**REST_API_KEY, "deploymentId": "id"},
    create="create_deployment",
    read="get_deployment",
    delete="delete_deployment",
    settings=(
        patched("update_deployment", {**REST_API_KEY, "deploymentId": "id"}, {"description": "/description"}),
    ),
    created={"deploymentId": "id"},
    outputs={"createdDate": "createdDate"},
    id="{deploymentId}",
    replace=names("restApi triggers variables"),
    not_sent={"triggers": "a change of them makes a new deployment"},
)

STAGE_KEY = {**REST_API_KEY, "stageName": "stageName"}
STAGE_PATHS = {
    "deployment": "/deploymentId",
    "description": "/description",
    "documentationVersion": "/documentationVersion",
    "variables": "/variables",
    "xrayTracingEnabled": "/tracingEnabled",
    "accessLogSettings": "/accessLogSettings",
}
ACCESS_LOG = {"accessLogSettings": "/accessLogSettings"}

STAGE = Resource(
    type="aws:apigateway/stage:Stage",
    service="apigateway",
    inputs={
        **same("stageName description variables documentationVersion"),
        "restApi": "restApiId",
        "deployment": "deploymentId",
        "xrayTracingEnabled": "tracingEnabled",
    },
    key=STAGE_KEY,
    create="create_stage",
    exists="get_stage",
    read="get_stage",
    delete="delete_stage",
    settings=(
        Setting(put=patch("update_stage", STAGE_KEY, ACCESS_LOG), inputs=ACCESS_LOG),
        patched("update_stage", STAGE_KEY, STAGE_PATHS),
    ),
    tagging=TAGGING,
    id="ags-{restApi}-{stageName}",
    derived={
        "arn": "arn:aws:apigateway:{region}::/restapis/{restApi}/stages/{stageName}",
        "executionArn": "arn:aws:execute-api:{region}:{account}:{restApi}/{stageName}",
        "invokeUrl": "{endpoint}/_aws/execute-api/{restApi}/{stageName}",
    },
    replace=names("restApi stageName"),
    identity=("restApi", "stageName"),
)

METHOD_SETTINGS = {
    "metricsEnabled": "metrics/enabled",
    "loggingLevel": "logging/loglevel",
    "dataTraceEnabled": "logging/dataTrace",
    "throttlingBurstLimit": "throttling/burstLimit",
    "throttlingRateLimit": "throttling/rateLimit",
    "cachingEnabled": "caching/enabled",
    "cacheTtlInSeconds": "caching/ttlInSeconds",
    "cacheDataEncrypted": "caching/dataEncrypted",
    "requireAuthorizationForCacheControl": "caching/requireAuthorizationForCacheControl",
    "unauthorizedCacheControlHeaderStrategy": "caching/unauthorizedCacheControlHeaderStrategy",
}


# As API Gateway keeps them: a resource path with each slash written ~1, and a method; * stands for all.
METHOD_PATH = re.compile(r"(\*|~1[^/]*)/(\*|[A-Z]+)")


def check_method_path(inputs: Properties) -> None:
    given = inputs.get("methodPath")
    if isinstance(given, str) and not METHOD_PATH.fullmatch(given):
        path, _, method = given.rpartition("/")
        raise CheckFailed(
            f"methodPath {given!r} names no method. Write */* for all, or each slash of the resource's path as ~1:"
            f" {escaped('/' + path.strip('/')) + '/' + method.upper()!r}"
        )


def method_path(scope: Scope) -> str:
    return f"/{scope.value('methodPath')}"


def put_method_settings(scope: Scope) -> Answer:
    """A limit of -1 means no limit to AWS, and to the emulator that nothing may pass: the default stays."""
    old, new = scope.old.get("settings") or {}, scope.inputs["settings"]
    operations: list[PatchOperation] = []
    for name, path in METHOD_SETTINGS.items():
        value = new.get(name)
        if value not in (None, -1):
            operations.append({"op": "replace", "path": f"{method_path(scope)}/{path}", "value": text(value)})
        elif old.get(name) not in (None, -1):
            operations.append({"op": "remove", "path": f"{method_path(scope)}/{path}"})
    return patched_stage(scope, operations)


def remove_method_settings(scope: Scope) -> Answer:
    return patched_stage(scope, [{"op": "remove", "path": method_path(scope)}])


def patched_stage(scope: Scope, operations: list[PatchOperation]) -> Answer:
    return scope.call(
        "update_stage",
        restApiId=scope.value("restApi"),
        stageName=scope.value("stageName"),
        patchOperations=operations,
    )


def read_method_settings(scope: Scope) -> Answer | None:
    stage = scope.call("get_stage", restApiId=scope.value("restApi"), stageName=scope.value("stageName"))
    settings: Answer | None = stage.get("methodSettings", {}).get(scope.value("methodPath").replace("~1", "/"))
    return settings


METHOD_SETTINGS_RESOURCE = Resource(
    type="aws:apigateway/methodSettings:MethodSettings",
    service="apigateway",
    inputs=same("restApi stageName methodPath"),
    create=put_method_settings,
    read=read_method_settings,
    delete=remove_method_settings,
    settings=(Setting(put=put_method_settings, inputs=same("settings"), at_creation=False),),
    id="{restApi}-{stageName}-{methodPath}",
    replace=names("restApi stageName methodPath"),
    identity=("restApi", "stageName", "methodPath"),
    check=check_method_path,
)

API_KEY_PATHS = {name: f"/{name}" for name in ("name", "description", "enabled", "customerId")}

API_KEY = Resource(
    type="aws:apigateway/apiKey:ApiKey",
    service="apigateway",
    name=AutoName(limit=1024),
    inputs=same("name description enabled customerId value"),
    key={"apiKey": "id"},
    create="create_api_key",
    read=Call(operation="get_api_key", constants={"includeValue": True}),
    delete="delete_api_key",
    settings=(patched("update_api_key", {"apiKey": "id"}, API_KEY_PATHS),),
    tagging=TAGGING,
    created={"keyId": "id"},
    outputs={"value": "value", "createdDate": "createdDate", "lastUpdatedDate": "lastUpdatedDate"},
    derived={"arn": "arn:aws:apigateway:{region}::/apikeys/{id}"},
    id="{keyId}",
    secret_outputs=names("value"),
    defaults={"enabled": True},
    replace=names("value"),
)


def api_stages(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Limits by method are a mapping to API Gateway, and a list to Pulumi."""
    return [
        {
            "apiId": stage["apiId"],
            "stage": stage["stage"],
            "throttle": {
                one["path"]: {name: value for name, value in one.items() if name != "path"}
                for one in stage.get("throttles") or []
            }
            or None,
        }
        for stage in stages
    ]


USAGE_PLAN_PATHS = {
    "name": "/name",
    "description": "/description",
    "throttleSettings": "/throttle",
    "quotaSettings": "/quota",
}

USAGE_PLAN = Resource(
    type="aws:apigateway/usagePlan:UsagePlan",
    service="apigateway",
    name=AutoName(limit=1024),
    inputs={
        **same("name description"),
        "throttleSettings": "throttle",
        "quotaSettings": "quota",
        "apiStages": To(path="apiStages", convert=api_stages),
    },
    key={"usagePlanId": "id"},
    create="create_usage_plan",
    read="get_usage_plan",
    delete="delete_usage_plan",
    settings=(patched("update_usage_plan", {"usagePlanId": "id"}, USAGE_PLAN_PATHS),),
    tagging=TAGGING,
    created={"usagePlanId": "id"},
    derived={"arn": "arn:aws:apigateway:{region}::/usageplans/{id}"},
    id="{usagePlanId}",
    # AWS adds and removes stages by a patch, which the emulator misreads.
    replace=names("apiStages"),
)

USAGE_PLAN_KEY = Resource(
    type="aws:apigateway/usagePlanKey:UsagePlanKey",
    service="apigateway",
    inputs=same("usagePlanId keyId keyType"),
    key={"usagePlanId": "usagePlanId", "keyId": "keyId"},
    create="create_usage_plan_key",
    read="get_usage_plan_key",
    delete="delete_usage_plan_key",
    outputs={"name": "name", "value": "value"},
    id="{keyId}",
    secret_outputs=names("value"),
    replace=names("usagePlanId keyId keyType"),
    identity=("usagePlanId", "keyId"),
)

ACCOUNT_PATHS = {"cloudwatchRoleArn": "/cloudwatchRoleArn"}

ACCOUNT = Resource(
    type="aws:apigateway/account:Account",
    service="apigateway",
    inputs={},
    create=patch("update_account", {}, ACCOUNT_PATHS),
    read="get_account",
    # There is one per account and region; it can be changed and not deleted.
    delete=None,
    settings=(patched("update_account", {}, ACCOUNT_PATHS),),
    outputs={"apiKeyVersion": "apiKeyVersion", "features": "features", "throttleSettings": "[throttleSettings]"},
    id="api-gateway-account",
)

RESOURCES = (
    REST_API,
    DEPLOYMENT,
    STAGE,
    METHOD_SETTINGS_RESOURCE,
    API_KEY,
    USAGE_PLAN,
    USAGE_PLAN_KEY,
    ACCOUNT,
)
