"""Runs the unmodified program and records what it registers: resources, with their place in the tree, and outputs.

Each run is a process of its own, since Pulumi's mocks are global; they are forked from one that has loaded this
module and with it Pulumi's large packages, but nothing of the repository's.
"""

import hashlib
import json
import os
import runpy
import sys
import traceback
import warnings
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import get_root_resource

ACCOUNT, REGION = "123456789012", "us-east-1"
SUFFIX = "-1234567"  # as long as the one that Pulumi appends to a name that the program doesn't set
AREAS = [
    "apigateway",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "iam",
    "kms",
    "lambda_",
    "rds",
    "secretsmanager",
    "sfn",
    "sns",
    "sqs",
    "vpc",
]

Inputs = dict[str, Any]

with warnings.catch_warnings():
    # Pulumi's AWS package warns about a class of its own while it loads
    warnings.simplefilter("ignore", DeprecationWarning)
    for area in AREAS:
        hasattr(getattr(pulumi_aws, area), "anything")  # asked for an attribute, a lazy module loads


def arn(service: str, resource: str, *, region: str = REGION) -> Callable[[str, Inputs], str]:
    return lambda name, inputs: f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}{name}"


def rule_arn(name: str, inputs: Inputs) -> str:
    bus = f"{inputs['eventBusName']}/" if "eventBusName" in inputs else ""
    return f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{bus}{name}"


def invoke_arn(name: str, inputs: Inputs) -> str:
    function = arn("lambda", "function:")(name, inputs)
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"


# What AWS would answer beyond the inputs: type -> output -> a function of the name in AWS and the inputs.
OUTPUTS: dict[str, dict[str, Callable[[str, Inputs], Any]]] = {
    "aws:lambda/function:Function": {"arn": arn("lambda", "function:"), "invokeArn": invoke_arn},
    "aws:lambda/functionUrl:FunctionUrl": {"functionUrl": lambda name, inputs: "https://form.example/"},
    "aws:lambda/invocation:Invocation": {"result": lambda name, inputs: "{}"},
    "aws:apigateway/restApi:RestApi": {"executionArn": lambda name, inputs: arn("execute-api", "api1")("", {})},
    "aws:apigateway/stage:Stage": {"invokeUrl": lambda name, inputs: f"https://api.example/{inputs['stageName']}"},
    "aws:apigateway/apiKey:ApiKey": {"value": lambda name, inputs: "key-of-at-least-20-characters"},
    "aws:cloudwatch/eventBus:EventBus": {"arn": arn("events", "event-bus/")},
    "aws:cloudwatch/eventRule:EventRule": {"arn": rule_arn},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"arn": arn("cloudwatch", "alarm:")},
    "aws:kms/key:Key": {"arn": arn("kms", "key/")},
    "aws:cloudwatch/logGroup:LogGroup": {"arn": arn("logs", "log-group:")},
    "aws:dynamodb/table:Table": {"arn": arn("dynamodb", "table/")},
    "aws:iam/role:Role": {"arn": arn("iam", "role/", region="")},
    "aws:rds/instance:Instance": {
        "address": lambda name, inputs: "crm.example",
        "identifier": lambda name, inputs: name,
        "masterUserSecrets": lambda name, inputs: [
            {"secretArn": arn("secretsmanager", "secret:")("rds-owner", {})}
        ],
    },
    "aws:secretsmanager/secret:Secret": {"arn": arn("secretsmanager", "secret:")},
    "aws:secretsmanager/secretVersion:SecretVersion": {"secretArn": lambda name, inputs: inputs["secretId"]},
    "aws:sfn/stateMachine:StateMachine": {"arn": arn("states", "stateMachine:")},
    "aws:sns/topic:Topic": {"arn": arn("sns", "")},
    "aws:sqs/queue:Queue": {"arn": arn("sqs", ""), "url": lambda name, inputs: f"https://sqs.example/{name}"},
}
ID_IS_ARN = {"aws:secretsmanager/secret:Secret"}
INVOKES = {
    "aws:index/getRegion:getRegion": {"region": REGION, "id": REGION},
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT, "id": ACCOUNT},
}


# An account that has opted into a Local Zone, and whose first zone takes no functions: name, id, opt-in, type
ZONES = [
    ("us-east-1-atl-1a", "use1-atl1-az1", "opted-in", "local-zone"),
    ("us-east-1a", "use1-az3", "opt-in-not-required", "availability-zone"),
    ("us-east-1b", "use1-az1", "opt-in-not-required", "availability-zone"),
    ("us-east-1c", "use1-az2", "opt-in-not-required", "availability-zone"),
]


