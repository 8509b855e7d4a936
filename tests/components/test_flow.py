"""The state machine's definition: accepted by a linter, patient with the CRM, honest about failures."""

import json
import random
from collections.abc import Iterator
from typing import Any

import jsonata
import pytest
from cfnlint.api import ManualArgs, lint

from components import flow_definition
from components.flow_definition import FLOW_TIMEOUT, FUNCTION_STATES, RETRY, STEPS, TASK_TIMEOUT, TRANSIENT_ERRORS
from handlers.shared import errors
from tests.components.graph import ACCOUNT, REGION, STATE_MACHINE, Graph

State = dict[str, Any]

ARNS = {state: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{state}" for state in FUNCTION_STATES}
MIN_RETRY_SECONDS = 600  # the design: a step is retried for at least ten minutes
DRAWS = 10_000
MAX_HISTORY_EVENTS = 25_000  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EVENTS_PER_ATTEMPT = 4  # scheduled, started, failed, and the state entered or exited

EVENT = {"id": "e-1", "source": "leadbridge.web", "detail-type": "LeadReceived", "detail": {"leadId": "l-1"}}
RECEIVED = {
    "leadId": "l-1",
    "duplicate": False,
    "records": {"client": {"name": "alice"}, "partner": {"store": "A1"}, "benefit": {"wantsBenefit": True}},
}
CONTEXT = {"Execution": {"Id": "execution-1", "Input": EVENT}, "State": {"Name": "CreatePartner"}}


def evaluated(value: Any, **variables: Any) -> Any:
    """A value of the definition, with every JSONata expression in it worked out. None: it gave nothing."""
    if isinstance(value, dict):
        return {key: evaluated(inner, **variables) for key, inner in value.items()}
    if not (isinstance(value, str) and value.startswith("{%")):
        return value
    expression = jsonata.Jsonata(value.removeprefix("{%").removesuffix("%}"))
    for name, content in variables.items():
        expression.assign(name, content)
    return expression.evaluate(None)


def lint_problems(definition: State) -> list[str]:
    properties = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/flow", "DefinitionString": json.dumps(definition)}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {"Flow": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}},
    }
    return [
        f"{match.rule.id} {match.message}"
        for match in lint(json.dumps(template), config=ManualArgs(regions=[REGION]))
    ]


@pytest.fixture
def definition() -> State:
    return flow_definition.definition(ARNS)


def tasks(definition: State) -> Iterator[tuple[str, State]]:
    yield from ((name, state) for name, state in definition["States"].items() if state["Type"] == "Task")


def next_states(state: State) -> set[str]:
    catches = {catch["Next"] for catch in state.get("Catch", ())}
    choices = {choice["Next"] for choice in state.get("Choices", ())}
    return catches | choices | {state[key] for key in ("Next", "Default") if key in state}


def test_an_independent_linter_accepts_the_definition(definition: State) -> None:
    assert lint_problems(definition) == []


@pytest.mark.parametrize(
    ("state", "key", "value"),
    [
        ("CreateClient", "InputPath", "$"),
        ("IsNew", "Choices", "always"),
        ("Failed", "Next", "CreateClient"),
    ],
)
def test_the_linter_would_notice(definition: State, state: str, key: str, value: object) -> None:
    definition["States"][state][key] = value
    assert any(problem.startswith("E3601") for problem in lint_problems(definition))


def test_the_deployed_definition_is_this_one_with_the_stacks_functions(graph: Graph) -> None:
    arns = {
        state: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{graph.prefix}-flow-{name}"
        for state, name in {
            "ReceiveLead": "receive-lead",
            "CatchErrors": "catch-errors",
            **{state: f"create-{step}" for state, step in STEPS.items()},
        }.items()
    }
    machine = graph.one(STATE_MACHINE)
    assert machine.document("definition") == flow_definition.definition(arns)
    assert machine.inputs["type"] == "STANDARD", (
        "an Express execution could run twice, and ends after five minutes"
    )


