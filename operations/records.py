"""What a reader makes of a file: records, each with the physical lines that it takes.

A format is one reader. The judge (rows.py), the reject file and the sending know only this.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

# What a reject file adds to a record; a corrected one is imported with them.
LINE, REASON = "_line", "_reason"
# In a reject file: the text of a record that has no fields. It is read in place of fields, once it is corrected.
RAW = "_row"
OWN = (LINE, REASON, RAW)


@dataclass(frozen=True, kw_only=True)
class Record:
    """`first`, `last`: its lines in the file, from 1. `text`: those lines as they are.

    `fields`: by their names in the contract. `problem`: why there are none. `skipped`: a heading or a blank line.
    """

    first: int
    last: int
    text: str
    fields: Mapping[str, Any]
    problem: str | None = None
    skipped: bool = False

    @property
    def place(self) -> str:
        return f"line {self.first}" if self.first == self.last else f"lines {self.first}-{self.last}"


class Reader(Protocol):
    def records(self) -> Iterator[Record]:
        """In the file's order; each line is in exactly one. Raise OperationsError for a bad heading."""

    def heading(self) -> str:
        """What a reject file begins with, once `records` has begun."""

    def rejected(self, record: Record, reason: str) -> str:
        """The record as a reject file holds it: whole, and such that the same reader reads it again."""


def bare(text: str) -> str:
    """Without its line end."""
    return text.rstrip("\r\n")


def line_end(text: str) -> str:
    return text[len(bare(text)) :] or "\n"
