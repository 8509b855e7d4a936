"""A stack's resources, from the deployment that `pulumi stack export` prints and the local cloud keeps."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from operations.cost.errors import CostError

FUNCTION = "aws:lambda/function:Function"
STATE_MACHINE = "aws:sfn/stateMachine:StateMachine"


@dataclass(frozen=True, kw_only=True)
class Resource:
    type: str
    name: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Graph:
    resources: tuple[Resource, ...]

    @classmethod
    def of_deployment(cls, document: Any) -> "Graph":
        """Raise CostError for what is no deployment, or one without the lead flow."""
        deployment = document.get("deployment") if isinstance(document, Mapping) else None
        listed = deployment.get("resources") if isinstance(deployment, Mapping) else None
        if not listed:
            raise CostError(
                "this holds no deployed stack. Give what `pulumi stack export` prints, or deploy the stack on the"
                " local cloud first: make up STACK=dev"
            )
        resources = tuple(
            Resource(type=each["type"], name=each["urn"].rpartition("::")[2], inputs=each.get("inputs") or {})
            for each in listed
            if each.get("custom") and not each["type"].startswith("pulumi:")
        )
        return cls(resources=resources)

    def of(self, type_: str) -> Iterator[Resource]:
        return (each for each in self.resources if each.type == type_)

    def definition(self) -> Mapping[str, Any]:
        """The state machine's own definition."""
        for machine in self.of(STATE_MACHINE):
            return dict(json.loads(machine.inputs["definition"]))
        raise CostError("the stack has no state machine: its deployment has not been finished. Deploy it again")

    def types(self) -> set[str]:
        return {each.type for each in self.resources}
