"""The event that carries one lead over the bus."""

import json
from collections.abc import Mapping
from typing import Any

DETAIL_TYPE = "LeadReceived"
SOURCE_PREFIX = "leadbridge."


def source(origin: str) -> str:
    return SOURCE_PREFIX + origin


def entry(bus_name: str, lead_id: str, lead: Mapping[str, Any]) -> dict[str, str]:
    """As PutEvents takes it."""
    return {
        "EventBusName": bus_name,
        "Source": source(lead["origin"]),
        "DetailType": DETAIL_TYPE,
        "Detail": json.dumps({**lead, "leadId": lead_id}, ensure_ascii=False),
    }
