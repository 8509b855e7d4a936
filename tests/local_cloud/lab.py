"""A running emulator to try things on: functions from source text, APIs, executions."""

from __future__ import annotations

import http.client
import io
import itertools
import json
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local_cloud.aws_key import AwsKey
from local_cloud.emulator_process import Emulator

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
_numbers = itertools.count(1)


class Lab:
    def __init__(self, endpoint_url: str, key: AwsKey, region: str = "us-east-1") -> None:
        self.endpoint_url = endpoint_url
        self.key = key
        self._region = region
        self.port = int(endpoint_url.rsplit(":", 1)[1])
        self._clients: dict[str, Any] = {}

    @classmethod
    def of(cls, emulator: Emulator) -> Lab:
        return cls(emulator.endpoint_url, emulator.key)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint_url,
                region_name=self._region,
                aws_access_key_id=self.key.id,
                aws_secret_access_key=self.key.secret,
                config=Config(retries={"max_attempts": 1}, read_timeout=60, max_pool_connections=50),
            )
        return self._clients[service]

    def function(self, source: str, **settings: Any) -> str:
        """Make a function whose module `app` has `handler`, with a role of the same name; its name."""
        name = f"f{next(_numbers)}"
        self.client("lambda").create_function(
            FunctionName=name,
            Role=self._role(name),
            Code={"ZipFile": zipped(source)},
            **{"Runtime": "python3.12", "Handler": "app.handler", "Timeout": 20} | settings,
        )
        return name

    def _role(self, name: str) -> str:
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        return str(role["Role"]["Arn"])

    def allow(self, function: str, action: str, resource: str) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("iam").put_role_policy(RoleName=function, PolicyName="own", PolicyDocument=document)

    def call(self, name: str, event: Any = None) -> Any:
        """The result of a function that must not fail."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    def error_of(self, name: str, event: Any = None) -> dict[str, Any]:
        """The error of a function that must fail."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        assert answer.get("FunctionError") == "Unhandled", payload
        return payload

    def log_of(self, name: str) -> list[str]:
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        return [event["message"] for page in pages for event in page["events"]]

    def rest_api(self, function: str, responses: dict[str, dict[str, Any]] | None = None) -> Api:
        """A REST API that passes every POST on its root to the function."""
        gateway = self.client("apigateway")
        api = gateway.create_rest_api(name=function)["id"]
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]
        gateway.put_method(restApiId=api, resourceId=root, httpMethod="POST", authorizationType="NONE")
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        gateway.put_integration(
            restApiId=api,
            resourceId=root,
            httpMethod="POST",
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        )
        for kind, settings in (responses or {}).items():
            gateway.put_gateway_response(restApiId=api, responseType=kind, **settings)
        gateway.create_deployment(restApiId=api, stageName="s")
        return Api(self.port, f"/_aws/execute-api/{api}/s/")

    def state_machine(self, states: dict[str, Any], start: str) -> str:
        definition = {"StartAt": start, "States": states}
        name = f"m{next(_numbers)}"
        return self.client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=self._role(name)
        )["stateMachineArn"]

    def run(self, state_machine: str, event: Any) -> dict[str, Any]:
        """Execute to the end; the execution's description."""
        machines = self.client("stepfunctions")
        execution = machines.start_execution(stateMachineArn=state_machine, input=json.dumps(event))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            described = machines.describe_execution(executionArn=execution["executionArn"])
            if described["status"] != "RUNNING":
                return described
            time.sleep(0.002)
        raise AssertionError("the execution did not end within 30 s")

    def workers_of(self, name: str) -> int:
        """How many processes have the function's variables."""
        mark = f"AWS_LAMBDA_FUNCTION_NAME={name}".encode()
        count = 0
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                count += (
                    mark in environ.read_bytes().split(b"\0")
                    and f"AWS_ENDPOINT_URL={self.endpoint_url}".encode() in environ.read_bytes()
                )
            except (OSError, ProcessLookupError):
                continue
        return count


class Api:
    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path

    def post(self, body: bytes = b"{}") -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=55)
        try:
            connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read()
        finally:
            connection.close()


def zipped(source: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("app.py", source)
    return archive.getvalue()


def eventually(condition: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def children_of(pid: int) -> list[int]:
    answer = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False)
    return [int(word) for word in answer.stdout.split()]
