"""Records of a CSV file with a header: `,`, `;` or tabs between cells, quotes around them as in RFC 4180.

A quote that is not closed does not swallow what follows. When a record that runs over several lines is broken, is
longer than MAX_LINES, does not fit the header, or seems to hold other rows, its first line is a record without
fields, and the lines after it are read as records of their own.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from operations.errors import OperationsError
from operations.records import OWN, RAW, Record, bare, line_end

MAX_LINES = 100
_YES_NO = {"true": True, "yes": True, "si": True, "sí": True, "1": True, "false": False, "no": False, "0": False}
_UNCLOSED = (
    'a cell begins with a quote (") that is not closed: close it, or remove it. The lines after it were read as'
    " rows of their own"
)
_BAD_QUOTE = 'a quoted cell goes on after its closing quote ("): double the quotes that are inside of a cell'
_STRAY_QUOTE = 'a cell holds a quote (") without its partner, and a quote before it is not closed: remove both'
_LINE_END = re.compile(r"\r\n|\r|\n")
_TOO_LONG = "a cell is longer than {:,} characters"


class _Runaway(Exception):
    """A record takes too many lines."""


class CsvReader:
    def __init__(self, lines: Iterable[str], fields: Sequence[str], given: Iterable[str]) -> None:
        """`fields`: the columns there may be. `given`: those that need not be there."""
        self._lines = iter(lines)
        self._waiting: deque[str] = deque()
        self._number = 0  # of the last line that was taken
        self._suspect = 0  # the last line that an unclosed quote has run over
        self._allowed = tuple(fields)
        self._given = frozenset(given)
        self._header = ""
        self._delimiter = ","
        self._names: list[str] = []
        self._width = 0

    def records(self) -> Iterator[Record]:
        """Raise OperationsError when the header is none of a list of leads."""
        while (text := self._take()) is not None and not text.strip():
            yield self._skipped(text)
        self._read_header(text or "")
        if text is not None:
            yield self._skipped(text)
        while (record := self._next()) is not None:
            yield record

    def heading(self) -> str:
        if not self._has_own_columns:
            return self._encoded(OWN) + self._delimiter + bare(self._header) + line_end(self._header)
        names = [*self._names, *[""] * (self._width - len(self._names))]
        return self._encoded((*OWN, *self._without_own(names))) + line_end(self._header)

    def rejected(self, record: Record, reason: str) -> str:
        cells = self._cells_of(record)
        end = line_end(record.text)
        if cells is None:
            raw = self._encoded((str(record.first), reason, self._raw(record.text)))
            return raw + end
        ours = self._encoded((str(record.first), reason, ""))
        theirs = self._encoded(self._without_own(cells)) if self._has_own_columns else bare(record.text)
        return ours + self._delimiter + theirs + end

    def _take(self) -> str | None:
        text = self._waiting.popleft() if self._waiting else next(self._lines, None)
        if text is not None:
            self._number += 1
        return text

    def _skipped(self, text: str) -> Record:
        return Record(first=self._number, last=self._number, text=text, fields={}, skipped=True)

    def _read_header(self, text: str) -> None:
        self._header = text
        self._delimiter = max(",;\t", key=text.count)
        try:
            cells = self._parsed([text])
        except csv.Error:
            raise OperationsError(
                f'line {self._number}, the header, has a quote (") that is not closed. Its columns are'
                f" {', '.join(self._allowed)}."
            ) from None
        self._width = len(cells)
        self._names = [name.strip() for name in cells]
        while self._names and not self._names[-1]:
            self._names.pop()  # a spreadsheet makes every row as wide as the widest
        self._check_names()

    def _check_names(self) -> None:
        names = self._names
        unknown = [_shown(name) for name in names if name not in self._allowed and not name.startswith("_")]
        missing = [field for field in self._allowed if field not in names and field not in self._given]
        doubled = sorted({_shown(name) for name in names if names.count(name) > 1})
        if unknown or missing or doubled:
            problems = {"lacks": missing, "has unknown": unknown, "has twice": doubled}
            said = "; ".join(f"{what} {', '.join(found[:20])}" for what, found in problems.items() if found)
            hint = " Give --origin for all rows." if missing == ["origin"] else ""
            raise OperationsError(f"the header {said}. Its columns are {', '.join(self._allowed)}.{hint}")

    def _next(self) -> Record | None:
        taken: list[str] = []
        first = self._number + 1

        def supply() -> Iterator[str]:
            while (text := self._take()) is not None:
                taken.append(text)
                if len(taken) > MAX_LINES:
                    raise _Runaway
                yield text

        problem = ""
        cells: list[str] = []
        try:
            cells = self._parsed(supply())
        except _Runaway:
            problem = _UNCLOSED
        except csv.Error as error:
            problem = _said(error, len(taken))
        if not taken:
            return None
        if not problem and len(taken) > 1 and self._holds_other_rows(cells):
            problem = _UNCLOSED
        if not problem and first <= self._suspect and any(_is_odd(cell) for cell in cells):
            problem = _STRAY_QUOTE if len(taken) == 1 else _UNCLOSED
        if problem:
            return self._broken(first, taken, problem)
        text = "".join(taken)
        skipped = not any(cell.strip() for cell in cells)
        fields, problem = ({}, "") if skipped else self._fields(cells)
        return Record(
            first=first, last=self._number, text=text, fields=fields, problem=problem or None, skipped=skipped
        )

    def _broken(self, first: int, taken: list[str], problem: str) -> Record:
        """The first line alone; the others are given back."""
        self._waiting.extendleft(reversed(taken[1:]))
        self._suspect = max(self._suspect, self._number)
        self._number = first
        return Record(first=first, last=first, text=taken[0], fields={}, problem=problem)

    def _holds_other_rows(self, cells: list[str]) -> bool:
        """Of a record over several lines. No lead's value holds a line end, let alone with a delimiter."""
        if len(cells) != self._width:
            return True
        columns = sum(name in self._allowed for name in self._names)
        for name, cell in zip(self._names, cells, strict=False):
            pieces = _LINE_END.split(cell.strip())
            most = max((piece.count(self._delimiter) for piece in pieces), default=0)
            if len(pieces) > 1 and most >= (columns - 1 if name.startswith("_") else 1):
                return True
        return False

    def _fields(self, cells: list[str]) -> tuple[dict[str, Any], str]:
        """The fields, or what is wrong with the cells."""
        row = dict(zip(self._names, cells, strict=False))
        fields = _named(row)
        if row.get(RAW) and not fields:
            return self._fields_of_raw(row[RAW])
        if len(cells) != self._width or any(cell.strip() for cell in cells[len(self._names) :]):
            ours = sum(name in OWN for name in self._names)
            return {}, f"{len(cells) - ours} cells under a header of {len(self._names) - ours}"
        return fields, ""

    def _fields_of_raw(self, text: str) -> tuple[dict[str, Any], str]:
        names = self._without_own(self._names)
        try:
            cells = self._parsed([text])
        except csv.Error as error:
            return {}, _said(error, 1)
        if len(cells) == len(self._names):  # it has been in a reject file before
            names = self._names
        if any(_is_odd(cell) for cell in cells):
            return {}, _STRAY_QUOTE
        if len(cells) != len(names):
            return {}, f"{len(cells)} cells under a header of {len(names)}"
        return _named(dict(zip(names, cells, strict=True))), ""

    def _cells_of(self, record: Record) -> list[str] | None:
        """None: its cells can't be told, or stand in its raw text."""
        if record.problem in (_UNCLOSED, _STRAY_QUOTE):
            return None
        try:
            cells = self._parsed(io.StringIO(record.text, newline=""))
        except csv.Error:
            return None
        row = dict(zip(self._names, cells, strict=False))
        return None if row.get(RAW) and not _named(row) else cells

    def _raw(self, text: str) -> str:
        """What is to be corrected: of a record that itself stood in a reject file, the raw text it held."""
        try:
            cells = self._parsed(io.StringIO(text, newline=""))
        except csv.Error:
            return bare(text)
        return dict(zip(self._names, cells, strict=False)).get(RAW) or bare(text)

    @property
    def _has_own_columns(self) -> bool:
        return any(name in OWN for name in self._names)

    def _without_own(self, cells: Sequence[str]) -> list[str]:
        ours = {index for index, name in enumerate(self._names) if name in OWN}
        return [cell for index, cell in enumerate(cells) if index not in ours]

    def _parsed(self, lines: Iterable[str]) -> list[str]:
        return next(csv.reader(lines, delimiter=self._delimiter, strict=True), [])

    def _encoded(self, cells: Sequence[str]) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=self._delimiter, lineterminator="\r\n").writerow(cells)
        return text.getvalue().removesuffix("\r\n")


def _named(row: Mapping[str, str]) -> dict[str, Any]:
    """The contract's fields that are not empty."""
    cells = {name: cell.strip() for name, cell in row.items() if not name.startswith("_")}
    fields: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
    if "wantsBenefit" in fields:
        fields["wantsBenefit"] = _YES_NO.get(fields["wantsBenefit"].lower(), fields["wantsBenefit"])
    return fields


def _said(error: csv.Error, lines: int) -> str:
    text = str(error)
    if "field limit" in text and lines == 1:
        return _TOO_LONG.format(csv.field_size_limit())
    return _BAD_QUOTE if "expected after" in text and lines == 1 else _UNCLOSED


def _is_odd(cell: str) -> bool:
    return cell.count('"') % 2 == 1


def _shown(name: str) -> str:
    """A column's name for the screen."""
    shown = name if name.isprintable() and name else repr(name)
    return shown if len(shown) <= 40 else shown[:40] + "…"
