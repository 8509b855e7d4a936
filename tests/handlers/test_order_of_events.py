"""Whatever the order of events, reports and replays: one item for a lead, under its own id, and no false alert."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from handlers.orchestration import receive_lead
from handlers.orchestration.catch_errors import CatchErrors, interrupted
from handlers.shared import fingerprint, lead_table
from handlers.shared.contract import Contract
from handlers.shared.errors import InvalidLead
from handlers.shared.lead_table import Issue, LeadTable
from operations.leads import Leads
from tests.handlers import failures
from tests.handlers.samples import lead_event

OWN = {"name": "alice"}
JUNK = ({"name": "mallory"}, {"rut": "22222222-1"})  # a lead that is another's, and no lead at all
ARN = "arn:aws:states:us-east-1:000000000000:execution:lead-flow:"


@dataclass(kw_only=True, eq=False)
class Execution:
    """`state`: running, claimed, aborted (and reported at any time from then on), or over."""

    arn: str
    lead: "Lead"
    event: dict[str, Any]
    state: str = "running"
    failure: dict[str, str] = field(default_factory=lambda: failures.failure("ReceiveLead", "Unavailable", "away"))

    @property
    def data(self) -> dict[str, Any]:
        return {name: value for name, value in self.event["detail"].items() if name != "leadId"}


@dataclass(kw_only=True, eq=False)
class Lead:
    """`first`: its first event. `owner`: the data that came first under its id."""

    lead_id: str
    first: dict[str, Any]
    owner: dict[str, Any] | None = None


class Flow(RuleBasedStateMachine):
    """The handlers and the operator on the real table; alerts and dead letters are collected."""

    numbers = itertools.count()
    table: LeadTable
    item: Callable[[str], dict[str, Any] | None]
    contract: Contract
    operator: Leads

    def __init__(self) -> None:
        super().__init__()
        self.executions: list[Execution] = []
        self.alerts: list[Mapping[str, str]] = []
        self.letters: list[tuple[dict[str, Any], str]] = []
        self.errors = CatchErrors(
            contract=self.contract,
            table=self.table,
            fingerprints=fingerprint.from_environment(),
            alerts=SimpleNamespace(raise_alert=lambda subject, details: self.alerts.append(details)),
            letters=SimpleNamespace(put=lambda event, execution, code, reason: self.letters.append((event, code))),
        )
        self.made: set[str] = set()

    def fresh(self, kind: str) -> str:
        made = f"{kind}-{next(Flow.numbers)}-of-the-test"
        self.made.add(made)
        return made

    def start(self, lead: Lead, event: dict[str, Any]) -> Execution:
        execution = Execution(arn=ARN + self.fresh("execution"), lead=lead, event=event)
        self.executions.append(execution)
        return execution

    def item_of(self, lead: Lead) -> dict[str, str]:
        found = self.item(lead.lead_id) or {}
        return {name: str(next(iter(value.values()))) for name, value in found.items()}

    @initialize(noted=st.booleans())
    def leads(self, noted: bool) -> None:
        """One whose sender gave its id, noted as submitted or not; one that gets the id of its first event."""
        given, event_id = self.fresh("lead"), self.fresh("event")
        self.known = [
            Lead(lead_id=given, first=lead_event(given, **OWN) | {"id": self.fresh("event")}),
            Lead(lead_id=event_id, first=lead_event(None, **OWN) | {"id": event_id}),
        ]
        if noted:
            (lead, _), data = self.known, lead_event(None, **OWN)["detail"]
            self.table.submit(given, "web", self.errors.fingerprints.of(given, data))
            lead.owner = data

    @rule(which=st.integers(0, 1), anew=st.booleans())
    def delivered(self, which: int, anew: bool) -> None:
        """`anew`: as an event of its own, out of the dead-letter queue; else the very same once more."""
        lead = self.known[which]
        sent_on = lead_event(lead.lead_id, **OWN) | {"id": self.fresh("event")}
        self.start(lead, sent_on if anew else lead.first)

    @rule(which=st.integers(0, 1), junk=st.sampled_from(JUNK))
    def junk_with_the_id(self, which: int, junk: dict[str, Any]) -> None:
        lead = self.known[which]
        self.start(lead, lead_event(lead.lead_id, **junk) | {"id": self.fresh("event")})

    def some(self, data: st.DataObject, *states: str) -> Execution | None:
        found = [each for each in self.executions if each.state in states]
        return data.draw(st.sampled_from(found)) if found else None

    @rule(data=st.data())
    def received(self, data: st.DataObject) -> None:
        if execution := self.some(data, "running"):
            self.receive(execution)

    def receive(self, execution: Execution) -> None:
        lead, before = execution.lead, self.item_of(execution.lead)
        event, table, contract, letters = execution.event, self.table, self.contract, len(self.letters)
        try:
            marks, queue = self.errors.fingerprints, self.errors.letters
            answer = receive_lead.receive(event, execution.arn, contract, table, marks, queue)
        except InvalidLead as error:
            assert self.item_of(lead) == before
            execution.failure = failures.failure("ReceiveLead", type(error).__name__, str(error))
            self.fail(execution)
            return
        assert answer["leadId"] == lead.lead_id
        if answer["duplicate"]:
            kept = len(self.letters) > letters
            assert kept == (execution.data != lead.owner), "another lead is lost, or the lead's own event is kept"
            assert self.item_of(lead) == before
            execution.state = "over"
        else:
            lead.owner = lead.owner or execution.data
            assert execution.data == lead.owner, "another lead has taken this one's place"
            execution.state = "claimed"

    @rule(data=st.data())
    def completed(self, data: st.DataObject) -> None:
        if execution := self.some(data, "claimed"):
            self.complete(execution)

    def complete(self, execution: Execution) -> None:
        self.table.progress(execution.lead.lead_id, execution.arn, "benefit", final=True)
        execution.state = "over"

    @rule(data=st.data())
    def failed(self, data: st.DataObject) -> None:
        if execution := self.some(data, "running", "claimed"):
            self.fail(execution)

    def fail(self, execution: Execution) -> None:
        task = {"event": execution.event, "execution": execution.arn, "failure": execution.failure}
        self.catch(execution, lambda: self.errors.catch(task), late=False)
        execution.state = "over"

    @rule(data=st.data())
    def aborted(self, data: st.DataObject) -> None:
        if execution := self.some(data, "running", "claimed"):
            execution.state = "aborted"

    @rule(which=st.integers(0, 1))
    def aborted_at_once(self, which: int) -> None:
        """Before it could claim the lead: the table never hears of it but by its report."""
        lead = self.known[which]
        self.start(lead, lead.first).state = "aborted"

    @rule(data=st.data())
    def reported(self, data: st.DataObject) -> None:
        """Once or several times, soon or late."""
        if execution := self.some(data, "aborted"):
            self.report(execution)

    def report(self, execution: Execution) -> None:
        change = failures.interrupted(execution.arn, json.dumps(execution.event))
        self.catch(execution, lambda: self.errors.catch(interrupted(change), late=True), late=True)

    def catch(self, execution: Execution, call: Callable[[], object], *, late: bool) -> None:
        lead, before, letters = execution.lead, self.item_of(execution.lead), len(self.letters)
        call()
        after = self.item_of(lead)
        lead.owner = lead.owner or execution.data
        foreign = execution.data != lead.owner
        assert (len(self.letters) > letters) == foreign, (
            "an event of another lead is a dead letter, and no other is"
        )
        standing = before.get("status")
        others = standing in ("PROCESSING", "FAILED") and before.get("claimedBy") != execution.arn
        if (
            foreign
            or standing == "COMPLETED"
            or "dismissed" in before
            or (others and (late or standing != "FAILED"))
        ):
            assert after == before, "the lead has gone on, or is another"
            assert self.alerts == [], "a false alert"
        else:
            assert (after["status"], after["claimedBy"]) == ("FAILED", execution.arn)
            assert [alert["leadId"] for alert in self.alerts] == [lead.lead_id]
        self.alerts.clear()

    @rule(which=st.integers(0, 1))
    def replayed(self, which: int) -> None:
        self.replay(self.known[which])

    def replay(self, lead: Lead) -> Execution | None:
        item = self.item_of(lead)
        holder = next((each for each in self.executions if each.arn == item.get("claimedBy")), None)
        if item.get("status") == "PROCESSING" and holder and holder.state in ("aborted", "over"):
            issue = Issue(step="LeadFlow", code="Execution.ABORTED", description="left unfinished")
            self.table.fail(lead.lead_id, holder.arn, issue, holder.event)
            item = self.item_of(lead)
        if item.get("status") != "FAILED" or "dismissed" in item:
            return None
        event = json.loads(item["payload"])
        assert {**event["detail"], "leadId": ""} == {**(lead.owner or {}), "leadId": ""}, "not its own data"
        return self.start(lead, event)

    @precondition(lambda self: len(self.executions) > 3)
    @rule(which=st.integers(0, 1))
    def dismissed(self, which: int) -> None:
        lead = self.operator.get(self.known[which].lead_id)
        if lead is not None and lead.status == "FAILED" and not lead.dismissed:
            assert self.operator.dismiss(lead, "somebody", "it can't pass")

    def nothing_stands_under_another_id(self) -> None:
        ids = {each.lead_id for each in getattr(self, "known", ())}
        stray = [made for made in self.made - ids if self.item(made) is not None]
        assert not stray, "an item under an id that nobody gave a lead"

    def teardown(self) -> None:
        """What still runs ends, what was aborted is reported, and the operator replays what failed."""
        for execution in list(self.executions):
            if execution.state == "aborted":
                self.report(execution)
            elif execution.state == "running":
                self.receive(execution)
            if execution.state == "claimed":
                self.complete(execution)
        for lead in getattr(self, "known", ()):
            if again := self.replay(lead):
                self.receive(again)
                if again.state == "claimed":
                    self.complete(again)
            item = self.item_of(lead)
            valid = lead.owner and "rut" not in [name for name in lead.owner if lead.owner[name] == "22222222-1"]
            ends = {"COMPLETED"} if valid else {"FAILED"}
            if lead.owner and any(each.lead is lead and each.data == lead.owner for each in self.executions):
                assert item["status"] in ends or "dismissed" in item, "it is brought through, or known why not"
                assert "payload" not in item or item["status"] == "FAILED"
        self.nothing_stands_under_another_id()


class Clock:
    """Minutes, days or no time at all pass between two writes."""

    now = datetime(2026, 1, 1, tzinfo=UTC)
    hours = itertools.cycle([0, 0.01, 24 * 20])

    @classmethod
    def read(cls) -> str:
        cls.now += timedelta(hours=next(cls.hours))
        return cls.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.timeout(600)
def test_any_order_of_events_reports_and_replays_leaves_one_item_for_a_lead(
    leads: LeadTable,
    item: Callable[[str], dict[str, Any] | None],
    the_contract: Contract,
    aws_client: Callable[[str], Any],
    lead_table_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lead_table, "now", Clock.read)
    for name, value in {
        "table": leads,
        "item": staticmethod(item),
        "contract": the_contract,
        "operator": Leads(SimpleNamespace(client=aws_client, table_name=lead_table_name)),
    }.items():
        monkeypatch.setattr(Flow, name, value, raising=False)
    run_state_machine_as_test(
        Flow,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
