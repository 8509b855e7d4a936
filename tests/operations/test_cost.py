"""The cost of a stack, from its own resource graph."""

import argparse
import copy
import json
from typing import Any

import pytest

from operations.cost import flow
from operations.cost.command import run
from operations.cost.errors import CostError
from operations.cost.estimate import Estimate, estimate
from operations.cost.graph import FUNCTION, STATE_MACHINE, Graph
from operations.cost.prices import Prices
from tests.components.graph import ON_PREMISE, STACKS, record

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
RDS = "aws:rds/instance:Instance"
METHOD_SETTINGS = "aws:apigateway/methodSettings:MethodSettings"
RULE = "aws:cloudwatch/eventRule:EventRule"


def deployment(stack: str, overrides: dict[str, str] | None = None) -> dict[str, Any]:
    """As `pulumi stack export` prints it."""
    resources = [
        {"type": each.type, "urn": each.urn, "custom": not each.component, "inputs": each.inputs}
        for each in record(stack, overrides or {}).resources
    ]
    return {"version": 3, "deployment": {"resources": resources}}


@pytest.fixture(scope="module")
def prod() -> dict[str, Any]:
    return deployment("prod")


def of(document: dict[str, Any], leads: float = 1000) -> Estimate:
    return estimate(Graph.of_deployment(document), leads, Prices.read())


def changed(document: dict[str, Any], type_: str, **inputs: Any) -> dict[str, Any]:
    document = copy.deepcopy(document)
    for each in document["deployment"]["resources"]:
        if each["type"] == type_:
            each["inputs"] |= inputs
    return document


def usd(result: Estimate, what: str) -> float:
    return next(line.usd for line in (*result.fixed, *result.used) if line.what == what)


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_of_each_stack_has_a_price_or_is_known_to_cost_nothing(stack: str) -> None:
    assert of(deployment(stack)).total > 0


def test_an_on_premise_database_is_not_paid_for() -> None:
    assert not [line.what for line in of(deployment("dev", ON_PREMISE)).fixed if line.what.startswith("RDS")]


def test_a_second_zone_doubles_the_database(prod: dict[str, Any]) -> None:
    one, two = (of(changed(prod, RDS, multiAz=zones)) for zones in (False, True))
    for what in ("RDS db.t4g.medium", "RDS storage"):
        assert usd(two, what) == pytest.approx(2 * usd(one, what))


def test_fixed_prices_do_not_depend_on_the_leads_and_the_others_are_in_proportion(prod: dict[str, Any]) -> None:
    few, many = of(prod, 10), of(prod, 1000)
    assert few.fixed == many.fixed
    assert [line.usd * 100 for line in few.used] == pytest.approx([line.usd for line in many.used])
    assert few.per_million == pytest.approx(many.per_million)


def test_a_step_more_is_a_transition_a_call_and_a_request_more(prod: dict[str, Any]) -> None:
    before = of(prod)
    machine = next(each for each in prod["deployment"]["resources"] if each["type"] == STATE_MACHINE)
    definition = json.loads(machine["inputs"]["definition"])
    states = definition["States"]
    states["CreateContract"] = {**states["CreateBenefit"], "End": True}
    del states["CreateBenefit"]["End"]
    states["CreateBenefit"]["Next"] = "CreateContract"
    after = of(changed(prod, STATE_MACHINE, definition=json.dumps(definition)))
    assert after.transitions == before.transitions + 1
    for what in ("Step Functions, Standard", "API Gateway", "Lambda requests", "DynamoDB writes"):
        assert usd(after, what) > usd(before, what), what


def test_the_way_of_a_lead_without_trouble_is_the_flows_own(prod: dict[str, Any]) -> None:
    path = flow.happy_path(Graph.of_deployment(prod).definition())
    assert path == ["ReceiveLead", "IsNew", "CreateClient", "CreatePartner", "CreateBenefit"]


def test_a_flow_that_turns_back_is_refused() -> None:
    states = {"One": {"Type": "Pass", "Next": "Two"}, "Two": {"Type": "Pass", "Next": "One"}}
    with pytest.raises(CostError, match="comes back to One"):
        flow.happy_path({"StartAt": "One", "States": states})


def test_an_alarm_over_a_sum_is_paid_for_by_its_metrics(prod: dict[str, Any]) -> None:
    alarms = [each["inputs"] for each in prod["deployment"]["resources"] if each["type"] == ALARM]
    metrics = sum(max(1, sum("metric" in query for query in each.get("metricQueries", []))) for each in alarms)
    assert metrics > len(alarms), "this stack has no alarm over a sum"
    assert usd(of(prod), "Alarms") == pytest.approx(0.10 * metrics)


