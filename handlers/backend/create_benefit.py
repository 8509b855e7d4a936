"""`POST /create_benefit`."""

from typing import Any

from handlers.backend import operation, records
from handlers.shared import http


@http.operation
def handler(event: http.Event, _context: Any) -> http.Answer:
    return operation.create(
        event, "Benefit", records.BENEFIT, lambda benefit: {"wants_benefit": int(benefit["wantsBenefit"])}
    )
