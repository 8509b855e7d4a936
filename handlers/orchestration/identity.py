"""Which lead an event is about, also when the event is not one: every execution can be recorded under some id."""

import re
from collections.abc import Mapping
from typing import Any

from handlers.shared.contract import Contract

MAX_LEAD_ID = 64  # as in the contract's LeadId


def lead_id_of(event: Any, execution: str, contract: Contract) -> str:
    """The lead's id; without one the event's own; an execution that was started without either gives its name."""
    detail = event.get("detail") if isinstance(event, Mapping) else None
    lead_id = detail.get("leadId") if isinstance(detail, Mapping) else None
    if contract.holds("LeadId", lead_id):
        return str(lead_id)
    event_id = event.get("id") if isinstance(event, Mapping) else None
    return str(event_id) if contract.holds("LeadId", event_id) else _as_lead_id(execution.rpartition(":")[2])


def _as_lead_id(name: str) -> str:
    """EventBridge names executions `<event id>_<another id>`, which is longer than a lead's id may be."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:MAX_LEAD_ID]
