"""Invoked every minute: how long the oldest unfinished lead has waited, and how many were taken in today."""

from typing import Any

from handlers.shared import day_count, lead_table, metrics
from handlers.shared.day_count import DayCount
from handlers.shared.lead_table import LeadTable

OLDEST_UNFINISHED = "OldestUnfinishedLeadAge"
TAKEN_TODAY = "LeadsTakenToday"


def measure(table: LeadTable) -> float:
    """Seconds; 0 when every lead has ended."""
    age = table.oldest_unfinished_age()
    metrics.put(OLDEST_UNFINISHED, age, "Seconds", {"LeadTable": table.name})
    return age


def measure_intake(count: DayCount, table: LeadTable) -> int:
    taken = count.taken()
    metrics.put(TAKEN_TODAY, taken, "Count", {"LeadTable": table.name})
    return taken


def handler(_event: dict[str, Any], _context: Any) -> dict[str, float]:
    table = lead_table.from_environment()
    return {"age": measure(table), "takenToday": measure_intake(day_count.from_environment(), table)}
