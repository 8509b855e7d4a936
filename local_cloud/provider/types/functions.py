"""Lambda: functions, who may call them, their URLs, and invocations."""

import json
from typing import Any

from local_cloud.engine.provider import Properties, ProviderError
from local_cloud.provider.archive import zipped
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

CONFIGURATION = same(
    "role runtime handler description timeout memorySize environment vpcConfig tracingConfig loggingConfig "
    "deadLetterConfig ephemeralStorage layers kmsKeyArn"
)

API_GATEWAY = "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions"
"""Where API Gateway invokes functions."""

FUNCTION = Resource(
    type="aws:lambda/function:Function",
    service="lambda",
    name=AutoName(limit=64),
    inputs={
        **CONFIGURATION,
        "name": "FunctionName",
        "architectures": "Architectures",
        "code": To(path="Code.ZipFile", convert=zipped),
    },
    key={"FunctionName": "name"},
    create="create_function",
    update=(
        Call(
            operation="update_function_code",
            inputs={"code": To(path="ZipFile", convert=zipped), "architectures": "Architectures"},
        ),
        Call(operation="update_function_configuration", inputs=CONFIGURATION),
    ),
    read="get_function_configuration",
    delete="delete_function",
    settings=(
        Setting(
            put="put_function_concurrency",
            remove="delete_function_concurrency",
            inputs=same("reservedConcurrentExecutions"),
            none=-1,
        ),
    ),
    tagging=Tagging(tag="tag_resource", untag="untag_resource", key={"Resource": "arn"}),
    id="{name}",
    outputs={
        "arn": "FunctionArn",
        "version": "Version",
        "lastModified": "LastModified",
        "codeSha256": "CodeSha256",
        "sourceCodeSize": "CodeSize",
    },
    derived={
        "qualifiedArn": "{arn}:{version}",
        "invokeArn": f"{API_GATEWAY}/{{arn}}/invocations",
        "qualifiedInvokeArn": f"{API_GATEWAY}/{{qualifiedArn}}/invocations",
    },
    replace=names("name"),
    resets={
        "description": "",
        "timeout": 3,
        "memorySize": 128,
        "environment": {"variables": {}},
        "vpcConfig": {"subnetIds": [], "securityGroupIds": []},
        "tracingConfig": {"mode": "PassThrough"},
        "loggingConfig": {"logFormat": "Text"},
        "deadLetterConfig": {"targetArn": ""},
        "ephemeralStorage": {"size": 512},
        "layers": [],
        "architectures": ["x86_64"],
    },
    not_sent={
        "sourceCodeHash": "the archive is compared by its own content",
        "packageType": "every function is a zip",
    },
)


def read_permission(scope: Scope) -> Answer | None:
    """Lambda shows a permission only as a statement of the function's policy, which is JSON text."""
    parameters = {"FunctionName": scope.value("function"), "Qualifier": scope.value("qualifier")}
    answer = scope.call("get_policy", **{name: value for name, value in parameters.items() if value})
    statements = json.loads(answer["Policy"])["Statement"]
    return next((one for one in statements if one.get("Sid") == scope.value("statementId")), None)


PERMISSION = Resource(
    type="aws:lambda/permission:Permission",
    service="lambda",
    name=AutoName(property="statementId", limit=100),
    inputs={
        **same("statementId action principal sourceArn sourceAccount eventSourceToken qualifier principalOrgId"),
        **same("functionUrlAuthType invokedViaFunctionUrl"),
        "function": "FunctionName",
    },
    key={"FunctionName": "function", "StatementId": "statementId", "Qualifier": "qualifier"},
    create="add_permission",
    read=read_permission,
    delete="remove_permission",
    id="{statementId}",
    replace=names(
        "statementId action principal sourceArn sourceAccount eventSourceToken qualifier principalOrgId "
        "functionUrlAuthType invokedViaFunctionUrl function"
    ),
    identity=("function", "statementId"),
)


def url_id(found: Answer) -> str:
    """The first label of https://<id>.lambda-url.<region>.on.aws/"""
    host: str = found["FunctionUrl"].removeprefix("https://")
    return host.partition(".")[0]


