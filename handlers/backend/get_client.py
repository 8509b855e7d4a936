"""`GET /clients/{rut}`."""

from typing import Any

from handlers.backend import database, records
from handlers.shared import http, rut
from handlers.shared.contract import Contract


@http.operation
def handler(event: http.Event, _context: Any) -> http.Answer:
    key = rut.canonical(http.path_parameter(event, "rut", Contract.bundled(), "Rut"))
    client = database.from_environment().transaction(lambda cursor: records.find_client(cursor, key))
    return http.resource(200, client)
