"""The contract, as Schemathesis loads it here."""

import argparse
import os
import tomllib
from random import SystemRandom
from typing import Any

import jsonschema
import schemathesis

from command_line import boundary
from components import openapi
from support.stack import ROOT, Answer, Stack, StackError

OPENAPI = ROOT / "openapi.yaml"
DOCUMENT = openapi.load(OPENAPI)
CONFIGURATION = ROOT / "schemathesis.toml"
NO_KEY_YET = "the stack's key"


def seed() -> int:
    """SEED as a number, or a new one for `SEED=random`; without it the one of schemathesis.toml."""
    if os.environ.get("SEED") == "random":
        os.environ["SEED"] = str(SystemRandom().randrange(2**31))  # the same one for whatever this process starts
    return whole("SEED", tomllib.loads(CONFIGURATION.read_text())["seed"])


def whole(variable: str, default: int, low: int = 0) -> int:
    """The environment variable's number. Raise StackError for another text."""
    text = os.environ.get(variable) or str(default)
    try:
        return boundary.whole_between(low, 2**32)(text)
    except argparse.ArgumentTypeError as error:
        raise StackError(f"{variable}={error}") from None


def schema(examples: int, seed: int, stack: Stack | None = None) -> schemathesis.BaseSchema:
    """Configured by schemathesis.toml. Without a stack, `authenticate` each case and say where to send it."""
    settings = tomllib.loads(CONFIGURATION.read_text())
    settings["seed"] = seed
    settings["hooks"] = str(ROOT / settings["hooks"])
    settings["auth"]["openapi"]["api_key"]["api_key"] = stack.api_key if stack else NO_KEY_YET
    settings["generation"]["max-examples"] = examples
    if stack:
        settings["base-url"] = stack.url
    return schemathesis.openapi.from_path(OPENAPI, config=schemathesis.Config.from_dict(settings))


def authenticate(case: schemathesis.Case, stack: Stack) -> None:
    """pytest collects cases before there is a stack; those that carry a key at all get the stack's."""
    for name, value in case.headers.items():
        if value == NO_KEY_YET:
            case.headers[name] = stack.api_key


def operations() -> dict[str, tuple[str, str]]:
    """operationId, or `METHOD /path` -> (method in capitals, path)."""
    return openapi.operations(DOCUMENT)


def operation(name: str) -> dict[str, Any]:
    method, path = operations()[name]
    return dict(DOCUMENT["paths"][path][method.lower()])


def example(name: str, rut: str) -> dict[str, Any]:
    """The request body that the contract shows, for another client."""
    return {**operation(name)["requestBody"]["content"]["application/json"]["example"], "rut": rut}


def resolved(value: dict[str, Any]) -> dict[str, Any]:
    return dict(openapi.resolve(DOCUMENT, value["$ref"])) if "$ref" in value else value


def problems(name: str, response: Answer) -> list[str]:
    """Where an answer differs from what the contract says of the operation: status, media type, headers, body."""
    responses = operation(name)["responses"]
    if str(response.status) not in responses:
        return [f"status {response.status} is not documented"]
    documented = resolved(responses[str(response.status)])
    (media_type, content), *_ = documented["content"].items()
    found = []
    if response.headers.get("Content-Type", "").partition(";")[0] != media_type:
        found.append(f"Content-Type is {response.headers.get('Content-Type')}")
    for header, declared in documented.get("headers", {}).items():
        rules, value = resolved(declared), response.headers.get(header)
        if value is None and rules.get("required"):
            found.append(f"{header} is missing")
        elif value is not None:
            found += [f"{header}: {error.message}" for error in violations(rules["schema"], value)]
    body = response.json()
    found += [f"{error.json_path}: {error.message}" for error in violations(content["schema"], body)]
    if "statusCode" in body and body["statusCode"] != response.status:
        found.append(f"statusCode is {body['statusCode']} in an answer {response.status}")
    return found


def violations(schema: dict[str, Any], value: object) -> list[jsonschema.ValidationError]:
    validator = jsonschema.Draft202012Validator({"allOf": [schema], "components": DOCUMENT["components"]})
    return list(validator.iter_errors(value))


def hold(name: str, response: Answer, *statuses: int) -> Any:
    """The answer's body. An assertion fails unless it is one of these, in the way that the contract documents."""
    text = f"{name} answered {response.status}: {response.data[:500]!r}\n\n    {response.curl}\n"
    assert response.status in statuses, text
    assert not (found := problems(name, response)), f"{'; '.join(found)}\n{text}"
    return response.json()
