"""`POST /create_client`."""

from collections.abc import Mapping
from typing import Any

from handlers.backend import operation, records
from handlers.shared import http


@http.operation
def handler(event: http.Event, _context: Any) -> http.Answer:
    return operation.create(event, "Client", records.CLIENTS, _row)


def _row(client: Mapping[str, Any]) -> Mapping[str, Any]:
    phone = client["phone"]
    return {
        "name": client["name"],
        "lastname": client["lastname"],
        "phone": phone if isinstance(phone, str) else str(int(phone)),
        "mail": client["mail"],
    }
