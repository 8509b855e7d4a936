"""Every link of the contract leads where it says, with the values that it names."""

from collections.abc import Iterator
from typing import Any

import pytest
from support import contract, rut
from support.stack import Stack


def links() -> Iterator[Any]:
    for source in contract.operations():
        for status, response in contract.operation(source)["responses"].items():
            for name, link in contract.resolved(response).get("links", {}).items():
                yield pytest.param(source, int(status), link, id=f"{source}-{name}-{link['operationId']}")


def value(expression: str, sent: dict[str, Any], answered: dict[str, Any]) -> Any:
    """Of an OpenAPI runtime expression; the contract uses these two kinds."""
    place, _, pointer = expression.partition("#/")
    return {"$request.body": sent, "$response.body": answered}[place][pointer]


def call(stack: Stack, name: str, path_values: dict[str, str], body: Any) -> Any:
    method, path = contract.operations()[name]
    return stack.request(method, path.format(**path_values), body)


@pytest.mark.parametrize(("source", "status", "link"), list(links()))
def test_a_link_leads_from_the_answer_to_the_next_operation(
    stack: Stack, source: str, status: int, link: dict[str, Any]
) -> None:
    client = contract.example("createClient", rut.new())
    call(stack, "createClient", {}, client)
    sent = contract.example(source, client["rut"])
    answered = contract.hold(source, call(stack, source, {}, sent), status)
    target = link["operationId"]
    values = {name: value(text, sent, answered) for name, text in link.get("parameters", {}).items()}
    given = {name: value(text, sent, answered) for name, text in link.get("requestBody", {}).items()}
    body = {**contract.example(target, client["rut"]), **given} if given else None
    followed = contract.hold(target, call(stack, target, values, body), 200)
    assert {name: followed[name] for name in values} == values
    if "leadId" in answered:
        stack.await_leads([answered["leadId"]])


def test_every_operation_is_joined_to_another_by_a_link() -> None:
    joined = {end for parameters in links() for end in (parameters.values[0], parameters.values[2]["operationId"])}
    assert joined == set(contract.operations())