def test_the_flow_may_call_its_own_functions_only(graph: Graph) -> None:
    statements = graph.one("aws:iam/rolePolicy:RolePolicy", "flow-policy").document("policy")["Statement"]
    called = {
        state["Arguments"]["FunctionName"] for _, state in tasks(graph.one(STATE_MACHINE).document("definition"))
    }
    assert statements[0]["Action"] == ["lambda:InvokeFunction"]
    assert set(statements[0]["Resource"]) == called
    assert all(action.startswith(("logs:", "xray:")) for action in statements[1]["Action"])


def test_the_flows_logs_hold_no_personal_data(graph: Graph) -> None:
    logging = graph.one(STATE_MACHINE).inputs["loggingConfiguration"]
    assert logging["includeExecutionData"] is False
    assert logging["logDestination"].endswith(f":log-group:/aws/vendedlogs/states/{graph.prefix}-flow:*")


def test_the_steps_come_in_the_contracts_order(definition: State) -> None:
    states, name, walked = definition["States"], "IsNew", []
    while name := states[name].get("Next", states[name].get("Default")):
        walked.append(name)
    assert walked == ["CreateClient", "CreatePartner", "CreateBenefit"]
    assert definition["StartAt"] == "ReceiveLead"


def test_every_state_can_be_reached_and_every_way_ends(definition: State) -> None:
    states = definition["States"]
    reached, waiting = set(), [definition["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(next_states(states[name]))
    assert reached == set(states)
    ends = {name for name, state in states.items() if state.get("End") or state["Type"] in ("Succeed", "Fail")}
    assert ends == {"AlreadyKnown", "CreateBenefit", "Failed"}


def test_every_task_has_a_timeout_and_the_flow_outlives_all_of_their_retries(definition: State) -> None:
    for name, state in tasks(definition):
        assert state["TimeoutSeconds"] == TASK_TIMEOUT, name
    longest = (RETRY["MaxAttempts"] + 1) * TASK_TIMEOUT + sum(intervals())
    assert len(list(tasks(definition))) * longest < FLOW_TIMEOUT == definition["TimeoutSeconds"]


def test_an_execution_that_uses_up_every_retry_stays_within_its_history(definition: State) -> None:
    attempts = len(list(tasks(definition))) * (RETRY["MaxAttempts"] + 1)
    assert attempts * EVENTS_PER_ATTEMPT < MAX_HISTORY_EVENTS


def test_every_task_but_catch_errors_leads_every_error_to_catch_errors(definition: State) -> None:
    for name, state in tasks(definition):
        if name == "CatchErrors":
            assert "Catch" not in state
            continue
        (catch,) = state["Catch"]
        assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "CatchErrors"), name


def test_a_caught_error_ends_the_execution_as_failed(definition: State) -> None:
    states = definition["States"]
    assert states["CatchErrors"]["Next"] == "Failed"
    assert states["Failed"]["Type"] == "Fail"


@pytest.mark.parametrize("cause", ["{}", "", None])
def test_the_failure_names_the_state_that_really_failed_with_or_without_a_cause(
    definition: State, cause: str | None
) -> None:
    output = {"Error": "States.Timeout"} | ({} if cause is None else {"Cause": cause})
    assigned = evaluated(
        definition["States"]["CreatePartner"]["Catch"][0]["Assign"],
        states={"context": CONTEXT, "errorOutput": output},
    )
    assert assigned == {"failure": {"state": "CreatePartner", "error": "States.Timeout", "cause": cause or ""}}, (
        "an expression that gives nothing fails the catch itself, and the lead is lost"
    )


def test_catch_errors_gets_the_event_for_a_replay(definition: State) -> None:
    failure = {"state": "CreateClient", "error": "CrmRejected", "cause": "{}"}
    payload = evaluated(
        definition["States"]["CatchErrors"]["Arguments"]["Payload"], states={"context": CONTEXT}, failure=failure
    )
    assert payload == {"event": EVENT, "execution": "execution-1", "failure": failure}


def test_the_failed_execution_says_where_and_why(definition: State) -> None:
    failed = evaluated(definition["States"]["Failed"], failure={"state": "CreateClient", "error": "CrmRejected"})
    assert failed["Error"] == "CrmRejected"
    assert failed["Cause"] == "The lead failed in CreateClient; its status says why"


def test_receive_lead_gets_the_whole_event_and_its_answer_is_kept_for_the_steps(definition: State) -> None:
    state = definition["States"]["ReceiveLead"]
    assert evaluated(state["Arguments"]["Payload"], states={"context": CONTEXT}) == {
        "event": EVENT,
        "execution": "execution-1",
    }
    assert evaluated(state["Assign"], states={"result": {"Payload": RECEIVED}}) == {"lead": RECEIVED}
    assert evaluated(state["Output"], states={"result": {"Payload": RECEIVED}}) == RECEIVED


@pytest.mark.parametrize("duplicate", [True, False])
def test_a_duplicate_ends_without_a_step(definition: State, duplicate: bool) -> None:
    (choice,) = definition["States"]["IsNew"]["Choices"]
    assert evaluated(choice["Condition"], lead=RECEIVED | {"duplicate": duplicate}) is duplicate
    assert definition["States"][choice["Next"]]["Type"] == "Succeed"


@pytest.mark.parametrize(("state", "step"), STEPS.items())
def test_a_step_gets_its_own_record_and_knows_whether_it_is_the_last(
    definition: State, state: str, step: str
) -> None:
    payload = evaluated(
        definition["States"][state]["Arguments"]["Payload"], states={"context": CONTEXT}, lead=RECEIVED
    )
    assert payload == {
        "leadId": "l-1",
        "execution": "execution-1",
        "step": step,
        "final": state == "CreateBenefit",
        "record": RECEIVED["records"][step],
    }


def intervals() -> list[float]:
    """The backed-off interval before each retry, of which full jitter draws the wait."""
    return [
        min(RETRY["IntervalSeconds"] * RETRY["BackoffRate"] ** attempt, RETRY["MaxDelaySeconds"])
        for attempt in range(RETRY["MaxAttempts"])
    ]


def test_a_step_is_retried_for_ten_minutes_practically_always() -> None:
    draw = random.Random(20_240_501)
    waits = intervals()
    totals = [sum(draw.uniform(0, wait) for wait in waits) for _ in range(DRAWS)]
    enough = sum(total >= MIN_RETRY_SECONDS for total in totals)
    assert enough / DRAWS > 0.99, f"only {enough} of {DRAWS} retried for {MIN_RETRY_SECONDS} s"


def test_retries_back_off_up_to_a_cap_with_full_jitter() -> None:
    assert RETRY["JitterStrategy"] == "FULL", "a burst of leads would come back as a burst"
    waits = intervals()
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == waits[-1] == 60


def test_every_task_retries_what_may_pass(definition: State) -> None:
    for name, state in tasks(definition):
        assert state["Retry"] == [RETRY], name


@pytest.mark.parametrize("error", [errors.CrmRejected, errors.InvalidLead, errors.InvalidRequest])
def test_a_refusal_is_not_retried(error: type[Exception]) -> None:
    assert error.__name__ not in TRANSIENT_ERRORS


@pytest.mark.parametrize("error", [errors.CrmUnavailable, errors.MissingSetting, errors.Unavailable])
def test_what_may_pass_is_retried(error: type[Exception]) -> None:
    assert error.__name__ in TRANSIENT_ERRORS


def test_no_wildcard_makes_a_refusal_transient() -> None:
    assert not {"States.ALL", "States.TaskFailed"} & set(TRANSIENT_ERRORS)
