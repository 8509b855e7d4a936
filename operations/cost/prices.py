"""Prices and assumptions, from the one dated file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.cost.errors import CostError

FILE = Path(__file__).with_name("prices.json")


@dataclass(frozen=True, kw_only=True)
class Prices:
    """US dollars, each for the unit that its name ends with."""

    as_of: str
    region: str
    hours: float
    days: float
    _prices: Mapping[str, Any]
    _assumptions: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path = FILE) -> "Prices":
        document = json.loads(path.read_text())
        return cls(
            as_of=document["as_of"],
            region=document["region"],
            hours=document["hours_per_month"],
            days=document["days_per_month"],
            _prices=document["prices"],
            _assumptions=document["assumptions"],
        )

    def of(self, name: str) -> float:
        return float(self._prices[name]["usd"])

    def of_class(self, name: str, size: str) -> float:
        """A price that depends on a size, such as a database's instance class."""
        known = self._prices[name]["usd"]
        if size not in known:
            raise CostError(
                f"{FILE.name} has no {name} for {size}; it knows {', '.join(known)}. "
                f"Look it up at {self._prices[name]['source']} and add it."
            )
        return float(known[size])

    def assumed(self, name: str) -> float:
        return float(self._assumptions[name]["value"])

    def assumptions(self) -> Mapping[str, Any]:
        return self._assumptions
