"""Whether a contract is one that our consumers can live with."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from consumer.expectations import BUNDLED, CALLS, Expectation
from consumer.independent import METHODS, Request, WireContract
from jsonschema.exceptions import UnknownType

# What reading a spoilt contract raises: a reference to nowhere, an unknown type, a pattern that is none.
UNREADABLE = (KeyError, TypeError, AttributeError, ValueError, UnknownType, re.error)
_PROSE = {"description", "summary", "example", "tags", "links"}


class ConsumerCheck:
    """Checks many contracts; an operation that reads as in an earlier one isn't checked again."""

    def __init__(self, expectations: Iterable[Expectation]) -> None:
        self._by_operation: dict[str, list[Expectation]] = {operation: [] for operation in CALLS}
        for each in expectations:
            self._by_operation[each.operation].append(each)
        self._seen: dict[str, str | None] = {}

    def finding(self, document: Mapping[str, Any]) -> str | None:
        """The first expectation that the contract breaks, in words; None when it breaks none."""
        missing = BUNDLED - set(document.get("components", {}).get("schemas", {}))
        if missing:
            return f"functions check by the schema {', '.join(sorted(missing))}, which is gone"
        for operation in CALLS:
            try:
                text = operation + _read(document, operation)
                if text not in self._seen:
                    self._seen[text] = self._broken(WireContract(document), operation)
            except UNREADABLE as error:
                return f"{operation}: can't be read: {error!r}"
            if self._seen[text]:
                return self._seen[text]
        return None

    def _broken(self, contract: WireContract, operation: str) -> str | None:
        for each in self._by_operation[operation]:
            is_request = isinstance(each.what, Request)
            find = contract.request_problems if is_request else contract.response_problems
            problems = find(operation, each.what)  # type: ignore[arg-type]
            if bool(problems) == each.holds:
                found = "; ".join(problems) if problems else "is allowed now"
                return f"{operation} {'request' if is_request else 'answer'}: {found}: {each.what}"
        return None


def _read(document: Mapping[str, Any], operation: str) -> str:
    """All that the contract says about an operation, without references and prose."""
    found = [
        (path, method, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and item[method].get("operationId") == operation
    ]
    schemes = (document.get("security"), document["components"].get("securitySchemes"))
    return json.dumps([_bare(document, found), _bare(document, schemes)], sort_keys=True)


def _bare(document: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("$ref"), str):
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _bare(document, target)
    if isinstance(value, dict):
        return {
            key: _bare(document, inner)
            for key, inner in value.items()
            if key not in _PROSE or (key == "description" and isinstance(inner, dict))
        }
    return [_bare(document, each) for each in value] if isinstance(value, list | tuple) else value
