"""Leads from a file: CSV with a header, or JSON lines. Each row is a lead or a reason why it is none."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from handlers.shared import strict_json
from handlers.shared.contract import Contract
from handlers.shared.errors import InvalidRequest
from operations.errors import OperationsError

CSV, JSON_LINES = "csv", "jsonl"
_FORMATS = {".csv": CSV, ".tsv": CSV, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES}
_YES_NO = {"true": True, "yes": True, "si": True, "sí": True, "1": True, "false": False, "no": False, "0": False}
# What the reject file adds to a row; a corrected one is imported with them.
LINE, REASON = "_line", "_reason"


@dataclass(frozen=True, kw_only=True)
class Row:
    """`line`: where it begins in the file. `raw`: as it was read. `reason`: why it is no lead."""

    line: int
    raw: Any
    lead: dict[str, Any]
    reason: str | None = None


def format_of(path: Path) -> str:
    """Raise OperationsError for a file whose name does not tell."""
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise OperationsError(f"{path.name} ends with none of {', '.join(_FORMATS)}: rename it to say what it is.")
    return found


def read(path: Path, contract: Contract, defaults: Mapping[str, Any]) -> Iterator[Row]:
    """`defaults`: fields for rows without them. Raise OperationsError when the file itself can't be read."""
    format_ = format_of(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            unchecked = _csv(file, contract, defaults) if format_ == CSV else _json_lines(file)
            for row in unchecked:
                yield row if row.reason else _checked(row, contract, defaults)
    except UnicodeDecodeError as error:
        raise OperationsError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8.") from None
    except OSError as error:
        raise OperationsError(f"{path} can't be read: {error.strerror or error}.") from None


def _checked(row: Row, contract: Contract, defaults: Mapping[str, Any]) -> Row:
    lead = {**defaults, **row.lead}
    try:
        contract.validate("Lead", lead)
    except InvalidRequest as error:
        return Row(line=row.line, raw=row.raw, lead=lead, reason=str(error))
    return Row(line=row.line, raw=row.raw, lead=lead)


def _csv(file: TextIO, contract: Contract, defaults: Mapping[str, Any]) -> Iterator[Row]:
    header = file.readline()
    file.seek(0)
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    names = [name.strip() for name in next(reader, list[str]())]
    _check_header(names, contract.fields("Lead"), defaults)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line=line, raw={}, lead={}, reason=f"not valid CSV: {error}")
            continue
        if not any(cells):
            continue
        raw = dict(zip(names, cells, strict=False))
        if len(cells) != len(names):
            reason = f"{len(cells)} cells under a header of {len(names)}"
            yield Row(line=line, raw=raw, lead={}, reason=reason)
            continue
        yield Row(line=line, raw=raw, lead=_fields(raw))


def _check_header(names: list[str], fields: tuple[str, ...], defaults: Mapping[str, Any]) -> None:
    unknown = [name for name in names if name not in fields and not name.startswith("_")]
    missing = [field for field in fields if field not in names and field not in defaults]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if unknown or missing or doubled:
        problems = {"lacks": missing, "has unknown": unknown, "has twice": doubled}
        said = "; ".join(f"{what} {', '.join(found)}" for what, found in problems.items() if found)
        hint = " Give --origin for all rows." if missing == ["origin"] else ""
        raise OperationsError(f"the header {said}. Its columns are {', '.join(fields)}.{hint}")


def _fields(raw: Mapping[str, str]) -> dict[str, Any]:
    cells = {name: cell.strip() for name, cell in raw.items() if not name.startswith("_")}
    fields: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
    if "wantsBenefit" in fields:
        fields["wantsBenefit"] = _YES_NO.get(fields["wantsBenefit"].lower(), fields["wantsBenefit"])
    return fields


def _json_lines(file: TextIO) -> Iterator[Row]:
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            value = strict_json.parse(text)
        except InvalidRequest as error:
            reason = str(error).replace("the body", "the line")
            yield Row(line=line, raw={"_row": text.rstrip("\r\n")}, lead={}, reason=reason)
            continue
        if not isinstance(value, dict):
            yield Row(line=line, raw={"_row": value}, lead={}, reason="the line is not a JSON object")
            continue
        lead = {name: inner for name, inner in value.items() if not name.startswith("_")}
        yield Row(line=line, raw=value, lead=lead)


class Rejects:
    """The file of rows that are no leads, beside the file they came from; there is none when all are."""

    def __init__(self, source: Path) -> None:
        self.path = source.with_name(f"{source.stem}.rejected{source.suffix}")
        self.path.unlink(missing_ok=True)
        self._format = format_of(source)
        self._file: TextIO | None = None
        self._writer: Any = None

    def add(self, row: Row) -> None:
        entry = {**row.raw, LINE: row.line, REASON: row.reason}
        if self._file is None:
            self.path.touch(mode=0o600)
            self._file = self.path.open("w", encoding="utf-8", newline="")
        if self._format == JSON_LINES:
            self._file.write(json.dumps(entry) + "\n")
            return
        if self._writer is None:
            names = [name for name in entry if name not in (LINE, REASON)]
            self._writer = csv.DictWriter(self._file, [*names, LINE, REASON], restval="", extrasaction="ignore")
            self._writer.writeheader()
        self._writer.writerow(entry)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
