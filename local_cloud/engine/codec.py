"""Property values between Pulumi's JSON form (on the wire and in the state) and the engine's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import assets
from .errors import EngineError
from .provider import UNKNOWN, Properties
from .signatures import ARCHIVE, ASSET, OUTPUT, RESOURCE, SECRET, SIGNATURE, UNKNOWN_TEXT
from .values import Reference, Secret


def decode(form: Any, root: Path) -> Any:
    """`root` is the folder that relative asset paths start from."""
    if isinstance(form, str):
        return UNKNOWN if form == UNKNOWN_TEXT else form
    if isinstance(form, float) and form.is_integer():
        return int(form)
    if isinstance(form, list):
        return [decode(item, root) for item in form]
    if not isinstance(form, dict):
        return form
    if SIGNATURE in form:
        return _decode_signed(form, root)
    return {key: decode(item, root) for key, item in form.items()}


def _decode_signed(form: dict[str, Any], root: Path) -> Any:
    signature = form[SIGNATURE]
    if signature == SECRET:
        if "ciphertext" in form:
            raise EngineError(
                "the state holds encrypted secrets; export it with `pulumi stack export --show-secrets`"
            )
        inner = json.loads(form["plaintext"]) if "plaintext" in form else form.get("value")
        return Secret(decode(inner, root))
    if signature == ASSET:
        return assets.asset_from_plain(form, root)
    if signature == ARCHIVE:
        if "assets" in form:
            form = {**form, "assets": decode(form["assets"], root)}
        return assets.archive_from_plain(form, root)
    if signature == RESOURCE:
        return Reference(form["urn"], decode(form.get("id"), root), form.get("packageVersion") or "")
    if signature == OUTPUT:
        value = decode(form["value"], root) if "value" in form else UNKNOWN
        return Secret(value) if form.get("secret") else value
    raise EngineError(f"a property value has a signature that the engine doesn't know: {signature}")


def encode(value: Any, *, in_state: bool = False) -> Any:
    """In the state a secret is JSON text, as the Pulumi CLI reads it; on the wire it is a value."""
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, Secret):
        inner = encode(value.value, in_state=in_state)
        return (
            {SIGNATURE: SECRET, "plaintext": json.dumps(inner)}
            if in_state
            else {SIGNATURE: SECRET, "value": inner}
        )
    if isinstance(value, dict):
        return {str(key): encode(item, in_state=in_state) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item, in_state=in_state) for item in value]
    if isinstance(value, assets.Hashed):
        signature = ASSET if isinstance(value, assets.HashedAsset) else ARCHIVE
        return {SIGNATURE: signature, **encode(assets.to_plain(value), in_state=in_state)}
    if isinstance(value, Reference):
        form = {SIGNATURE: RESOURCE, "urn": value.urn, "packageVersion": value.package_version}
        return form if value.id is None else {**form, "id": encode(value.id, in_state=in_state)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise EngineError(f"a provider returned a value that Pulumi can't hold: {type(value).__name__}")


def decode_properties(form: Mapping[str, Any] | None, root: Path) -> Properties:
    return {key: decode(item, root) for key, item in (form or {}).items()}


def encode_properties(properties: Mapping[str, Any], *, in_state: bool = False) -> dict[str, Any]:
    return {key: encode(value, in_state=in_state) for key, value in properties.items() if value is not None}
