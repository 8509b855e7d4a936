"""Puts a proxy on each line of a deployed stack: only the functions' environments change, over the cloud's API."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from local_cloud.aws_key import AwsKey
from tests.faults.http_proxy import HOST, HttpProxy
from tests.faults.mysql_proxy import MysqlProxy
from tests.faults.plan import Plan
from tests.stack import Stack

# Functions off the way of a lead.
_UNTOUCHED = ("api-migrations", "form-page")


class Lines:
    """The proxies by function: before the AWS endpoint, the CRM API and the database."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.plan = Plan()
        self.aws: dict[str, HttpProxy] = {}
        self.api: dict[str, HttpProxy] = {}
        self.database: dict[str, MysqlProxy] = {}
        self._functions = stack.client("lambda")
        self._prefix = stack.outputs["lead_flow_arn"].rpartition(":")[2].removesuffix("flow")
        self._before: dict[str, dict[str, str]] = {}

    def put_in(self) -> None:
        for function in (
            self._functions.get_paginator("list_functions").paginate().build_full_result()["Functions"]
        ):
            name = function["FunctionName"]
            if not name.startswith(self._prefix) or name.removeprefix(self._prefix) in _UNTOUCHED:
                continue
            own = function.get("Environment", {}).get("Variables", {})
            self._before[name] = own
            self._set(name, {**own, **self._lines_of(name.removeprefix(self._prefix), own)})

    def take_out(self) -> None:
        self.plan.clear()
        for name, own in self._before.items():
            self._set(name, own)
        for proxy in [*self.aws.values(), *self.api.values(), *self.database.values()]:
            proxy.close()

    def name_of(self, function: str) -> str:
        return self._prefix + function

    def _lines_of(self, function: str, own: Mapping[str, str]) -> dict[str, str]:
        self.aws[function] = HttpProxy(self.stack.outputs["aws_endpoint_url"], function, self.plan)
        lines = {"AWS_ENDPOINT_URL": self.aws[function].url}
        if "CRM_API_URL" in own:
            self.api[function] = HttpProxy(own["CRM_API_URL"], function, self.plan, "api")
            lines["CRM_API_URL"] = self.api[function].url
        if "DATABASE_HOST" in own:
            self.database[function] = MysqlProxy(
                own["DATABASE_HOST"], int(own["DATABASE_PORT"]), function, self.plan
            )
            lines |= {"DATABASE_HOST": HOST, "DATABASE_PORT": str(self.database[function].port)}
        return lines

    def _set(self, name: str, variables: Mapping[str, str]) -> None:
        self._functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": dict(variables)}
        )


@contextmanager
def lines(stack: Stack) -> Iterator[Lines]:
    wired = Lines(stack)
    try:
        wired.put_in()
        yield wired
    finally:
        wired.take_out()


@contextmanager
def scaled_waits(stack: Stack, scale: float, before: float = 1) -> Iterator[None]:
    """The state machine's waits last `scale` of their seconds: on the local cloud only, as a test's clock."""
    _scale_waits(stack, scale)
    try:
        yield
    finally:
        _scale_waits(stack, before)


def _scale_waits(stack: Stack, scale: float) -> None:
    body = json.dumps({"stepfunctions._SFN_WAIT_SCALE": scale}).encode()
    url = f"{stack.outputs['aws_endpoint_url']}/_ministack/config"
    headers = AwsKey.of_outputs(stack.outputs).signed_headers("POST", url, body)
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        applied: dict[str, Any] = json.loads(answer.read())["applied"]
    assert applied == {"stepfunctions._SFN_WAIT_SCALE": scale}, "the emulator has no such setting any more"
