"""Breakages of the intake's handlers."""

from mutants.mutant import Mutant, rows

_SUBMIT = rows("handlers", "handlers/intake/submit_lead.py")
_GET = rows("handlers", "handlers/intake/get_lead.py")

ROWS: tuple[Mutant, ...] = (
    _SUBMIT("a submitted lead answers 200", "http.resource(202,", "http.resource(200,"),
    _SUBMIT("the receipt has no Location", ', {"Location": f"leads/{lead_id}"})', ")"),
    _SUBMIT("Location leads elsewhere", 'f"leads/{lead_id}"', 'f"/leads/{lead_id}"'),
    _SUBMIT(
        "the receipt names the lead otherwise",
        '{"leadId": lead_id, "status": SUBMITTED}',
        '{"id": lead_id, "status": SUBMITTED}',
    ),
    _SUBMIT("the receipt has no status", '{"leadId": lead_id, "status": SUBMITTED}', '{"leadId": lead_id}'),
    _SUBMIT("the receipt's status is not documented", '"status": SUBMITTED}', '"status": "ACCEPTED"}'),
    _SUBMIT(
        "the receipt is for another lead", '{"leadId": lead_id, "status"', '{"leadId": str(uuid.uuid4()), "status"'
    ),
    _SUBMIT("the receipt tells the lead back", '"status": SUBMITTED}', '"status": SUBMITTED, **lead}'),
    _SUBMIT("an event that the bus refused passes for sent", 'if answer.get("FailedEntryCount"):', "if False:"),
    _SUBMIT(
        "a bus that can't be reached is not expected",
        "except (BotoCoreError, ClientError) as error:",
        "except ZeroDivisionError as error:",
    ),
    _SUBMIT("a lead that was not sent stays noted", "        table.withdraw(lead_id)\n", ""),
    _SUBMIT("a lead is never noted", '    table.submit(lead_id, lead["origin"])\n', ""),
    _SUBMIT("the event has another source", 'lead_event.source(lead["origin"])', '"leads." + lead["origin"]'),
    _SUBMIT("the event has no lead's id", '{**lead, "leadId": lead_id}', "lead"),
    _SUBMIT("the event loses a field", "{**lead, ", '{**lead, "store": None, '),
    _GET("a lead's status answers 203", "http.resource(200,", "http.resource(203,"),
)
