"""The event bus: who is told of which event, and where the rest goes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import ConfigurationError
from components.event_bus import LEAD_DETAIL_TYPE, LEAD_SOURCES, EventBusArgs, lead_pattern, stray_pattern
from components.flow_definition import FAILED_CAUSE
from components.lead_flow import LeadFlowArgs, interrupted_pattern
from handlers.shared import lead_event
from tests.components.event_pattern import VERDICTS, matches
from tests.components.graph import ACCOUNT, PERMISSION, REGION, RULE, TARGET, Graph

# SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
MIN_RETENTION_SECONDS, MAX_RETENTION_SECONDS = 60, 1_209_600
QUEUE = "aws:sqs/queue:Queue"

near_misses = st.sampled_from(
    [
        *LEAD_SOURCES,
        "leadbridge",
        "leadbridge.webb",
        "LEADBRIDGE.WEB",
        "leadbridge.",
        LEAD_DETAIL_TYPE,
        "leadReceived",
    ]
)
names = near_misses | st.text()


@given(source=names, detail_type=names, detail=st.dictionaries(st.text(), st.text()))
def test_every_event_is_a_lead_or_a_stray_and_never_both(
    source: str, detail_type: str, detail: dict[str, str]
) -> None:
    event = {"source": source, "detail-type": detail_type, "detail": detail}
    assert matches(lead_pattern(), event) != matches(stray_pattern(), event), "no event may be lost or taken twice"


@given(source=st.sampled_from(LEAD_SOURCES), detail=st.dictionaries(st.text(), st.text()))
def test_every_event_from_a_channel_of_ours_is_a_lead(source: str, detail: dict[str, str]) -> None:
    assert matches(lead_pattern(), {"source": source, "detail-type": LEAD_DETAIL_TYPE, "detail": detail})


def test_the_rule_and_the_functions_speak_of_the_same_events() -> None:
    assert {lead_event.source(origin) for origin in ("web", "app")} == set(LEAD_SOURCES)
    assert lead_event.DETAIL_TYPE == LEAD_DETAIL_TYPE


def test_every_pattern_of_the_program_matches_what_aws_says_it_matches(graph: Graph) -> None:
    patterns = {
        each.name.removeprefix(f"{graph.prefix}-"): json.loads(
            each.inputs["eventPattern"].replace(f"stateMachine:{graph.prefix}-flow", "stateMachine:STATE_MACHINE")
        )
        for each in graph.of(RULE)
        if "eventPattern" in each.inputs
    }
    assert {rule for case in VERDICTS for rule in case["rules"]} == set(patterns), "a pattern without a verdict"
    for case in VERDICTS:
        found = {rule for rule, pattern in patterns.items() if matches(pattern, case["event"])}
        assert found == set(case["rules"]), case["name"]


def ended(**detail: Any) -> dict[str, Any]:
    detail = {"stateMachineArn": "ours", **detail}
    return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}


causes = st.none() | st.text() | st.text().map(lambda text: FAILED_CAUSE + text)


@given(cause=causes, status=st.sampled_from(["TIMED_OUT", "ABORTED", "FAILED", "SUCCEEDED", "RUNNING"]))
def test_an_execution_that_never_reached_catch_errors_is_recorded(cause: str | None, status: str) -> None:
    recorded_already = status == "FAILED" and cause is not None and cause.startswith(FAILED_CAUSE)
    expected = status in ("TIMED_OUT", "ABORTED", "FAILED") and not recorded_already
    assert matches(interrupted_pattern("ours"), ended(status=status, cause=cause)) is expected
    without_cause = status in ("TIMED_OUT", "ABORTED", "FAILED")
    assert matches(interrupted_pattern("ours"), ended(status=status)) is without_cause
    assert not matches(interrupted_pattern("another's"), ended(status=status, cause=cause))


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"detail": {"a": [{"exists": False}]}}, {"detail": {}}, True),
        ({"detail": {"a": [{"exists": False}]}}, {"detail": {"a": None}}, False),
        ({"detail": {"a": [{"exists": True}]}}, {"detail": {"a": None}}, True),
        ({"detail": {"a": [{"anything-but": {"prefix": "x"}}]}}, {"detail": {"a": None}}, True),
        ({"detail": {"a": [{"anything-but": {"prefix": "x"}}]}}, {"detail": {}}, False),
        ({"detail": {"a": [{"anything-but": {"prefix": "x"}}]}}, {"detail": {"a": "xy"}}, False),
        ({"detail": {"$or": [{"a": [1]}, {"$or": [{"b": [2]}, {"c": [3]}]}]}}, {"detail": {"c": 3}}, True),
        ({"detail": {"$or": [{"a": [1]}, {"$or": [{"b": [2]}, {"c": [3]}]}]}}, {"detail": {"c": 1}}, False),
    ],
)
def test_the_matcher_knows_the_operators(pattern: Any, event: dict[str, Any], expected: bool) -> None:
    assert matches(pattern, {"source": "x", "detail-type": "y", **event}) is expected


def test_a_pattern_that_eventbridge_refuses_fails_its_test() -> None:
    with pytest.raises(AssertionError, match="InvalidEventPattern"):
        matches({"source": [{"begins-with": "x"}]}, ended())


def test_the_rules_hold_these_patterns(graph: Graph) -> None:
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{graph.prefix}-flow"
    assert graph.one(RULE, "flow-lead").document("eventPattern") == lead_pattern()
    assert graph.one(RULE, "leads-stray").document("eventPattern") == stray_pattern()
    assert graph.one(RULE, "flow-interrupted").document("eventPattern") == interrupted_pattern(machine)


def test_every_rule_has_a_target(graph: Graph) -> None:
    targeted = {each.inputs["rule"] for each in graph.of(TARGET)}
    assert {each.outputs["name"] for each in graph.of(RULE)} == targeted


def test_a_lead_that_can_not_start_the_flow_waits_in_the_dead_letter_queue(graph: Graph) -> None:
    target = graph.one(TARGET, "flow-start").inputs
    queue = graph.one(QUEUE)
    assert target["arn"] == graph.outputs["lead_flow_arn"]
    assert target["deadLetterConfig"] == {"arn": queue.outputs["arn"]}
    assert target["retryPolicy"]["maximumEventAgeInSeconds"] == 86_400
    assert target["retryPolicy"]["maximumRetryAttempts"] == 185


def test_the_rule_may_start_this_flow_and_nothing_else(graph: Graph) -> None:
    target = graph.one(TARGET, "flow-start")
    role = graph.one("aws:iam/role:Role", "flow-start-role")
    policy = graph.one("aws:iam/rolePolicy:RolePolicy", "flow-start-policy")
    assert target.inputs["roleArn"] == role.outputs["arn"]
    assert policy.urn in target.dependencies, "the first lead would be refused"
    assert policy.document("policy")["Statement"] == [
        {"Effect": "Allow", "Action": ["states:StartExecution"], "Resource": [graph.outputs["lead_flow_arn"]]}
    ]
    (trust,) = role.document("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}


def test_the_flow_and_the_strays_listen_to_our_bus_and_the_others_to_awss(graph: Graph) -> None:
    buses = {
        each.name.removeprefix(f"{graph.prefix}-"): each.inputs.get("eventBusName") for each in graph.of(RULE)
    }
    ours = f"{graph.prefix}-leads"
    assert buses == {
        "flow-lead": ours,
        "leads-stray": ours,
        "flow-interrupted": None,
        "lead-age-each-minute": None,
    }


def test_only_the_rules_of_the_stack_may_send_to_the_dead_letter_queue(graph: Graph) -> None:
    (statement,) = graph.one("aws:sqs/queuePolicy:QueuePolicy").document("policy")["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": graph.one(QUEUE).outputs["arn"],
        "Condition": {
            "ArnLike": {
                "aws:SourceArn": [
                    f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{graph.prefix}-leads/*",
                    f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{graph.prefix}-*",
                ]
            }
        },
    }


def test_what_the_queue_policy_allows_covers_every_rule_that_sends_there(graph: Graph) -> None:
    (statement,) = graph.one("aws:sqs/queuePolicy:QueuePolicy").document("policy")["Statement"]
    allowed = tuple(each.removesuffix("*") for each in statement["Condition"]["ArnLike"]["aws:SourceArn"])
    rules = {each.outputs["name"]: each.outputs["arn"] for each in graph.of(RULE)}
    queue = graph.one(QUEUE).outputs["arn"]
    for target in graph.of(TARGET):
        if queue in (target.inputs["arn"], target.inputs.get("deadLetterConfig", {}).get("arn")):
            assert rules[target.inputs["rule"]].startswith(allowed), f"{target.name} would be refused by the queue"


def test_the_dead_letter_queue_keeps_messages_as_long_as_sqs_can_and_encrypted(graph: Graph) -> None:
    inputs = graph.one(QUEUE).inputs
    assert MIN_RETENTION_SECONDS <= inputs["messageRetentionSeconds"] == MAX_RETENTION_SECONDS
    assert inputs["sqsManagedSseEnabled"] is True


def test_the_bus_is_archived(graph: Graph) -> None:
    archive = graph.one("aws:cloudwatch/eventArchive:EventArchive").inputs
    assert archive["eventSourceArn"] == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{graph.prefix}-leads"
    assert "eventPattern" not in archive, "every event can be replayed"
    assert archive["retentionDays"] >= 1


def test_eventbridge_may_call_catch_errors_for_the_interrupted_rule_only(graph: Graph) -> None:
    permission = graph.one(PERMISSION, "flow-interrupted-permission").inputs
    assert permission["function"] == f"{graph.prefix}-flow-catch-errors"
    assert permission["principal"] == "events.amazonaws.com"
    assert permission["sourceArn"] == graph.one(RULE, "flow-interrupted").outputs["arn"]


def test_a_flow_without_a_function_for_each_state_is_refused() -> None:
    with pytest.raises(ValueError, match="states and functions don't match: CatchErrors, CreateBenefit"):
        LeadFlowArgs(
            bus=None,
            functions={"ReceiveLead": None, "CreateClient": None, "CreatePartner": None},
            log_retention_days=1,
        )


def test_an_archive_of_no_days_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="archiveDays is 0"):
        EventBusArgs(rule_prefix="x", archive_days=0)


def test_a_report_that_catch_errors_can_not_take_waits_in_the_dead_letter_queue(graph: Graph) -> None:
    """The rule's own dead letters end where Lambda has queued the call."""
    config = graph.one("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig").inputs
    queue = graph.one(QUEUE).outputs["arn"]
    assert config["functionName"] == f"{graph.prefix}-flow-catch-errors"
    assert config["destinationConfig"] == {"onFailure": {"destination": queue}}
    assert (config["maximumRetryAttempts"], config["maximumEventAgeInSeconds"]) == (2, 21_600), "Lambda's most"
    function = graph.functions()["flow-catch-errors"]
    rights = [each for each in graph.statements_of(function) if "sqs:SendMessage" in each["Action"]]
    assert rights == [{"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [queue]}]


def test_whatever_is_called_asynchronously_has_somewhere_to_leave_what_fails(graph: Graph) -> None:
    """But for the measurement of each minute, which the next one makes anew."""
    functions = {each.outputs["arn"]: each.outputs["name"] for each in graph.functions().values()}
    called = {functions[each.inputs["arn"]] for each in graph.of(TARGET) if each.inputs["arn"] in functions}
    kept = {
        each.inputs["functionName"]
        for each in graph.of("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
    }
    assert called - kept == {f"{graph.prefix}-lead-age"}
