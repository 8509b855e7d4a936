"""A window of time is sent out of the archive again: what was lost comes through, what was done stays as it is."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.operations.leads import executions
from tests.stack import Stack, new_lead, wait_for

Ask = Callable[..., dict[str, Any]]


@contextmanager
def undelivered(stack: Stack) -> Iterator[None]:
    """The bus takes events and archives them, and the rule that starts the flow hands none on."""
    events, bus = stack.client("events"), stack.outputs["event_bus_name"]
    rules = events.list_rule_names_by_target(TargetArn=stack.outputs["lead_flow_arn"], EventBusName=bus)
    for name in rules["RuleNames"]:
        events.disable_rule(Name=name, EventBusName=bus)
    try:
        yield
    finally:
        for name in rules["RuleNames"]:
            events.enable_rule(Name=name, EventBusName=bus)


def test_a_window_brings_through_what_was_never_delivered_and_doubles_nothing(stack: Stack, ask: Ask) -> None:
    since = (datetime.now(UTC) - timedelta(seconds=2)).isoformat()
    done, never = new_lead(origin="app"), new_lead(origin="app")
    done_id, lead_id = str(uuid.uuid4()), str(uuid.uuid4())
    stack.put_event({**done, "leadId": done_id})
    assert stack.ended(done_id)["status"] == "COMPLETED"
    with undelivered(stack):
        stack.put_event({**never, "leadId": lead_id})
    assert stack.request("GET", f"/leads/{lead_id}").status == 404
    assert "replay" not in ask("replay", "--from", since, "--dry-run")
    assert ask("replay", "--from", since)["replay"]
    assert stack.ended(lead_id)["status"] == "COMPLETED"
    wait_for(lambda: len(executions(stack, done_id)) == 2 or None, 20, "the lead that was done to be sent again")
    ask("replay", "--from", since)
    wait_for(lambda: len(executions(stack, lead_id)) == 2 or None, 20, "the second replay")
    for each in (done, never):
        assert [len(rows) for rows in stack.rows_of(each["rut"]).values()] == [1, 1, 1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--from", "yesterday"], "is no time"),
        (["--from", "1h", "--to", "2h"], "is not before"),
        (["--from", "1h", "--all"], "leave the other choices out"),
    ],
)
def test_a_window_has_to_be_one(run: Callable[..., Any], words: list[str], says: str) -> None:
    assert says in run("replay", *words, exits=2).stderr
