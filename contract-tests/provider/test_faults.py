"""What a caller learns when something behind an operation fails: a documented answer, nothing of the inside."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from support import contract, database, rut
from support.stack import Stack

TABLES = {
    "createClient": "CLIENTS",
    "createPartner": "PARTNER",
    "createBenefit": "BENEFIT",
    "getClient": "CLIENTS",
}
INTERNAL_ERROR = {
    "statusCode": 500,
    "message": "INTERNAL_ERROR",
    "description": "Something went wrong on our side; the request was not completed.",
}


@pytest.fixture
def outputs(stack: Stack) -> Any:
    if not stack.outputs:
        pytest.skip("nothing behind a stage elsewhere is broken on purpose")
    return stack.outputs


@pytest.fixture
def lost_table(outputs: Any, name: str) -> Iterator[None]:
    table = TABLES[name]
    back = f"RENAME TABLE IF EXISTS LOST_{table} TO {table}"
    database.execute(outputs, back, f"RENAME TABLE {table} TO LOST_{table}")  # back, if a run before was killed
    yield
    database.execute(outputs, back)


@pytest.mark.usefixtures("lost_table")
@pytest.mark.parametrize("name", TABLES)
def test_an_error_that_nobody_planned_for_tells_nothing(stack: Stack, name: str) -> None:
    method, path = contract.operations()[name]
    key = rut.new()
    body = contract.example(name, key) if method == "POST" else None
    assert contract.hold(name, stack.request(method, path.format(rut=key), body), 500) == INTERNAL_ERROR


class Bus(BaseHTTPRequestHandler):
    """An event bus that answers each PutEvents as its server says."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.details += [json.loads(entry["Detail"]) for entry in request["Entries"]]
        status, body = self.server.scripted
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


SLOW = "takes its time to deliver"
BUSES: dict[str, tuple[int, Any]] = {
    "refuses the entry": (
        200,
        {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "canary"}]},
    ),
    SLOW: (200, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}),
    "is throttled": (400, {"__type": "ThrottlingException", "message": "canary"}),
    "is broken": (500, {"__type": "InternalException", "message": "canary"}),
}


@pytest.fixture
def bus(stack: Stack, outputs: Any, kind: str) -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Bus) as server:
        server.details, server.scripted = [], BUSES[kind]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with environment(
            stack, "submit-lead", AWS_ENDPOINT_URL_EVENTBRIDGE=f"http://127.0.0.1:{server.server_port}"
        ):
            yield server
        server.shutdown()


@contextmanager
def environment(stack: Stack, suffix: str, **variables: str) -> Iterator[None]:
    """A function of the stack has further variables meanwhile."""
    functions = stack.aws("lambda")
    (function,) = (
        each
        for each in functions.list_functions(MaxItems=100)["Functions"]
        if each["FunctionName"].endswith(suffix)
    )
    update = partial(functions.update_function_configuration, FunctionName=function["FunctionName"])
    before = function["Environment"]["Variables"]
    update(Environment={"Variables": {**before, **variables}})
    try:
        yield
    finally:
        update(Environment={"Variables": before})


@pytest.mark.parametrize("kind", sorted(set(BUSES) - {SLOW}))
def test_a_lead_that_the_bus_does_not_take_is_refused_and_forgotten(stack: Stack, bus: Any, kind: str) -> None:
    body = contract.example("submitLead", rut.new())
    response = stack.request("POST", "/leads", body, key=False)
    assert contract.hold("submitLead", response, 503)["message"] == "EVENT_BUS_UNAVAILABLE"
    assert int(response.headers["Retry-After"]) > 0
    assert b"canary" not in response.data
    assert bus.details
    for detail in bus.details:
        assert detail == {**body, "leadId": detail["leadId"]}
        contract.hold("getLead", stack.request("GET", f"/leads/{detail['leadId']}", key=False), 404)


@pytest.mark.usefixtures("bus")
@pytest.mark.parametrize("kind", [SLOW])
def test_a_lead_is_known_before_the_bus_has_delivered_it(stack: Stack) -> None:
    body = contract.example("submitLead", rut.new())
    lead_id = contract.hold("submitLead", stack.request("POST", "/leads", body, key=False), 202)["leadId"]
    status = contract.hold("getLead", stack.request("GET", f"/leads/{lead_id}", key=False), 200)
    assert (status["status"], status["step"]) == ("SUBMITTED", "submitted")
    # its event never comes, and a run waits for its leads before it removes their rows
    stack.aws("dynamodb").delete_item(TableName=stack.outputs["lead_table_name"], Key={"leadId": {"S": lead_id}})