def test_a_schedule_is_paid_for_though_no_lead_comes(prod: dict[str, Any]) -> None:
    each_minute = of(prod)
    rare = of(changed(prod, RULE, scheduleExpression="rate(2 hours)"))
    calls = {line.what: line.quantity for line in each_minute.fixed}["Scheduled calls"]
    assert calls == 730 * 60
    assert usd(rare, "Scheduled calls") < usd(each_minute, "Scheduled calls")
    with pytest.raises(CostError, match="cron"):
        of(changed(prod, RULE, scheduleExpression="cron(0 12 * * ? *)"))


def test_worst_day_counts_every_public_door_at_its_limit(prod: dict[str, Any]) -> None:
    result = of(prod)
    doors = {door.what: door for door in result.worst}
    day = 24 * 3600
    assert doors["leads that are taken"].requests == 10_000
    assert doors["leads that are taken"].usd == pytest.approx(result.per_million / 100)
    assert doors["POST /leads"].requests == doors["GET /leads/{leadId}"].requests == 50 * day
    assert doors["preflights, wrong methods"].requests == 8 * 50 * day, "two preflights and six wrong methods"
    assert doors["the form's pages"].requests == 10 * 10 * day
    assert set(doors) == {
        "leads that are taken",
        "POST /leads",
        "GET /leads/{leadId}",
        "preflights, wrong methods",
        "the form's pages",
    }
    assert result.worst_total == sum(door.usd for door in result.worst) < 300


def test_worst_day_grows_with_what_nobody_bounds(prod: dict[str, Any]) -> None:
    before = of(prod)
    unbounded = copy.deepcopy(prod)
    for each in unbounded["deployment"]["resources"]:
        if each["type"] == FUNCTION:
            each["inputs"].pop("reservedConcurrentExecutions", None)
    assert of(unbounded).worst_total > 5 * before.worst_total
    fast = {"throttlingRateLimit": 5000, "throttlingBurstLimit": 5000}
    assert of(changed(prod, METHOD_SETTINGS, settings=fast)).worst_total > 20 * before.worst_total


def test_worst_day_of_a_stack_without_limits_is_refused(prod: dict[str, Any]) -> None:
    without = copy.deepcopy(prod)
    listed = without["deployment"]["resources"]
    without["deployment"]["resources"] = [each for each in listed if each["type"] != METHOD_SETTINGS]
    with pytest.raises(CostError, match="has no limit"):
        of(without)
    unlimited = copy.deepcopy(prod)
    for each in unlimited["deployment"]["resources"]:
        if each["type"] == FUNCTION and each["inputs"].get("environment"):
            each["inputs"]["environment"]["variables"].pop("INTAKE_DAILY_LIMIT", None)
    with pytest.raises(CostError, match="INTAKE_DAILY_LIMIT"):
        of(unlimited)


def test_an_unknown_resource_is_named_instead_of_left_out(prod: dict[str, Any]) -> None:
    document = copy.deepcopy(prod)
    document["deployment"]["resources"].append(
        {"type": "aws:ec2/natGateway:NatGateway", "urn": "urn::nat", "custom": True, "inputs": {}}
    )
    with pytest.raises(CostError, match="aws:ec2/natGateway:NatGateway"):
        of(document)


def test_an_unknown_instance_class_is_named_with_where_to_look(prod: dict[str, Any]) -> None:
    with pytest.raises(CostError, match=r"db\.x99\.huge.*https://"):
        of(changed(prod, RDS, instanceClass="db.x99.huge"))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"deployment": {}}', '{"version": 3}'])
def test_what_is_no_deployment_is_refused_with_the_remedy(tmp_path: Any, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(CostError, match="pulumi stack export"):
        run(options(deployment=str(tmp_path / "state.json")))


def test_a_missing_file_is_refused_with_the_remedy(tmp_path: Any) -> None:
    with pytest.raises(CostError, match="make up"):
        run(options(deployment=str(tmp_path / "nothing.json")))


def test_the_table_and_the_json_say_the_same(prod: dict[str, Any], tmp_path: Any, capsys: Any) -> None:
    file = tmp_path / "state.json"
    file.write_text(json.dumps(prod))
    run(options(deployment=str(file)))
    table = capsys.readouterr().out
    run(options(deployment=str(file), json=True))
    document = json.loads(capsys.readouterr().out)
    assert f"{document['usd_per_month']:,.2f}" in table
    assert sum(line["usd"] for line in document["fixed"] + document["used"]) == pytest.approx(
        document["usd_per_month"], abs=0.01
    )
    assert document["prices_as_of"] in table


def options(**changes: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"leads_per_day": 1000.0, "deployment": "-", "json": False, **changes})
