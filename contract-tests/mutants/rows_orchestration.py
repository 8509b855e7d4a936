"""Breakages of the flow: what it sends, and what it does with each answer."""

from mutants.mutant import Mutant, rows

_CRM = rows("handlers", "handlers/orchestration/crm_client.py")
_RECEIVE = rows("handlers", "handlers/orchestration/receive_lead.py")
_STEP = rows("handlers", "handlers/orchestration/step.py")
_CATCH = rows("handlers", "handlers/orchestration/catch_errors.py")
_IDENTITY = rows("handlers", "handlers/orchestration/identity.py")
_CLIENT = rows("handlers", "handlers/orchestration/create_client.py")
_PARTNER = rows("handlers", "handlers/orchestration/create_partner.py")
_FLOW = rows("handlers", "components/flow_definition.py")

ROWS: tuple[Mutant, ...] = (
    _CRM("the flow sends no key", '"x-api-key": key, ', ""),
    _CRM("the flow sends its key in another header", '"x-api-key": key', '"x-api-token": key'),
    _CRM("the flow does not say which lead it is about", ', "x-lead-id": lead_id}', "}"),
    _CRM("the flow names no media type", '"Content-Type": "application/json", ', ""),
    _CRM("the flow sends a form", "body=json.dumps(body).encode()", "fields=dict(body)"),
    _CRM("the flow sends PUT", '"POST",\n', '"PUT",\n'),
    _CRM("a conflict fails the lead", "if status == 200 or status == CONFLICT:", "if status == 200:"),
    _CRM("a conflict is not seen", "conflict=status == CONFLICT)", "conflict=False)"),
    _CRM("a refusal passes for done", "if status == 200 or status == CONFLICT:", "if status < 500:"),
    _CRM(
        "an error of the server passes for done",
        "if status == 200 or status == CONFLICT:",
        "if status == 200 or status >= 409:",
    ),
    _CRM("a throttled call fails the lead", "status not in (CONFLICT, TOO_MANY_REQUESTS)", "status != CONFLICT"),
    _CRM("an error of the server fails the lead", "400 <= status < 500", "400 <= status < 600"),
    _CRM(
        "a refusal is retried",
        "raise CrmRejected(detail) if _is_refusal(status) else CrmUnavailable(detail)",
        "raise CrmUnavailable(detail)",
    ),
    _CRM("a rotated key is not read again", "if status == 403:", "if status == 401:"),
    _CRM(
        "an answer outside the contract is taken",
        '        self._contract.validate("ApiResponseBody", answer)\n',
        "",
    ),
    _CRM(
        "an answer of another media type is taken",
        'if not strict_json.is_media_type(response.headers.get("Content-Type")):',
        "if False:",
    ),
    _CRM(
        "an answer that tells another status is taken", 'if answer["statusCode"] != response.status:', "if False:"
    ),
    _CRM(
        "a broken connection is not expected",
        "except urllib3.exceptions.HTTPError as error:",
        "except ZeroDivisionError as error:",
    ),
    _CRM(
        "an answer that is not JSON is not expected",
        "except (ValueError, InvalidRequest) as error:",
        "except InvalidRequest as error:",
    ),
    _RECEIVE("an event is not held to the contract", '        contract.validate("Lead", lead)\n', ""),
    _RECEIVE(
        "an event may lie about its source",
        'if event.get("source") != lead_event.source(lead["origin"]):',
        "if False:",
    ),
    _RECEIVE(
        "a second event is sent again",
        'if not table.claim(lead_id, execution, lead["origin"]):',
        'if table.claim(lead_id, execution, lead["origin"]) is None:',
    ),
    _RECEIVE("a client is sent with the whole lead", '"client": "Client"', '"client": "Lead"'),
    _RECEIVE("a partner is sent without its store", '"partner": "Partner"', '"partner": "Benefit"'),
    _RECEIVE("half of a surrogate pair is taken from an event", "if not _is_unicode(detail):", "if False:"),
    _STEP("a conflict leaves no warning", "if outcome.conflict:", "if False:"),
    _STEP("the lead never ends", 'final=task["final"]', "final=False"),
    _STEP("the step is not noted", "step, final=", '"received", final='),
    _CATCH("a failed lead is not recorded", "if not table.fail(lead_id, execution, issue, event):", "if False:"),
    _CATCH("a failed lead raises no alert", "alerts.raise_alert(", "str("),
    _CATCH("why a lead failed quotes the payload", 'if failure["error"] in _OUR_ERRORS:', 'if failure["cause"]:'),
    _CATCH("why a lead failed is lost", "description=_description(failure)", 'description="failed"'),
    _IDENTITY(
        "an event without an id gets a name of its execution",
        'event.get("id") if isinstance(event, Mapping) else None',
        "None",
    ),
    _CLIENT("the client goes to another path", '"/create_client")', '"/clients")', after="step.handle(task, "),
    _PARTNER(
        "the partner goes to the benefit's path",
        '"/create_partner")',
        '"/create_benefit")',
        after="step.handle(task, ",
    ),
    _FLOW(
        "a refusal is retried by the state machine",
        '    "CrmUnavailable",\n',
        '    "CrmUnavailable",\n    "CrmRejected",\n',
    ),
    _FLOW("an unavailable CRM is not retried", '    "CrmUnavailable",\n', ""),
    _FLOW("a lost lead shows as a success", '"Type": "Fail"', '"Type": "Succeed"'),
    _FLOW(
        "the steps come in another order",
        '    "CreateClient": "client",\n    "CreatePartner": "partner",\n',
        '    "CreatePartner": "partner",\n    "CreateClient": "client",\n',
    ),
)
