"""`POST /create_partner`."""

from typing import Any

from handlers.backend import operation, records
from handlers.shared import http


@http.operation
def handler(event: http.Event, _context: Any) -> http.Answer:
    return operation.create(event, "Partner", records.PARTNER, lambda partner: {"store": partner["store"]})
