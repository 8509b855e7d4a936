"""Records of JSON lines: an object in each line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from handlers.shared import strict_json
from handlers.shared.errors import InvalidRequest
from operations.records import LINE, RAW, REASON, Record, bare


class JsonReader:
    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines

    def records(self) -> Iterator[Record]:
        for number, text in enumerate(self._lines, start=1):
            if not text.strip():
                yield Record(first=number, last=number, text=text, fields={}, skipped=True)
                continue
            fields, problem = _read(text)
            yield Record(first=number, last=number, text=text, fields=fields, problem=problem)

    def heading(self) -> str:
        return ""

    def rejected(self, record: Record, reason: str) -> str:
        entry = {**_kept(bare(record.text)), LINE: record.first, REASON: reason}
        return json.dumps(entry, ensure_ascii=False) + "\n"


def _read(text: str) -> tuple[dict[str, Any], str | None]:
    try:
        value = _object(text)
        fields = _fields(value)
        if not fields and isinstance(value.get(RAW), str):
            fields = _fields(_object(value[RAW]))
    except InvalidRequest as error:
        return {}, str(error).replace("the body", "the line")
    return fields, None


def _object(text: str) -> dict[str, Any]:
    value = strict_json.parse(text)
    if not isinstance(value, dict):
        raise InvalidRequest("the line is not a JSON object")
    return value


def _fields(value: dict[str, Any]) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if not name.startswith("_")}


def _kept(text: str) -> dict[str, Any]:
    """The object itself, or its text where writing it again would not give the same object."""
    try:
        value = _object(text)
        json.dumps(value, allow_nan=False)  # 1e999 is read as infinity, and is no JSON when it is written
    except (InvalidRequest, ValueError):
        return {RAW: text}
    return value
