"""The state ReceiveLead: check the event, claim the lead, and lay out what each step will send.

The state machine sends `{"event": the bus's event, "execution": the execution's id}`.
"""

import json
from collections.abc import Mapping
from typing import Any

from handlers.orchestration import dead_letters
from handlers.orchestration.dead_letters import DeadLetterQueue
from handlers.orchestration.identity import lead_id_of
from handlers.shared import fingerprint, lead_event, lead_table, log, rut, strict_json
from handlers.shared.contract import Contract
from handlers.shared.errors import IdOfAnotherLead, InvalidLead, InvalidRequest
from handlers.shared.fingerprint import Fingerprints
from handlers.shared.lead_table import LeadTable

# The contract's schema for each step's record; their fields are taken from the lead.
RECORDS = {"client": "Client", "partner": "Partner", "benefit": "Benefit"}


def receive(
    event: Any,
    execution: str,
    contract: Contract,
    table: LeadTable,
    fingerprints: Fingerprints,
    letters: DeadLetterQueue,
) -> dict[str, Any]:
    """`{"leadId", "duplicate", "records"}`. Raise InvalidLead when the event is not a lead.

    A second event with the id of a lead is a duplicate. If its data are others, it waits in the dead-letter queue.
    """
    lead = _validated(event, contract)
    lead_id = lead_id_of(event, execution, contract)
    try:
        claimed = table.claim(lead_id, execution, lead["origin"], fingerprints.of(lead_id, event["detail"]))
    except IdOfAnotherLead as error:
        log.warning("an event with the id of another lead", leadId=lead_id)
        letters.put(event, execution, IdOfAnotherLead.__name__, str(error))
        claimed = False
    if not claimed:
        log.info("duplicate event, nothing done", leadId=lead_id)
        return {"leadId": lead_id, "duplicate": True, "records": {}}
    log.info("lead received", leadId=lead_id, origin=lead["origin"])
    records = {step: {field: lead[field] for field in contract.fields(schema)} for step, schema in RECORDS.items()}
    return {"leadId": lead_id, "duplicate": False, "records": records}


def _validated(event: Any, contract: Contract) -> Mapping[str, Any]:
    detail = event.get("detail") if isinstance(event, Mapping) else None
    if not isinstance(detail, dict):
        raise InvalidLead("the event's detail is not a JSON object")
    _check_text(detail)
    lead = {field: value for field, value in detail.items() if field != "leadId"}
    try:
        if "leadId" in detail:
            contract.validate("LeadId", detail["leadId"], called="leadId")
        contract.validate("Lead", lead)
    except InvalidRequest as error:
        raise InvalidLead(str(error)) from None
    if event.get("source") != lead_event.source(lead["origin"]):
        raise InvalidLead(f"the event's source is not {lead_event.source(lead['origin'])}, as its origin says")
    return rut.with_canonical(lead)


def _check_text(detail: Any) -> None:
    if strict_json.is_too_deep(detail):
        raise InvalidLead("the event's detail is nested too deeply")
    try:
        json.dumps(detail, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidLead("the event's detail holds half of a surrogate pair") from None


def handler(task: dict[str, Any], _context: Any) -> dict[str, Any]:
    return receive(
        task["event"],
        task["execution"],
        Contract.bundled(),
        lead_table.from_environment(),
        fingerprint.from_environment(),
        dead_letters.from_environment(),
    )
