"""The contract's rules for a lead, read from openapi.yaml itself."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from handlers.shared.contract import Contract
from operations.errors import OperationsError
from operations.stack import ROOT


def load() -> Contract:
    """The schema of a lead, without references."""
    path = ROOT / "openapi.yaml"
    try:
        document = YAML(typ="safe").load(path)
    except (YAMLError, ValueError, RecursionError) as error:
        raise OperationsError(f"{path} is not valid YAML: {error}") from None
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
