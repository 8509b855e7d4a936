"""What the three creating operations of the API share."""

from collections.abc import Callable, Mapping
from typing import Any

from handlers.backend import database, records
from handlers.shared import http, log, rut
from handlers.shared.contract import Contract


def create(
    event: http.Event,
    schema: str,
    table: records.Table,
    values: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> http.Answer:
    """Check the request against `schema`, write the row that `values` makes of it, and say whether it is new."""
    contract = Contract.bundled()
    lead_id = http.lead_id(event, contract)
    body = http.json_body(event, contract, schema)
    key, row = rut.canonical(body["rut"]), values(body)
    created = database.from_environment().transaction(
        lambda cursor: records.create(cursor, table, key, row, lead_id)
    )
    outcome = "CREATED" if created else "UNCHANGED"
    log.info(f"{table.noun} {outcome.lower()}", leadId=lead_id)
    description = (
        f"The {table.noun} was created." if created else f"The {table.noun} was there already, with the same data."
    )
    return http.message(200, f"{table.noun.upper()}_{outcome}", description)
