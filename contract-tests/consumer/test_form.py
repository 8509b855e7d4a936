"""What the deployed form does in a real browser with every answer that the contract documents, and with others."""

import json
from collections.abc import Callable, Iterator

import pytest
from consumer import traffic
from consumer.expectations import CALLS, ISSUE, LEAD_ID, RECEIPT, STATUS
from consumer.form import Form
from consumer.independent import Request, Response, WireContract
from consumer.recording_proxy import Break, RecordingProxy, answer, message
from playwright.sync_api import Page, expect
from support.browser import real_browser
from support.stack import ROOT, Stack

from components import openapi

DOCUMENT = openapi.load(ROOT / "openapi.yaml")
LOCATION = f"leads/{LEAD_ID}"
HTML = Response(status=200, headers={"content-type": "text/html"}, body=b"<html>Log in</html>")
DONE, SHOWN, GIVEN_BACK, SENT_AGAIN, GIVEN_UP, FOLLOWED = (
    "done",
    "shown at the fields",
    "given back to the person",
    "sent again",
    "given up",
    "followed through",
)
# operation -> what the page does with each documented status
REACTIONS = {
    "submitLead": {
        202: DONE,
        400: SHOWN,
        413: GIVEN_BACK,
        415: GIVEN_BACK,
        429: SENT_AGAIN,
        500: GIVEN_BACK,
        503: SENT_AGAIN,
    },
    "getLead": {
        200: DONE,
        400: GIVEN_UP,
        404: GIVEN_UP,
        413: FOLLOWED,
        429: FOLLOWED,
        500: FOLLOWED,
        503: FOLLOWED,
    },
}
NO_RECEIPT = {
    "a page": HTML,
    "a page as accepted": Response(status=202, headers=HTML.headers, body=HTML.body),
    "a receipt with the wrong status": answer(200, RECEIPT, location=LOCATION),
    "a receipt as text": Response(
        status=202,
        headers={"content-type": "text/plain", "location": LOCATION},
        body=json.dumps(RECEIPT).encode(),
    ),
    "no id": answer(202, {"status": "SUBMITTED"}, location=LOCATION),
    "an id that is a path": answer(202, {**RECEIPT, "leadId": "../clients"}, location="leads/../clients"),
    "an id that is a number": answer(202, {**RECEIPT, "leadId": 7}, location="leads/7"),
    "an unknown state": answer(202, {**RECEIPT, "status": "LOST"}, location=LOCATION),
    "a field too many": answer(202, {**RECEIPT, "name": "Zoë"}, location=LOCATION),
    "no place to follow it": answer(202, RECEIPT),
    "a place elsewhere": answer(202, RECEIPT, location="https://elsewhere.example/leads/1"),
    "nothing": answer(202, None, location=LOCATION),
}
NO_STATUS = {
    "a page": HTML,
    "nothing": answer(200, None),
    "an empty object": answer(200, {}),
    "an unknown state": answer(200, {**STATUS, "status": "DONE"}),
    "an unknown step": answer(200, {**STATUS, "step": "elsewhere"}),
    "no time": answer(200, {name: value for name, value in STATUS.items() if name != "updatedAt"}),
    "a time that is none": answer(200, {**STATUS, "updatedAt": "yesterday"}),
    "a failure without its reason": answer(200, {**STATUS, "status": "FAILED", "error": {"step": "client"}}),
    "what the CRM holds": answer(200, {**STATUS, "warnings": [ISSUE]}),
    "a field too many": answer(200, {**STATUS, "mail": "zoe@example.com"}),
}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with real_browser() as browser:
        page = browser.new_page()
        page.set_default_timeout(10_000)
        yield page


@pytest.fixture
def form(page: Page, stack: Stack, proxy: RecordingProxy) -> Iterator[Form]:
    yield Form(page, stack.outputs["form_url"])
    page.goto("about:blank")
    proxy.forget()


# To one host; when a connection breaks that it has used before, it sends again over another.
CONNECTIONS_OF_A_BROWSER = 6


def submissions(form: Form) -> Callable[[Request], bool]:
    def matches(request: Request) -> bool:
        return (
            request.method == "POST"
            and request.path == "/leads"
            and json.loads(request.body)["rut"] == form.lead["rut"]
        )

    return matches


def polls(request: Request) -> bool:
    return request.method == "GET" and request.path.startswith("/leads/")


def cases(operation: str, *reactions: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "status", [status for status, each in REACTIONS[operation].items() if each in reactions]
    )


def test_the_reactions_are_to_exactly_the_documented_answers() -> None:
    for operation, reactions in REACTIONS.items():
        method, path = openapi.operations(DOCUMENT)[operation]
        assert set(map(int, DOCUMENT["paths"][path][method.lower()]["responses"])) == set(reactions), operation


