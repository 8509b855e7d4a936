"""Breakages of the flow: what it sends, and what it does with each answer."""

from mutants import killers
from mutants.mutant import Mutant, rows

_CRM = rows("handlers", "handlers/orchestration/crm_client.py")
_RECEIVE = rows("handlers", "handlers/orchestration/receive_lead.py")
_STEP = rows("handlers", "handlers/orchestration/step.py")
_CATCH = rows("handlers", "handlers/orchestration/catch_errors.py")
_IDENTITY = rows("handlers", "handlers/orchestration/identity.py")
_CLIENT = rows("handlers", "handlers/orchestration/create_client.py")
_PARTNER = rows("handlers", "handlers/orchestration/create_partner.py")
_FLOW = rows("handlers", "components/flow_definition.py")

_GOES_ON = "if status == 200 or status == CONFLICT:"

ROWS: tuple[Mutant, ...] = (
    _CRM("the flow sends no key", '"x-api-key": key, ', "", killers=killers.LEAD),
    _CRM(
        "the flow does not say which lead it is about",
        ', "x-lead-id": lead_id}',
        "}",
        killers=killers.FLOW_CORRELATION,
    ),
    _CRM("the flow names no media type", '"Content-Type": "application/json", ', "", killers=killers.LEAD),
    _CRM("the flow sends PUT", '"POST",\n', '"PUT",\n', killers=killers.LEAD),
    _CRM("a conflict fails the lead", _GOES_ON, "if status == 200:", killers=killers.CONFLICT),
    _CRM("a conflict is not seen", "conflict=status == CONFLICT)", "conflict=False)", killers=killers.CONFLICT),
    _CRM("a refusal passes for done", _GOES_ON, "if status < 500:", killers=killers.REJECTED),
    _CRM(
        "an error of the server passes for done",
        _GOES_ON,
        "if status in (200, CONFLICT, 500, 503):",
        killers=killers.RETRIED,
    ),
    _CRM(
        "a throttled call fails the lead",
        "status not in (CONFLICT, TOO_MANY_REQUESTS)",
        "status != CONFLICT",
        killers=killers.RETRIED,
    ),
    _CRM(
        "an error of the server fails the lead",
        "400 <= status < 500",
        "400 <= status < 600",
        killers=killers.RETRIED,
    ),
    _CRM(
        "a refusal is retried",
        "raise CrmRejected(detail) if _is_refusal(status) else CrmUnavailable(detail)",
        "raise CrmUnavailable(detail)",
        killers=killers.REJECTED,
    ),
    _CRM(
        "a refused key is not read again",
        "if status == FORBIDDEN and (now",
        "if status == 401 and (now",
        killers=killers.ROTATION,
    ),
    _CRM(
        "a refused key fails the lead at once",
        'raise CrmUnavailable(f"{detail}: the API key is refused")',
        'raise CrmRejected(f"{detail}: the API key is refused")',
        killers=killers.RETRIED,
    ),
    _CRM(
        "an answer outside the contract is taken",
        '        self._contract.validate("ApiResponseBody", answer)\n',
        "",
        killers=killers.OUTSIDE,
    ),
    _CRM(
        "an answer of another media type is taken",
        'if not strict_json.is_media_type(response.headers.get("Content-Type")):',
        "if response is None:",
        killers=killers.OUTSIDE,
    ),
    _CRM(
        "an answer that tells another status is taken",
        'if answer["statusCode"] != response.status:',
        "if answer is None:",
        killers=killers.OUTSIDE,
    ),
    _CRM(
        "a broken connection is not expected",
        "except urllib3.exceptions.HTTPError as error:",
        "except ZeroDivisionError as error:",
        killers=killers.OUTSIDE,
    ),
    _RECEIVE(
        "a client is sent with the whole lead", '"client": "Client"', '"client": "Lead"', killers=killers.LEAD
    ),
    _RECEIVE(
        "a partner is sent without its store", '"partner": "Partner"', '"partner": "Benefit"', killers=killers.LEAD
    ),
    _RECEIVE(
        "a second event is sent again",
        "    if not claimed:\n",
        "    if claimed is None:\n",
        killers=killers.DUPLICATE,
    ),
    _RECEIVE(
        "an event is not held to the contract",
        '        contract.validate("Lead", lead)\n',
        "",
        killers=killers.NO_LEAD,
    ),
    _RECEIVE(
        "an event may lie about its source",
        'if event.get("source") != lead_event.source(lead["origin"]):',
        "if event is None:",
        killers=killers.NO_LEAD,
    ),
    _STEP("a conflict leaves no warning", "if outcome.conflict:", "if outcome is None:", killers=killers.CONFLICT),
    _STEP("the lead never ends", 'final=task["final"]', "final=False", killers=killers.OWN_ID),
    _CATCH(
        "a failed lead is not recorded",
        "outcome = self.table.fail(lead_id, execution, issue, event, mark, late=late)",
        "outcome = Failure.KNOWN",
        killers=killers.NO_LEAD,
    ),
    _CATCH(
        "why a lead failed is lost",
        "description=_description(failure)",
        'description="failed"',
        killers=killers.REJECTED,
    ),
    _IDENTITY(
        "an event without a lead's id has the execution's",
        'event.get("id") if isinstance(event, Mapping) else None',
        "None",
        killers=killers.NO_LEAD,
    ),
    _CLIENT("the client goes to another path", '"/create_client")', '"/clients")', killers=killers.LEAD),
    _PARTNER(
        "the partner goes to the benefit's path", '"/create_partner")', '"/create_benefit")', killers=killers.LEAD
    ),
    _FLOW(
        "a refusal is retried by the state machine",
        '    "CrmUnavailable",\n',
        '    "CrmUnavailable",\n    "CrmRejected",\n',
        killers=killers.REJECTED,
    ),
    _FLOW("a lost lead shows as a success", '"Type": "Fail"', '"Type": "Succeed"', killers=killers.NO_LEAD),
    _FLOW("an unavailable CRM is not retried", '    "CrmUnavailable",\n', "", killers=killers.RETRIED),
    _FLOW(
        "the client comes after its partner",
        '    "CreateClient": "client",\n    "CreatePartner": "partner",\n',
        '    "CreatePartner": "partner",\n    "CreateClient": "client",\n',
        killers=killers.LEAD,
    ),
)
