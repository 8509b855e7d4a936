"""Prints, as JSON, every resource that the program registers. Run as a process of its own: mocks are global."""

import json
import runpy
import sys
from pathlib import Path

import pulumi
from pulumi.runtime import mocks

ACCOUNT, REGION = "123456789012", "us-east-1"

# What AWS would answer, by type: property -> a function of (name, inputs).
OUTPUTS = {
    "aws:lambda/function:Function": {
        "arn": lambda n, i: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{i['name']}",
        "invokeArn": lambda n, i: f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{i['name']}/invocations",
    },
    "aws:lambda/functionUrl:FunctionUrl": {"functionUrl": lambda n, i: "https://form.example/"},
    "aws:lambda/invocation:Invocation": {"result": lambda n, i: "{}"},
    "aws:apigateway/restApi:RestApi": {
        "executionArn": lambda n, i: f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api",
        "rootResourceId": lambda n, i: "root",
    },
    "aws:apigateway/stage:Stage": {"invokeUrl": lambda n, i: "https://api.example/stage"},
    "aws:apigateway/apiKey:ApiKey": {"value": lambda n, i: "key-of-at-least-20-characters"},
    "aws:rds/instance:Instance": {
        "address": lambda n, i: "crm.example",
        "masterUserSecrets": lambda n, i: [{"secretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds"}],
    },
    "aws:sqs/queue:Queue": {"url": lambda n, i: f"https://sqs.example/{n}"},
}
SERVICES = {"aws:cloudwatch/eventBus:EventBus": "event-bus", "aws:sfn/stateMachine:StateMachine": "stateMachine"}
INVOKES = {
    "aws:index/getRegion:getRegion": {"region": REGION, "id": REGION},
    "aws:index/getAvailabilityZones:getAvailabilityZones": {"names": ["us-east-1a", "us-east-1b"], "id": REGION},
}


class Recorder(mocks.Mocks):
    def __init__(self) -> None:
        self.resources: list[dict] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict]:
        self.resources.append({"type": args.typ, "name": args.name, "inputs": args.inputs})
        kind = SERVICES.get(args.typ, args.typ.split(":")[-1])
        outputs = {"arn": f"arn:aws:mock:{REGION}:{ACCOUNT}:{kind}/{args.name}", "name": args.name, **args.inputs}
        for name, value in OUTPUTS.get(args.typ, {}).items():
            outputs[name] = value(args.name, args.inputs)
        return f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> dict:
        return INVOKES[args.token]


def plain(value: object) -> object:
    if isinstance(value, pulumi.AssetArchive):
        return {"archive": sorted(value.assets)}
    return str(value)


def main(stack: str) -> None:
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="leadbridge", stack=stack, preview=False)
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env())
    program = Path.cwd() / "__main__.py"

    @pulumi.runtime.test
    def run() -> None:
        runpy.run_path(str(program), run_name="__main__")

    run()
    json.dump(recorder.resources, sys.stdout, default=plain)


main(sys.argv[1])
