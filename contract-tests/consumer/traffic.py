"""What passed between the deployed consumers and the API, held against the contract."""

import json
from collections.abc import Iterable

from consumer.expectations import CALLS, LEAD_ID
from consumer.independent import Request, WireContract
from consumer.recording_proxy import Exchange


def operation_of(request: Request) -> str:
    """The operation that a consumer means."""
    for operation, (method, path, _, body) in CALLS.items():
        known = path if body else path.replace(LEAD_ID, request.path.rpartition("/")[2])
        if (request.method, request.path) == (method, known):
            return operation
    raise AssertionError(f"no consumer of ours is known to send {request.method} {request.path}")


def problems(contract: WireContract, exchanges: Iterable[Exchange]) -> list[str]:
    """Every breach: of a request, and of an answer that came from the API."""
    found = []
    for each in exchanges:
        if each.request.method == "OPTIONS":
            continue  # the browser's question of CORS, which the gateway answers
        operation = operation_of(each.request)
        found += [f"{operation}: {problem}" for problem in contract.request_problems(operation, each.request)]
        if not each.scripted:
            found += [
                f"{operation}: {problem}" for problem in contract.response_problems(operation, each.response)
            ]
    return found


def told_apart(request: Request, own_rut: str, lead_id: str) -> tuple[str, str, dict[str, str], object]:
    """The request as CALLS would have it: with its RUT and lead, and without what HTTP itself adds."""
    *_, headers, body = CALLS[operation_of(request)]
    sent = {name: request.headers.get(name, "") for name in headers}
    if "x-api-key" in sent:
        sent["x-api-key"] = headers["x-api-key"] if sent["x-api-key"] else ""
    text = request.body.decode().replace(own_rut, str((body or {}).get("rut"))) if body else ""
    return (
        request.method,
        request.path.replace(lead_id, LEAD_ID),
        {name: value.replace(lead_id, LEAD_ID) for name, value in sent.items()},
        json.loads(text) if text else None,
    )
