"""The way of a lead that meets no trouble, read from the state machine's definition."""

from collections.abc import Iterator, Mapping
from typing import Any

from operations.cost.errors import CostError


def happy_path(definition: Mapping[str, Any]) -> list[str]:
    """The states that such a lead enters, in order. A choice takes its default; nothing is retried."""
    return list(_walk(definition))


def functions_called(definition: Mapping[str, Any]) -> list[str]:
    """ARN or name of the function of each task on the way."""
    states = definition["States"]
    called = []
    for name in happy_path(definition):
        state = states[name]
        if state["Type"] == "Task":
            called.append(str((state.get("Arguments") or state.get("Parameters"))["FunctionName"]))
    return called


def _walk(definition: Mapping[str, Any]) -> Iterator[str]:
    states, name = definition["States"], definition["StartAt"]
    seen: set[str] = set()
    while name is not None:
        if name in seen:
            raise CostError(f"the flow comes back to {name}: its transitions can't be counted from the definition")
        seen.add(name)
        yield name
        state = states[name]
        name = state.get("Default") if state["Type"] == "Choice" else state.get("Next")
