"""Property values in protobuf messages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from .codec import decode_properties, encode_properties
from .provider import Properties


def properties_from(struct: struct_pb2.Struct, root: Path) -> Properties:
    """The properties of a request; those that are null count as absent."""
    form = {key: _form(value) for key, value in struct.fields.items()}
    return {key: value for key, value in decode_properties(form, root).items() if value is not None}


def struct_from(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    form = encode_properties(properties)
    return struct_pb2.Struct(fields={key: _message(value) for key, value in form.items()})


def _form(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {key: _form(item) for key, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_form(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def _message(form: Any) -> struct_pb2.Value:
    if form is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(form, bool):
        return struct_pb2.Value(bool_value=form)
    if isinstance(form, int | float):
        return struct_pb2.Value(number_value=form)
    if isinstance(form, str):
        return struct_pb2.Value(string_value=form)
    if isinstance(form, list):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_message(item) for item in form]))
    fields = {key: _message(item) for key, item in form.items()}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
