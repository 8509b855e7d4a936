"""`GET /leads/{leadId}`: where a lead is in the flow."""

from typing import Any

from handlers.shared import http, lead_table
from handlers.shared.contract import Contract


@http.operation
def handler(event: http.Event, _context: Any) -> http.Answer:
    lead_id = http.path_parameter(event, "leadId", Contract.bundled(), "LeadId")
    return http.resource(200, lead_table.from_environment().status(lead_id))
