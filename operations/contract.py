"""The contract's rules for a lead, read from openapi.yaml itself."""

from typing import Any

import yaml

from handlers.shared.contract import Contract
from operations.stack import ROOT


def load() -> Contract:
    """The schema of a lead, without references."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    return Contract({"Lead": _inlined(schemas["Lead"], schemas)})


def _inlined(schema: Any, schemas: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(each, schemas) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return {name: _inlined(value, schemas) for name, value in schema.items()}
