"""Each alarm tells a person what to do; alarms and dashboard watch what there is in the stack."""

import json
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from components.alarms import Alarm, Metric
from components.dashboard import GRID_WIDTH
from handlers.orchestration import measure_leads
from handlers.shared import lead_table, metrics
from operations.cli import _parser
from tests.components.graph import ACCOUNT, ON_PREMISE, Graph, Resource, record

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
TOPIC = "aws:sns/topic:Topic"
LEADS = {"failed-leads", "dead-letters", "oldest-lead", "daily-limit"}
API = {"throttles", "api-errors", "api-latency"}
DATABASE = {"database-connections", "database-storage"}


def alarms(graph: Graph) -> dict[str, Resource]:
    return {each.name.removeprefix(f"{graph.prefix}-alarm-"): each for each in graph.of(ALARM)}


def measured(inputs: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of what an alarm watches."""
    if "metricName" in inputs:
        yield inputs["namespace"], inputs["metricName"], inputs["dimensions"]
    for query in inputs.get("metricQueries", []):
        if "metric" in query:
            yield query["metric"]["namespace"], query["metric"]["metricName"], query["metric"]["dimensions"]


def shown(graph: Graph) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The same of each line on the dashboard."""
    for widget in graph.one(DASHBOARD).document("dashboardBody")["widgets"]:
        for namespace, name, *rest in widget["properties"].get("metrics", []):
            parts = rest[:-1]
            yield namespace, name, dict(zip(parts[::2], parts[1::2], strict=True))


def existing(graph: Graph) -> dict[str, set[str]]:
    """Dimension -> its values in this stack."""
    return {
        "StateMachineArn": {graph.outputs["lead_flow_arn"]},
        "QueueName": {each.outputs["name"] for each in graph.of("aws:sqs/queue:Queue")},
        "FunctionName": {each.outputs["name"] for each in graph.of("aws:lambda/function:Function")},
        "ApiName": {each.outputs["name"] for each in graph.of("aws:apigateway/restApi:RestApi")},
        "Stage": {each.inputs["stageName"] for each in graph.of("aws:apigateway/stage:Stage")},
        "DBInstanceIdentifier": {each.outputs["name"] for each in graph.of("aws:rds/instance:Instance")},
        "LeadTable": {graph.outputs["lead_table_name"]},
    }


def test_each_stack_watches_leads_and_api_and_its_own_database_where_it_has_one(graph: Graph) -> None:
    simulated = bool(graph.of("aws:rds/instance:Instance"))
    assert set(alarms(graph)) == LEADS | API | (DATABASE if simulated else set())


def test_every_alarm_says_what_to_do(graph: Graph) -> None:
    for name, alarm in alarms(graph).items():
        text = alarm.inputs["alarmDescription"]
        assert re.search(r"\b(see|find|look|raise)\b", text, re.IGNORECASE), f"{name} tells nobody what to do"
        assert text.endswith("."), name


def test_the_commands_in_an_alarm_are_commands_that_there_are(graph: Graph) -> None:
    found = [
        command
        for alarm in alarms(graph).values()
        for command in re.findall(r"`python -m operations ([^`]+)`", alarm.inputs["alarmDescription"])
    ]
    assert len(found) >= 3
    for command in found:
        assert _parser().parse_args(command.split()).stack == graph.prefix.removeprefix("leadbridge-")


def test_every_alarm_reaches_the_topic_when_it_rings_and_when_it_is_over(graph: Graph) -> None:
    topic = graph.one(TOPIC).outputs["arn"]
    for alarm in alarms(graph).values():
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [topic]


def test_alarms_and_dashboard_watch_what_the_stack_has(graph: Graph) -> None:
    there = existing(graph)
    watched = [*shown(graph), *(each for alarm in alarms(graph).values() for each in measured(alarm.inputs))]
    assert len(watched) > 20
    for namespace, name, dimensions in watched:
        assert dimensions, f"{namespace} {name} would be the whole account's"
        for dimension, value in dimensions.items():
            assert value in there[dimension], f"{namespace} {name}: no {dimension} {value}"


def test_a_silent_metric_rings_only_where_it_is_written_every_minute(graph: Graph) -> None:
    breaching = {name for name, each in alarms(graph).items() if each.inputs["treatMissingData"] == "breaching"}
    assert breaching == {"oldest-lead"}
    assert graph.one("aws:cloudwatch/eventRule:EventRule", "lead-age-each-minute").inputs[
        "scheduleExpression"
    ] == ("rate(1 minute)")


def test_the_age_that_rings_is_the_one_that_the_function_writes(graph: Graph) -> None:
    [(namespace, name, dimensions)] = measured(alarms(graph)["oldest-lead"].inputs)
    assert (namespace, name) == (metrics.NAMESPACE, measure_leads.OLDEST_UNFINISHED)
    variables = graph.function("lead-age").inputs["environment"]["variables"]
    assert dimensions == {"LeadTable": variables["LEAD_TABLE_NAME"]}


def test_the_table_has_the_index_that_the_age_is_read_from(graph: Graph) -> None:
    table = graph.one("aws:dynamodb/table:Table").inputs
    [index] = [each for each in table["globalSecondaryIndexes"] if each["name"] == lead_table.UNFINISHED_INDEX]
    keys = [(each["attributeName"], each["keyType"]) for each in index["keySchemas"]]
    assert keys == [("unfinished", "HASH"), ("createdAt", "RANGE")]
    assert {"unfinished", "createdAt"} <= {each["name"] for each in table["attributes"]}


def test_thresholds_follow_the_database_that_the_stack_asks_for() -> None:
    graph = record("dev", {"databaseStorageGib": "100", "databaseInstanceClass": "db.t4g.small"})
    found = alarms(graph)
    assert found["database-storage"].inputs["threshold"] == 15 * 1024**3
    assert found["database-storage"].inputs["comparisonOperator"] == "LessThanThreshold"
    assert found["database-connections"].inputs["threshold"] == 136


def test_the_dashboard_answers_whether_leads_arrive_complete_and_fail_and_how_fast(graph: Graph) -> None:
    widgets = graph.one(DASHBOARD).document("dashboardBody")["widgets"]
    titles = " ".join(each["properties"]["title"] for each in widgets)
    for question in ("arriving", "completing", "failing", "How fast"):
        assert question in titles
    listed = widgets[-1]["properties"]["alarms"]
    assert sorted(listed) == sorted(each.outputs["arn"] for each in graph.of(ALARM))
    places = [(each["x"], each["y"]) for each in widgets]
    assert len(set(places)) == len(places), "one widget would cover another"
    assert all(each["x"] + each["width"] <= GRID_WIDTH for each in widgets)


def test_the_statistics_are_ones_that_cloudwatch_knows(graph: Graph) -> None:
    model = botocore.session.get_session().get_service_model("cloudwatch")
    known = set(model.shape_for("Statistic").enum)
    for name, alarm in alarms(graph).items():
        given = [
            alarm.inputs.get("statistic"),
            *(q["metric"]["stat"] for q in alarm.inputs.get("metricQueries", []) if "metric" in q),
        ]
        assert {each for each in given if each} <= known, name
        assert re.fullmatch(r"p\d\d", alarm.inputs.get("extendedStatistic", "p95")), name


def test_an_alarm_may_publish_to_the_topic_and_use_its_key(graph: Graph) -> None:
    topic = graph.one(TOPIC)
    key = graph.one("aws:kms/key:Key", "alerts-key")
    assert topic.inputs["kmsMasterKeyId"] == key.outputs["arn"]
    assert key.inputs["enableKeyRotation"] is True
    here = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    (publish,) = graph.one("aws:sns/topicPolicy:TopicPolicy").document("policy")["Statement"]
    root, use = key.document("policy")["Statement"]
    for statement in (publish, use):
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert statement["Condition"] == here
    assert (publish["Action"], publish["Resource"]) == (["sns:Publish"], topic.outputs["arn"])
    assert use["Action"] == ["kms:GenerateDataKey*", "kms:Decrypt"]
    assert root["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "else nobody could ever change the key"


def test_a_stack_with_an_address_sends_its_alerts_there() -> None:
    graph = record("dev", {**ON_PREMISE, "alertEmail": "operations@company.example"})
    subscription = graph.one("aws:sns/topicSubscription:TopicSubscription").inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "operations@company.example")
    assert json.dumps(sorted(alarms(graph))) == json.dumps(sorted(LEADS | API)), (
        "their database is theirs to watch"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"do": ""}, "a description has 1 to 1024"),
        ({"do": "x" * 1025}, "1 to 1024"),
        ({"metrics": []}, "0 metrics"),
    ],
)
def test_an_alarm_that_cloudwatch_would_refuse_is_refused(change: dict[str, Any], says: str) -> None:
    metric = Metric(namespace="n", name="m", dimensions={})
    with pytest.raises(ValueError, match=says):
        Alarm(**{"metrics": [metric], "threshold": 1, "do": "Look.", **change})
