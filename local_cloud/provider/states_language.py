"""What Step Functions would refuse in a state machine's definition; the emulator takes any.

Three readers that are not ours say what is a definition: moto's parser of the Amazon States Language, a parser of
JSONata, and JSON's. Targets are followed here, since none of the three does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

State = dict[str, Any]


def problems(definition: str) -> Iterator[str]:
    try:
        machine = json.loads(definition)
    except ValueError as error:
        yield f"is not JSON: {error}"
        return
    yield from grammar_problems(definition)
    yield from scope_problems(machine, "")
    yield from expression_problems(machine, "")


def grammar_problems(definition: str) -> Iterator[str]:
    # loaded here: it takes a second, and an unchanged definition needs no second look
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    try:
        AmazonStateLanguageParser.parse(definition)
    except Exception as error:  # its own errors, ANTLR's, ValueError: it names what it doesn't take
        yield f"is not in the Amazon States Language: {error}"


def scope_problems(scope: Any, where: str) -> Iterator[str]:
    """Each `Next` leads to a state of its own scope, each state is led to, and each has one way on."""
    if not isinstance(scope, dict) or not isinstance(scope.get("States"), dict):
        return
    states: dict[str, State] = scope["States"]
    led_to = {scope.get("StartAt")}
    if scope.get("StartAt") not in states:
        yield f"{where}StartAt: there is no state {scope.get('StartAt')!r}"
    for name, state in states.items():
        for place, target in targets(state):
            led_to.add(target)
            if target not in states:
                yield f"{where}{name}.{place}: there is no state {target!r}"
        if state.get("Type") not in ("Choice", "Succeed", "Fail") and ("Next" in state) == (
            state.get("End") is True
        ):
            yield f"{where}{name}: it needs either Next or End"
        for retrier in (*state.get("Retry", ()), *state.get("Catch", ())):
            if "States.ALL" in retrier.get("ErrorEquals", ()) and len(retrier["ErrorEquals"]) > 1:
                yield f"{where}{name}: States.ALL stands alone"
        for branch in (*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")):
            yield from scope_problems(branch, f"{where}{name}.")
    for name in states.keys() - led_to:
        yield f"{where}{name}: no state leads to it"


def targets(state: State) -> Iterator[tuple[str, Any]]:
    for place in ("Next", "Default"):
        if place in state:
            yield place, state[place]
    for place in ("Choices", "Catch"):
        for number, each in enumerate(state.get(place, ())):
            if "Next" in each:
                yield f"{place}[{number}].Next", each["Next"]


def expression_problems(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from expression_problems(each, f"{where}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from expression_problems(each, f"{where}[{number}]")
    elif isinstance(value, str) and value.startswith("{%"):
        yield from jsonata_problems(value, where)


def jsonata_problems(text: str, where: str) -> Iterator[str]:
    from jsonata import Jsonata  # type: ignore[import-untyped]

    if not text.endswith("%}"):
        yield f"{where}: {text!r} doesn't end with %}}"
        return
    try:
        Jsonata(text[2:-2])
    except Exception as error:  # the library raises its own, and bare ones for an end that comes too early
        yield f"{where}: {text!r} is not JSONata: {error}"
