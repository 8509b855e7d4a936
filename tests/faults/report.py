"""The outcomes as a table for people and as JSON for programs."""

from collections.abc import Iterable
from typing import Any

from tests.faults import matrix
from tests.faults.injection import Outcome
from tests.faults.matrix import Cell

HEADS = {
    matrix.TIMEOUT: "timeout",
    matrix.REFUSED: "refused",
    matrix.LOST: "lost",
    **{fault: str(code) for fault, code in matrix.STATUSES.items()},
    matrix.MALFORMED: "malformed",
    matrix.BEFORE: "crash<",
    matrix.AFTER: "crash>",
    matrix.DEADLOCK: "deadlock",
    matrix.LOCKED: "lock",
    matrix.FULL: "full",
    matrix.THRICE: "3 x",
    matrix.AGAIN: "again",
    matrix.REPLAY: "replay",
}


class Tally:
    """Outcomes of several runs, added up by cell."""

    def __init__(self) -> None:
        self.cells: dict[Cell, dict[str, int]] = {}
        self.problems: list[str] = []

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            counts = self.cells.setdefault(
                outcome.cell, dict.fromkeys(("leads", "survived", "lost", "doubled"), 0)
            )
            counts["leads"] += len(outcome.leads)
            counts["survived"] += outcome.survived
            counts["lost"] += outcome.lost
            counts["doubled"] += outcome.doubled
            self.problems += [f"{outcome.cell}: {problem}" for problem in outcome.problems]

    @property
    def totals(self) -> dict[str, int]:
        rows = list(self.cells.values())
        return {name: sum(row[name] for row in rows) for name in ("leads", "survived", "lost", "doubled")}

    def as_json(self) -> dict[str, Any]:
        return {
            "cells": [
                {"step": cell.step.name, "fault": cell.fault, **counts} for cell, counts in self.cells.items()
            ],
            "not applicable": [
                {"step": cell.step.name, "fault": cell.fault, "reason": reason} for cell, reason in _excluded()
            ],
            "totals": self.totals,
            "problems": self.problems,
        }

    def lines(self) -> Iterable[str]:
        """A row for each step, a column for each fault: survived of leads."""
        yield _row("survived of leads", HEADS.values())
        for step in matrix.STEPS:
            yield _row(step.name, (self._text(Cell(step=step, fault=fault)) for fault in matrix.FAULTS))
        reasons = dict.fromkeys(reason for _, reason in _excluded())
        yield from (f"  -  {reason}" for reason in reasons)
        yield "  ".join(f"{name} {count}" for name, count in self.totals.items())

    def _text(self, cell: Cell) -> str:
        if matrix.reason_against(cell):
            return "-"
        counts = self.cells.get(cell)
        return f"{counts['survived']}/{counts['leads']}" if counts else ""


def _excluded() -> Iterable[tuple[Cell, str]]:
    for step in matrix.STEPS:
        for fault in matrix.FAULTS:
            reason = matrix.reason_against(Cell(step=step, fault=fault))
            if reason:
                yield Cell(step=step, fault=fault), reason


def _row(name: str, texts: Iterable[str]) -> str:
    return f"{name:<20}" + "".join(f"{text:>10}" for text in texts)
