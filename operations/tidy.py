"""What the doors for people forgive, by the contract's `x-tidy`. The form's half is web/tidy.js."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from handlers.shared.contract import Contract


def lead(contract: Contract, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the contract has them, as far as that can be told; what is no text stays as it is.

    A text of spaces and invisible characters alone becomes empty. Nothing is checked here.
    """
    rules = contract.schema("Lead")["properties"]
    return {name: tidied(rules.get(name, {}), value) for name, value in fields.items()}


def tidied(schema: Mapping[str, Any], value: Any) -> Any:
    """The value, rewritten by its schema's steps where it is text. Doing it again changes nothing."""
    if not isinstance(value, str):
        return value
    for step in schema.get("x-tidy", ()):
        if "normalize" in step:
            value = unicodedata.normalize(step["normalize"], value)
        else:
            value = re.sub(step["replace"], re.sub(r"\$([0-9])", r"\\\1", step["by"]), value)
    return value
