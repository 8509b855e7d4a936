"""Late, early, skewed and crossing: the outcome is the one that ADR 0011 defines, every time."""

import itertools
import json
import socket
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from tests.faults import matrix
from tests.faults.bench import Bench
from tests.faults.leads import Lead, Leads
from tests.faults.plan import Gate, Plan, Point, Status
from tests.faults.promise import STEPS, Promise
from tests.faults.sessions import COLUMNS, TABLES, Sessions

pytestmark = pytest.mark.timeout(300)

CALLS = [step.point for step in matrix.CALLS.values()]
# Every order in which the three calls of two leads can come to the CRM.
ORDERS = ["".join("B" if at in of_b else "A" for at in range(6)) for of_b in itertools.combinations(range(6), 3)]


def rivals(leads: Leads) -> dict[str, Lead]:
    """Two leads for one RUT that differ in every row."""
    first, second = leads.new(), leads.new()
    first.data |= {"store": "FIRST", "wantsBenefit": True}
    second.data |= {"store": "SECOND", "wantsBenefit": False, "rut": first.rut}
    return {"A": first, "B": second}


def rows(bench: Bench, lead: Lead) -> dict[str, list[tuple]]:
    """What the CRM holds for the lead's RUT, by step."""
    sessions = Sessions(bench.stack, bench.home)
    return {
        step: [
            tuple(row)
            for row in sessions.rows(f"SELECT {', '.join(COLUMNS[table])} FROM {table} WHERE rut = %s", lead.rut)
        ]
        for step, table in TABLES.items()
    }


def warned(bench: Bench, lead: Lead) -> list[str]:
    """The steps for which a completed lead says that the CRM has kept other data."""
    item = bench.items([lead])[lead.id]
    assert item["status"]["S"] == "COMPLETED"
    assert "error" not in item
    return sorted(item.get("warnings", {"M": {}})["M"])


def answered(plan: Plan, point: Point, lead: Lead) -> bool:
    return any(plan.answered[point, lead.id, status] for status in (200, 409))


@pytest.mark.parametrize("order", ORDERS)
def test_two_leads_for_one_rut_keep_the_first_row_of_each_table_in_every_order(
    order: str, faulty: Bench, leads: Leads
) -> None:
    pair = rivals(leads)
    gates = {(name, point): Gate() for name in pair for point in CALLS}
    for (name, point), gate in gates.items():
        faulty.plan.arm(point, pair[name].id, gate)
    faulty.put(pair.values())
    first: dict[str, str] = {}
    turns = {name: iter(zip(STEPS, CALLS, strict=True)) for name in pair}
    for name in order:
        step, point = next(turns[name])
        first.setdefault(step, name)
        assert gates[name, point].arrived.wait(30)
        gates[name, point].opened.set()
        faulty.plan.wait(lambda plan, point=point, name=name: answered(plan, point, pair[name]), f"{name} {step}")
    faulty.settle(pair.values())
    expected = {step: [pair[name].rows[TABLES[step]]] for step, name in first.items()}
    assert rows(faulty, pair["A"]) == expected
    for name, lead in pair.items():
        assert warned(faulty, lead) == sorted(step for step in STEPS if first[step] != name)


def test_two_leads_for_one_rut_at_the_same_moment_leave_whole_rows_and_a_word_about_the_others(
    faulty: Bench, leads: Leads
) -> None:
    pairs = [rivals(leads) for _ in range(8)]
    everyone = [lead for pair in pairs for lead in pair.values()]
    faulty.put(everyone)
    faulty.settle(everyone)
    for pair in pairs:
        stored = rows(faulty, pair["A"])
        for step, table in TABLES.items():
            (row,) = stored[step]
            owners = [name for name, lead in pair.items() if lead.rows[table] == row]
            assert len(owners) == 1, "no row is a mixture"
            for name, lead in pair.items():
                assert (step in warned(faulty, lead)) == (name not in owners)


def test_an_event_with_a_known_id_and_other_data_is_the_same_lead_and_changes_nothing(
    faulty: Bench, leads: Leads
) -> None:
    lead, other = leads.new(), leads.new()
    faulty.put([lead])
    faulty.settle([lead])
    other.id = lead.id
    faulty.put([other])
    faulty.wait_until_idle()
    assert rows(faulty, other) == {step: [] for step in STEPS}
    assert rows(faulty, lead) == {step: [lead.rows[table]] for step, table in TABLES.items()}


@pytest.mark.parametrize("year", [1999, 2099])
def test_an_event_of_a_skewed_clock_is_a_lead_like_any_other(year: int, faulty: Bench, leads: Leads) -> None:
    lead, since = leads.new(), time.time()
    entry = {
        "EventBusName": faulty.stack.outputs["event_bus_name"],
        "Source": "leadbridge.app",
        "DetailType": "LeadReceived",
        "Detail": json.dumps(lead.detail),
        "Time": datetime(year, 1, 1, tzinfo=UTC),
    }
    faulty.stack.client("events").put_events(Entries=[entry])
    lead.sent = 1
    faulty.settle([lead])
    faulty.wait_until_idle()
    assert Promise(faulty, since).check([lead]).of([lead]) == []


def test_a_function_whose_clock_aws_refuses_is_retried_until_it_is_right(faulty: Bench, leads: Leads) -> None:
    """AWS answers 403 to a signature that is more than five minutes off."""
    lead, since = leads.new(), time.time()
    for step in (matrix.RECEIVE, *matrix.NOTES.values()):
        faulty.plan.arm(step.point, lead.id, Status(403), Status(403))
    faulty.put([lead])
    faulty.settle([lead])
    faulty.wait_until_idle()
    assert faulty.plan.armed(lead.id) == 0
    assert Promise(faulty, since).check([lead]).of([lead]) == []


def test_a_sender_that_hangs_up_and_sends_again_leaves_one_row_of_each(faulty: Bench, leads: Leads) -> None:
    lead = leads.new(origin="web")
    url = urlsplit(faulty.stack.api_url)
    body = json.dumps(lead.data).encode()
    head = (
        f"POST {url.path}/leads HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((str(url.hostname), int(url.port or 80))) as line:
        line.sendall(head.encode() + body)
    faulty.submit(lead)
    faulty.settle([lead])
    faulty.wait_until_idle()
    assert warned(faulty, lead) == []
    assert rows(faulty, lead) == {step: [lead.rows[table]] for step, table in TABLES.items()}


def test_a_step_that_outlives_its_aborted_execution_writes_its_row_and_not_the_leads_status(
    faulty: Bench, leads: Leads
) -> None:
    lead, gate = leads.new(), Gate()
    call = matrix.CALLS["partner"].point
    faulty.plan.arm(call, lead.id, gate)
    faulty.put([lead])
    assert gate.arrived.wait(30)
    execution = faulty.items([lead])[lead.id]["claimedBy"]["S"]
    faulty.flow.stop_execution(executionArn=execution)
    faulty.settle([lead], among=["FAILED"])
    gate.opened.set()
    note = matrix.NOTES["partner"].point
    faulty.plan.wait(lambda plan: plan.answered[note, lead.id, 400] > 0, "the late note to be refused")
    item = faulty.items([lead])[lead.id]
    assert (item["status"]["S"], item["error"]["M"]["code"]["S"]) == ("FAILED", "Execution.ABORTED")
    faulty.put([lead])
    faulty.settle([lead], among=["COMPLETED"])
    assert rows(faulty, lead) == {step: [lead.rows[table]] for step, table in TABLES.items()}
    assert warned(faulty, lead) == []
