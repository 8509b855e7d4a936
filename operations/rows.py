"""Which records are leads: judged by the contract, whatever the file's format is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handlers.shared import rut
from handlers.shared.contract import Contract
from handlers.shared.errors import InvalidRequest
from operations import tidy
from operations.csv_records import CsvReader
from operations.errors import OperationsError
from operations.files import Source
from operations.json_records import JsonReader
from operations.records import Reader, Record

CSV, JSON_LINES = "csv", "jsonl"
_FORMATS = {".csv": CSV, ".tsv": CSV, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A record with the lead that it is, or the `reason` why it is none.

    `as_given`: the lead before anything was tidied.
    """

    record: Record
    lead: dict[str, Any]
    as_given: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None


def format_of(path: Path) -> str:
    """Raise OperationsError for a file whose name does not tell."""
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise OperationsError(f"{path.name} ends with none of {', '.join(_FORMATS)}: rename it to say what it is.")
    return found


def reader_of(source: Source, contract: Contract, defaults: Mapping[str, Any]) -> Reader:
    if format_of(source.path) == CSV:
        return CsvReader(source.lines(), contract.fields("Lead"), defaults)
    return JsonReader(source.lines())


def judged(reader: Reader, contract: Contract, defaults: Mapping[str, Any]) -> Iterator[Row]:
    """Every record but headings and blank lines. `defaults`: fields for records without them."""
    for record in reader.records():
        if record.skipped:
            continue
        if record.problem:
            yield Row(record=record, lead={}, reason=record.problem)
        else:
            tidied = tidy.lead(contract, record.fields)
            given = {name: value for name, value in tidied.items() if value != ""}
            yield _judged(record, contract, {**defaults, **given}, {**defaults, **record.fields})


def canonical(lead: Mapping[str, Any]) -> dict[str, Any]:
    """The same for every spelling of a valid lead."""
    return {**rut.with_canonical(lead), "phone": str(lead["phone"])}


def _judged(record: Record, contract: Contract, lead: dict[str, Any], as_given: Mapping[str, Any]) -> Row:
    try:
        contract.validate("Lead", lead)
    except InvalidRequest as error:
        return Row(record=record, lead=lead, reason=str(error))
    return Row(record=record, lead=canonical(lead), as_given=as_given)
