"""Breakages of the intake's handlers."""

from mutants import killers
from mutants.mutant import Mutant, rows

_SUBMIT = rows("handlers", "handlers/intake/submit_lead.py")
_EVENT = rows("handlers", "handlers/shared/lead_event.py")
_GET = rows("handlers", "handlers/intake/get_lead.py")

_RECEIPT = '{"leadId": lead_id, "status": SUBMITTED}'

ROWS: tuple[Mutant, ...] = (
    _SUBMIT("a submitted lead answers 200", "http.resource(202,", "http.resource(200,", killers=killers.LEAD),
    _SUBMIT("the receipt has no Location", ', {"Location": f"leads/{lead_id}"})', ")", killers=killers.LEAD),
    _SUBMIT(
        "Location is not relative to the stage", 'f"leads/{lead_id}"', 'f"/leads/{lead_id}"', killers=killers.LEAD
    ),
    _SUBMIT(
        "the receipt names the lead otherwise",
        _RECEIPT,
        '{"id": lead_id, "status": SUBMITTED}',
        killers=killers.LEAD,
    ),
    _SUBMIT("the receipt has no status", _RECEIPT, '{"leadId": lead_id}', killers=killers.LEAD),
    _SUBMIT(
        "the receipt's status is not documented",
        '"status": SUBMITTED}',
        '"status": "ACCEPTED"}',
        killers=killers.LEAD,
    ),
    _SUBMIT(
        "the receipt tells the lead back",
        '"status": SUBMITTED}',
        '"status": SUBMITTED, **lead}',
        killers=killers.LEAD,
    ),
    _SUBMIT(
        "an event that the bus refused passes for sent",
        'if answer.get("FailedEntryCount"):',
        'if answer.get("Failed"):',
        killers=killers.BUS,
    ),
    _SUBMIT(
        "a bus that can't be reached is a fault of ours",
        "except (BotoCoreError, ClientError) as error:",
        "except ZeroDivisionError as error:",
        killers=killers.BUS,
    ),
    _SUBMIT(
        "a lead that was not sent stays noted", "if table.withdraw(lead_id):", "if lead_id:", killers=killers.BUS
    ),
    _SUBMIT(
        "a lead is not noted before it is sent",
        'table.submit(lead_id, lead["origin"], fingerprints.of(lead_id, lead))',
        "pass",
        killers=killers.KNOWN,
    ),
    _EVENT(
        "the event has another source",
        'SOURCE_PREFIX = "leadbridge."',
        'SOURCE_PREFIX = "leads."',
        killers=killers.LEAD,
    ),
    _EVENT(
        "the event has another lead's id",
        '"leadId": lead_id}',
        '"leadId": lead_id[::-1]}',
        killers=killers.LEAD,
    ),
    _EVENT("the event loses a field", "{**lead, ", '{**lead, "store": None, ', killers=killers.LEAD),
    _GET("a lead's status answers 203", "http.resource(200,", "http.resource(203,", killers=killers.LEAD),
    _GET(
        "a stranger reads why the CRM refused a lead",
        'error if error["code"] == _ABOUT_THE_LEAD else _NOT_DELIVERED.as_dict()',
        "error",
        killers=killers.REJECTED,
    ),
    _GET(
        "a stranger reads times that tell a new row from an old one",
        'recorded["updatedAt"].partition(".")[0] + "Z"',
        'recorded["updatedAt"]',
        killers=killers.STRANGERS,
    ),
)
