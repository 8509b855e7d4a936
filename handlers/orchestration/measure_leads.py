"""Invoked every minute: how long the oldest lead has waited that has neither completed nor failed."""

from typing import Any

from handlers.shared import lead_table, metrics
from handlers.shared.lead_table import LeadTable

OLDEST_UNFINISHED = "OldestUnfinishedLeadAge"


def measure(table: LeadTable) -> float:
    """Seconds; 0 when every lead has ended."""
    age = table.oldest_unfinished_age()
    metrics.put(OLDEST_UNFINISHED, age, "Seconds", {"LeadTable": table.name})
    return age


def handler(_event: dict[str, Any], _context: Any) -> dict[str, float]:
    return {"age": measure(lead_table.from_environment())}
