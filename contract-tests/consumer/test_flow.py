"""What the deployed flow does with every answer that the contract documents, and with those that it doesn't."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from consumer import expectations, traffic
from consumer.independent import Request, Response, WireContract
from consumer.recording_proxy import Break, RecordingProxy, answer, message
from support import rut
from support.stack import ENDED, ROOT, Stack

from components import flow_definition, openapi

pytestmark = pytest.mark.timeout(120)

DOCUMENT = openapi.load(ROOT / "openapi.yaml")
# state of the flow -> the operation that it calls, and the step that the lead has passed by then
STATES = {state: (state[0].lower() + state[1:], step) for state, step in flow_definition.STEPS.items()}
RETRIED, REJECTED, GONE_ON, DONE = "retried", "rejected", "gone on", "done"
# What the flow does with a documented status; one that only this table or only the contract has is a failure.
REACTIONS = {
    200: DONE,
    400: REJECTED,
    403: RETRIED,  # a new key, or its place in the plan, is known some minutes after it has been made
    404: REJECTED,
    409: GONE_ON,
    413: REJECTED,
    415: REJECTED,
    429: RETRIED,
    500: RETRIED,
    503: RETRIED,
}
NOT_DELIVERED = {
    "step": "LeadFlow",
    "code": "NotDelivered",
    "description": "The lead could not be delivered. It is kept, and will be looked at.",
}
UNKNOWN_CLIENT = 404  # there is no such client: not an answer to its own creation
EXPECTED = {
    (state, status): reaction
    for state in STATES
    for status, reaction in REACTIONS.items()
    if (state, status) != ("CreateClient", UNKNOWN_CLIENT)
}
OUTSIDE_THE_CONTRACT = {
    "a page instead of an answer": Response(
        status=200, headers={"content-type": "text/html"}, body=b"<html>Log in</html>"
    ),
    "a page that says it is JSON": Response(
        status=200, headers={"content-type": "application/json"}, body=b"<html>Log in</html>"
    ),
    "a body that tells another status": answer(200, {"statusCode": 503, "message": "BUSY", "description": "No."}),
    "an empty object": answer(200, {}),
    "the right body as text": Response(status=200, headers={"content-type": "text/plain"}, body=message(200).body),
    "a conflict worded by somebody else": answer(409, {"message": "Conflict"}),
    "an undocumented success": message(204),
    "a redirect": message(307, location="/elsewhere"),
    "a broken connection": Break(status=0),
}


class Lead:
    """One lead, and the scripted answers that meet it alone."""

    def __init__(
        self, stack: Stack, proxy: RecordingProxy, state: str, *responses: Response, **changes: Any
    ) -> None:
        self.state = state
        self._stack = stack
        self._proxy = proxy
        self._path = openapi.operations(DOCUMENT)[STATES[state][0]][1]
        self.lead = {**expectations.LEAD, "rut": rut.new(), **changes}
        if responses and responses[0].status == 409:  # it says that there is a client, so there is one
            assert stack.request("POST", "/create_client", self.client()).status == 200
        proxy.script(self._asks(self._path), *responses)
        receipt = stack.request("POST", "/leads", self.lead, key=False)
        assert receipt.status == 202, receipt.data
        self.id = receipt.json()["leadId"]

    def client(self) -> dict[str, Any]:
        return {field: self.lead[field] for field in expectations.CLIENT}

    def _asks(self, path: str | None = None) -> Callable[[Request], bool]:
        def matches(request: Request) -> bool:
            return (
                request.method == "POST"
                and path in (None, request.path)
                and json.loads(request.body)["rut"] == self.lead["rut"]
            )

        return matches

    def ended(self) -> dict[str, Any]:
        deadline = time.monotonic() + 90
        while True:
            status = self._stack.request("GET", f"/leads/{self.id}", key=False).json()
            if status["status"] in ENDED:
                return dict(status)
            assert time.monotonic() < deadline, f"{self.state}: the lead has not ended: {status}"
            time.sleep(0.1)

    def record(self) -> dict[str, Any]:
        """What the operators see of a lead that has ended."""
        self.ended()
        return self._stack.record(self.id)

    def calls(self) -> list[Request]:
        """What the state sent."""
        return self._proxy.requests(self._asks(self._path))

    def all_calls(self) -> list[Request]:
        """What the whole flow sent, in order."""
        return self._proxy.requests(self._asks())


Leads = dict[Any, Lead]


@pytest.fixture(scope="module")
def leads(stack: Stack, proxy: RecordingProxy) -> Iterator[Leads]:
    """All under way at once: a retry waits a second, and each lead meets its own faults only."""
    found: Leads = {}
    for (state, status), reaction in EXPECTED.items():
        responses = [] if reaction == DONE else [message(status)]
        found[state, status] = Lead(stack, proxy, state, *responses)
    for name, response in OUTSIDE_THE_CONTRACT.items():
        found[name] = Lead(stack, proxy, "CreatePartner", response)
    yield found
    stack.await_leads(lead.id for lead in found.values())


def test_the_reactions_are_to_exactly_the_documented_answers() -> None:
    documented = {
        (state, int(status))
        for state, (operation, _) in STATES.items()
        for method, path in [openapi.operations(DOCUMENT)[operation]]
        for status in DOCUMENT["paths"][path][method.lower()]["responses"]
    }
    assert documented == set(EXPECTED)


def cases(*reactions: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("state", "status"), [case for case, reaction in EXPECTED.items() if reaction in reactions]
    )


@cases(DONE)
def test_the_apis_own_answer_lets_the_lead_go_on(leads: Leads, state: str, status: int) -> None:
    lead = leads[state, status]
    assert lead.ended()["status"] == "COMPLETED"
    assert len(lead.calls()) == 1


@cases(REJECTED)
def test_a_refusal_ends_the_lead_in_this_state_at_once(leads: Leads, state: str, status: int) -> None:
    lead = leads[state, status]
    ended = lead.record()
    assert (ended["status"], ended["error"]["step"], ended["error"]["code"]) == ("FAILED", state, "CrmRejected")
    assert f"{status} SAID_{status}" in ended["error"]["description"]
    assert "Said by the test" not in json.dumps(ended["error"]), "the API's sentence may quote a person's data"
    assert lead.ended()["error"] == NOT_DELIVERED, "whoever sent the lead learns nothing about the CRM"
    assert len(lead.calls()) == 1, "not asked again"
    assert lead.all_calls()[-1] == lead.calls()[0], "nothing after it"


@cases(GONE_ON)
def test_a_conflict_is_a_warning_and_the_lead_goes_on(leads: Leads, state: str, status: int) -> None:
    lead = leads[state, status]
    ended = lead.record()
    assert ended["status"] == "COMPLETED"
    warnings = ended["warnings"].values()
    assert [(each["step"], each["code"]) for each in warnings] == [(STATES[state][1], f"SAID_{status}")]
    assert set(lead.ended()) == {"leadId", "status", "step", "updatedAt"}, "a stranger may have sent it"
    assert len(lead.calls()) == 1


@cases(RETRIED)
def test_a_busy_or_broken_api_is_asked_again_with_the_same_request(leads: Leads, state: str, status: int) -> None:
    lead = leads[state, status]
    ended = lead.record()
    assert (ended["status"], ended.get("warnings", {})) == ("COMPLETED", {})
    first, second = lead.calls()
    assert (first.body, first.headers) == (second.body, second.headers)


@pytest.mark.parametrize("name", OUTSIDE_THE_CONTRACT)
def test_an_answer_outside_the_contract_proves_nothing_and_is_asked_for_again(
    leads: Leads, contract: WireContract, name: str
) -> None:
    assert contract.response_problems("createPartner", OUTSIDE_THE_CONTRACT[name])
    lead = leads[name]
    ended = lead.record()
    assert (ended["status"], ended.get("warnings", {})) == ("COMPLETED", {})
    assert len(lead.calls()) == 2


def test_scripted_answers_are_ones_that_the_contract_allows(
    leads: Leads, proxy: RecordingProxy, contract: WireContract
) -> None:
    for (state, status), reaction in EXPECTED.items():
        assert reaction == DONE or not contract.response_problems(STATES[state][0], message(status))


def test_the_flow_sends_exactly_what_the_expectations_say(leads: Leads) -> None:
    lead = leads["CreateClient", 200]
    lead.ended()
    sent = [traffic.told_apart(request, lead.lead["rut"], lead.id) for request in lead.all_calls()]
    assert sent == [expectations.CALLS[operation] for operation, _ in STATES.values()]


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "app", "phone": 999_999_999_999_999, "wantsBenefit": False},
        {"name": "x" * 100, "lastname": "😀" * 100, "store": "z" * 64, "phone": "1234567"},
        {"name": "a\u0301 \u202e", "mail": "!#$%&'*+/=?^_`{|}~-@example.com"},
    ],
)
def test_whatever_a_lead_may_hold_is_sent_as_the_contract_has_it(
    stack: Stack, proxy: RecordingProxy, contract: WireContract, changes: dict[str, Any]
) -> None:
    lead = Lead(stack, proxy, "CreateClient", **changes)
    assert lead.ended()["status"] == "COMPLETED"
    assert len(lead.all_calls()) == len(STATES)


def test_every_request_and_every_answer_of_the_api_held_to_the_contract(
    leads: Leads, proxy: RecordingProxy, contract: WireContract
) -> None:
    for lead in leads.values():
        lead.ended()
    assert {traffic.operation_of(each.request) for each in proxy.exchanges} >= {
        operation for operation, _ in STATES.values()
    }
    assert traffic.problems(contract, proxy.exchanges) == []