FUNCTION_URL = Resource(
    type="aws:lambda/functionUrl:FunctionUrl",
    service="lambda",
    inputs={
        **same("functionName qualifier cors invokeMode"),
        "authorizationType": "AuthType",
    },
    key={"FunctionName": "functionName", "Qualifier": "qualifier"},
    create="create_function_url_config",
    update=("update_function_url_config",),
    read="get_function_url_config",
    delete="delete_function_url_config",
    id="{functionName}",
    outputs={"functionArn": "FunctionArn", "urlId": url_id},
    # The emulator's own host names need a resolver; its path form works with any client.
    derived={"functionUrl": "{endpoint}/_aws/lambda-url/{urlId}/"},
    replace=names("functionName qualifier"),
    identity=("functionName", "qualifier"),
    resets={"cors": {}, "invokeMode": "BUFFERED"},
)

EVENT_INVOKE_CONFIG = Resource(
    type="aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    service="lambda",
    inputs={
        **same("functionName qualifier destinationConfig maximumRetryAttempts"),
        "maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
    },
    key={"FunctionName": "functionName", "Qualifier": "qualifier"},
    create="put_function_event_invoke_config",
    exists="get_function_event_invoke_config",
    update=("put_function_event_invoke_config",),
    read="get_function_event_invoke_config",
    delete="delete_function_event_invoke_config",
    id="{functionName}",
    replace=names("functionName qualifier"),
    identity=("functionName", "qualifier"),
)

CRUD = "CRUD"


def payload(scope: Scope, action: str) -> str:
    """The input as written; with the CRUD scope, told what the action is, as Pulumi does."""
    given: str = scope.inputs["input"]
    if scope.inputs.get("lifecycleScope") != CRUD:
        return given
    before = json.loads(scope.old["input"]) if "input" in scope.old else None
    told = {"action": action, "prev_input": before}
    return json.dumps({**json.loads(given), scope.inputs.get("terraformKey", "tf"): told})


def invoke(scope: Scope, action: str) -> Answer:
    function = scope.inputs["functionName"]
    parameters = {"FunctionName": function, "Payload": payload(scope, action).encode()}
    if scope.inputs.get("qualifier"):
        parameters["Qualifier"] = scope.inputs["qualifier"]
    answer = scope.call("invoke", **parameters)
    result = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise ProviderError(f"lambda Invoke: {function} failed: {error_text(result)}")
    return {"Result": result}


def error_text(result: str) -> str:
    error: Any = json.loads(result or "null")
    if not isinstance(error, dict):
        return result
    return f"{error.get('errorType', 'unknown error')}: {error.get('errorMessage', '')}"


def invoke_again(scope: Scope) -> None:
    scope.outputs["result"] = invoke(scope, "update")["Result"]


def invoke_at_the_end(scope: Scope) -> None:
    if scope.inputs.get("lifecycleScope") == CRUD:
        invoke(scope, "delete")


def replaces_invocation(inputs: Properties) -> frozenset[str]:
    always = names("functionName qualifier")
    return always if inputs.get("lifecycleScope") == CRUD else always | {"input", "triggers"}


INVOCATION = Resource(
    type="aws:lambda/invocation:Invocation",
    service="lambda",
    inputs=same("functionName input qualifier"),
    create=lambda scope: invoke(scope, "create"),
    read=lambda scope: {"happened": True},
    delete=invoke_at_the_end,
    settings=(Setting(put=invoke_again, inputs=same("input triggers"), at_creation=False),),
    created={"result": "Result"},
    id="{functionName}-invocation",
    documents=names("input"),
    replace=replaces_invocation,
    not_sent={
        "lifecycleScope": "decides when the function is invoked",
        "terraformKey": "names the member of the input that holds the action",
        "triggers": "invokes again when it changes",
    },
)

RESOURCES = (FUNCTION, PERMISSION, FUNCTION_URL, EVENT_INVOKE_CONFIG, INVOCATION)
