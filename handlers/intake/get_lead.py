"""`GET /leads/{leadId}`: where a lead is in the flow, for whoever has its id."""

from collections.abc import Mapping
from typing import Any

from handlers.shared import http, lead_table
from handlers.shared.contract import Contract
from handlers.shared.lead_table import Issue

# The one reason that is about the lead alone. Any other may depend on what the CRM holds about a client.
_ABOUT_THE_LEAD = "InvalidLead"
_NOT_DELIVERED = Issue(
    step="LeadFlow",
    code="NotDelivered",
    description="The lead could not be delivered. It is kept, and will be looked at.",
)


def public(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's LeadStatus, which is the same whatever the CRM holds. `recorded`: the table's status."""
    answer = {name: recorded[name] for name in ("leadId", "status", "step")}
    # to the second: finer times would tell a new row from one that was there
    answer["updatedAt"] = recorded["updatedAt"].partition(".")[0] + "Z"
    if "error" in recorded:
        error = recorded["error"]
        answer["error"] = error if error["code"] == _ABOUT_THE_LEAD else _NOT_DELIVERED.as_dict()
    return answer


@http.operation
def handler(event: http.Event, _context: Any) -> http.Answer:
    lead_id = http.path_parameter(event, "leadId", Contract.bundled(), "LeadId")
    return http.resource(200, public(lead_table.from_environment().status(lead_id)))
