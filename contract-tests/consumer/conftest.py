"""The deployed consumers, with a recording proxy between them and the API."""

import json
from collections.abc import Iterator

import pytest
from consumer.independent import WireContract
from consumer.recording_proxy import RecordingProxy
from support import journal
from support.stack import ROOT, Stack

from components import flow_definition, openapi

# What tells a function where the API is.
ADDRESSES = ("CRM_API_URL", "API_URL")


@pytest.fixture(scope="session")
def contract() -> WireContract:
    return WireContract(openapi.load(ROOT / "openapi.yaml"))


def accepted(proxy: RecordingProxy) -> Iterator[journal.Key]:
    """The rows of the leads that the API took through the proxy."""
    for each in proxy.exchanges:
        if each.response.status == 202 and not each.scripted:
            lead_id, key = json.loads(each.response.body)["leadId"], json.loads(each.request.body)["rut"]
            yield from journal.rows_of_lead(lead_id, key)


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[RecordingProxy]:
    """Every function of the stack that calls the API calls it through this while the file's tests run."""
    assert stack.outputs, "these tests change settings of functions: run them on the local stack, without URL"
    functions = stack.aws("lambda")
    with RecordingProxy(stack.url).running() as running:
        before = {
            each["FunctionName"]: each["Environment"]["Variables"]
            for each in functions.list_functions(MaxItems=100)["Functions"]
            if set(ADDRESSES) & set(each.get("Environment", {}).get("Variables", {}))
        }
        assert len(before) == len(flow_definition.STEPS) + 1, "the steps and the form"
        for name, variables in before.items():
            through = {address: running.url for address in ADDRESSES if address in variables}
            functions.update_function_configuration(
                FunctionName=name, Environment={"Variables": variables | through}
            )
        yield running
        journal.add(accepted(running))
        stack.remove_test_rows()
        for name, variables in before.items():
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