def zones(args: Inputs) -> dict[str, Any]:
    """What AWS finds, by name as its provider sorts them."""
    asked = {each["name"]: each["values"] for each in args.get("filters", [])}
    found = [
        (name, id_)
        for name, id_, opt_in, type_ in ZONES
        if id_ not in args.get("excludeZoneIds", [])
        and opt_in in asked.get("opt-in-status", [opt_in])
        and type_ in asked.get("zone-type", [type_])
    ]
    return {"names": [name for name, _ in found], "zoneIds": [id_ for _, id_ in found], "id": REGION}


class Cloud(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if not args.custom:
            return "", {}
        inputs = {key: unwrapped(value)[0] for key, value in args.inputs.items()}
        name = inputs.get("name") or args.name + SUFFIX
        outputs = {"name": name, **inputs}
        for output, value in OUTPUTS.get(args.typ, {}).items():
            outputs[output] = value(name, inputs)
        return outputs["arn"] if args.typ in ID_IS_ARN else f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        if args.token == "aws:index/getAvailabilityZones:getAvailabilityZones":
            return zones(args.args)
        return INVOKES[args.token]


class Recorder(mocks.MockMonitor):
    def __init__(self) -> None:
        super().__init__(Cloud())
        self.recorded: list[dict[str, Any]] = []
        self.outputs: dict[str, Any] = {}
        self.secret_outputs: list[str] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        answer = super().RegisterResource(request)
        if request.type == "pulumi:pulumi:Stack":
            return answer
        found = {key: unwrapped(value) for key, value in rpc.deserialize_properties(request.object).items()}
        self.recorded.append(
            {
                "type": request.type,
                "name": request.name,
                "urn": answer.urn,
                "parent": request.parent,
                "dependencies": sorted(request.dependencies),
                "inputs": {key: value for key, (value, _) in found.items()},
                "secrets": sorted(key for key, (_, secret) in found.items() if secret),
                "retained": request.retainOnDelete,
                "protected": request.protect,
                "ignored": list(request.ignoreChanges),
                "outputs": {} if not request.custom else self.resources[answer.urn].state,
            }
        )
        return answer

    async def record_outputs(self, exports: Mapping[str, Any]) -> None:
        for name, value in exports.items():
            output = pulumi.Output.from_input(value)
            self.outputs[name] = await output.future()
            if await output.is_secret():
                self.secret_outputs.append(name)


def unwrapped(value: Any) -> tuple[Any, bool]:
    """The plain value, and whether it was a secret."""
    secret = rpc.is_rpc_secret(value)
    return (rpc.unwrap_rpc_secret(value) if secret else value), secret


def plain(value: object) -> object:
    """An archive as {name in it: the hash of its content}."""
    if isinstance(value, pulumi.AssetArchive):
        return {name: digest(asset) for name, asset in value.assets.items()}
    raise TypeError(f"{value!r} is not JSON")


def digest(asset: Any) -> str:
    return hashlib.sha256(content_of(asset)).hexdigest()


def content_of(asset: Any) -> bytes:
    return Path(asset.path).read_bytes() if isinstance(asset, pulumi.FileAsset) else asset.text.encode()


def unpack(archive: Any, folder: Path) -> None:
    for name, asset in archive.assets.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content_of(asset))


def run(root: Path, stack: str, config: Mapping[str, str], unpack_to: Path | None) -> dict[str, Any]:
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder.mocks, project="leadbridge", stack=stack, preview=False, monitor=recorder)
    pulumi.runtime.set_all_config(dict(config))

    @pulumi.runtime.test
    def program() -> Awaitable[None]:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")
        return recorder.record_outputs(get_root_resource().outputs)

    try:
        program()
    except pulumi.RunError as error:
        # as Pulumi's language host does: the message, no traceback
        return {"error": f"{error} (after {len(recorder.recorded)} resources)"}
    if unpack_to:
        for each in recorder.recorded:
            if each["type"] == "aws:lambda/function:Function":
                unpack(each["inputs"]["code"], unpack_to / each["inputs"]["name"])
    return {
        "resources": recorder.recorded,
        "outputs": recorder.outputs,
        "secret_outputs": recorder.secret_outputs,
    }


def main(root: Path, stack: str, config: Mapping[str, str], unpack_to: Path | None, answer: Path) -> None:
    """The body of the process; writes to `answer`."""
    sys.path.insert(0, str(root))
    os.chdir(root)
    try:
        result = run(root, stack, config, unpack_to)
    except Exception:
        result = {"error": traceback.format_exc()}
    answer.write_text(json.dumps(result, default=plain))