@pytest.mark.parametrize(
    ("operation", "responses"), [("submitLead", NO_RECEIPT), ("getLead", NO_STATUS)], ids=["submitLead", "getLead"]
)
def test_scripted_answers_are_on_the_side_of_the_contract_that_they_stand_for(
    contract: WireContract, operation: str, responses: dict[str, Response]
) -> None:
    for status, reaction in REACTIONS[operation].items():
        assert reaction == DONE or not contract.response_problems(operation, message(status))
    for name, response in responses.items():
        assert contract.response_problems(operation, response), name


def test_a_lead_that_is_accepted_is_followed_to_its_end_and_sent_once(form: Form, proxy: RecordingProxy) -> None:
    form.send().arrived()
    [request] = proxy.requests(submissions(form))
    told = traffic.told_apart(request, form.lead["rut"], form.reference())
    assert told == CALLS["submitLead"]
    asked = [traffic.told_apart(each, "", form.reference()) for each in proxy.requests(polls)]
    assert CALLS["getLead"] in asked


@cases("submitLead", SHOWN)
def test_a_refusal_is_shown_at_the_fields_that_it_names(form: Form, proxy: RecordingProxy, status: int) -> None:
    body = {"statusCode": status, "message": "INVALID_REQUEST", "description": "mail: is unknown to us; no more"}
    proxy.script(submissions(form), answer(status, body))
    form.send().refused("is unknown to us")
    assert "is unknown to us" in form.page.locator("#mail-error").inner_text()
    assert len(proxy.requests(submissions(form))) == 1


@cases("submitLead", GIVEN_BACK)
def test_a_failure_gives_the_entries_back_and_sends_nothing_by_itself(
    form: Form, proxy: RecordingProxy, status: int
) -> None:
    proxy.script(submissions(form), message(status))
    form.send().refused()
    assert len(proxy.requests(submissions(form))) == 1


@cases("submitLead", SENT_AGAIN)
def test_a_busy_service_gets_the_same_lead_again(form: Form, proxy: RecordingProxy, status: int) -> None:
    proxy.script(submissions(form), message(status))
    form.send().arrived()
    first, second = proxy.requests(submissions(form))
    assert first.body == second.body


@pytest.mark.parametrize("name", NO_RECEIPT)
def test_an_answer_outside_the_contract_is_no_receipt(form: Form, proxy: RecordingProxy, name: str) -> None:
    before = len(proxy.requests(polls))
    proxy.script(submissions(form), NO_RECEIPT[name])
    form.send().refused()
    assert len(proxy.requests(polls)) == before, "nothing is followed that nobody promised"


def test_a_redirect_is_not_followed(form: Form, proxy: RecordingProxy) -> None:
    proxy.script(submissions(form), message(307, location="/elsewhere"))
    form.send().refused("We can't reach the service")
    assert proxy.requests(lambda request: request.path == "/elsewhere") == [], "a person's data would go there"


def test_a_connection_that_breaks_gives_the_entries_back(form: Form, proxy: RecordingProxy) -> None:
    proxy.script(submissions(form), *[Break(status=0)] * (CONNECTIONS_OF_A_BROWSER + 1))
    form.send().refused("We can't reach the service")


def test_the_page_shows_nothing_of_what_the_crm_holds_about_a_rut(form: Form, stack: Stack) -> None:
    form.send().arrived()
    unknown = form.shown()
    first = form.reference()
    form.again(mail="another@example.com", store="OTHER_STORE", wantsBenefit=False).send()
    expect(form.page.locator("#reference")).not_to_have_text(first)
    form.arrived()
    assert stack.record(form.reference())["warnings"], "the CRM holds other data for this RUT"
    assert form.shown() == unknown


@cases("getLead", GIVEN_UP)
def test_a_lead_that_the_service_does_not_know_is_asked_for_once(
    form: Form, proxy: RecordingProxy, status: int
) -> None:
    before = len(proxy.requests(polls))
    proxy.script(polls, message(status))
    form.send().unseen()
    assert len(proxy.requests(polls)) == before + 1


@cases("getLead", FOLLOWED)
def test_a_lead_is_followed_through_a_failure_of_the_service(
    form: Form, proxy: RecordingProxy, status: int
) -> None:
    proxy.script(polls, message(status))
    form.send().arrived()
    assert len(proxy.requests(submissions(form))) == 1


@pytest.mark.parametrize("name", NO_STATUS)
def test_an_answer_outside_the_contract_is_no_status_and_is_asked_for_again(
    form: Form, proxy: RecordingProxy, name: str
) -> None:
    proxy.script(polls, NO_STATUS[name])
    form.send().arrived()
    assert len(proxy.requests(submissions(form))) == 1


def test_every_request_and_every_answer_of_the_api_held_to_the_contract(
    form: Form, proxy: RecordingProxy, contract: WireContract
) -> None:
    form.send().arrived()
    called = {traffic.operation_of(each.request) for each in proxy.exchanges if each.request.method != "OPTIONS"}
    assert {"submitLead", "getLead"} <= called
    assert traffic.problems(contract, proxy.exchanges) == []
