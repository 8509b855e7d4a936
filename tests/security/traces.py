"""Everything readable that a running stack leaves behind, by where it was found."""

import json
from collections.abc import Iterator
from typing import Any

from tests.stack import LocalCloud, Stack, wait_for

# What holds a lead because it carries it. All else must know nothing of it.
PAYLOADS = ("input", "output", "parameters")


def logs(stack: Stack) -> Iterator[tuple[str, str]]:
    client = stack.client("logs")
    for groups in client.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            name = group["logGroupName"]
            for page in client.get_paginator("filter_log_events").paginate(logGroupName=name):
                yield from ((f"log {name}", event["message"]) for event in page["events"])


def metrics(stack: Stack) -> Iterator[tuple[str, str]]:
    for page in stack.client("cloudwatch").get_paginator("list_metrics").paginate():
        yield from (("metric", json.dumps(each)) for each in page["Metrics"])


def executions(stack: Stack) -> Iterator[tuple[str, str]]:
    """Without the payloads that the lead travels in."""
    flow = stack.client("stepfunctions")
    pages = flow.get_paginator("list_executions").paginate(stateMachineArn=stack.outputs["lead_flow_arn"])
    for execution in (each for page in pages for each in page["executions"]):
        arn = execution["executionArn"]
        yield f"execution {arn}", _said(flow.describe_execution(executionArn=arn))
        for page in flow.get_paginator("get_execution_history").paginate(executionArn=arn):
            yield from ((f"history of {arn}", _said(event)) for event in page["events"])


def table(stack: Stack) -> Iterator[tuple[str, str]]:
    """Without the event that is kept for a replay."""
    for page in (
        stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["lead_table_name"])
    ):
        for item in page["Items"]:
            yield "lead table", json.dumps({name: value for name, value in item.items() if name != "payload"})


def settings(stack: Stack) -> Iterator[tuple[str, str]]:
    for page in stack.client("lambda").get_paginator("list_functions").paginate():
        yield from (
            (f"settings of {each['FunctionName']}", json.dumps(each, default=str)) for each in page["Functions"]
        )


def files(cloud: LocalCloud, *folders: str) -> Iterator[tuple[str, str]]:
    for path in (found for folder in folders for found in (cloud.home / folder).rglob("*")):
        if path.is_file():
            yield str(path), path.read_text(errors="replace")


class Alerts:
    """Reads the topic of alerts by a queue of its own."""

    def __init__(self, stack: Stack) -> None:
        self._queue, topic = stack.client("sqs"), stack.outputs["alert_topic_arn"]
        self._url = self._queue.create_queue(QueueName="alerts-as-read-by-tests")["QueueUrl"]
        asked = self._queue.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self._queue.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=asked["Attributes"]["QueueArn"])

    def texts(self, least: int) -> list[tuple[str, str]]:
        """Waits for so many."""
        found: list[tuple[str, str]] = []

        def look() -> bool | None:
            answer = self._queue.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
            found.extend(("alert", message["Body"]) for message in answer.get("Messages", ()))
            return True if len(found) >= least else None

        wait_for(look, 20, f"{least} alerts")
        return found


def _said(description: dict[str, Any]) -> str:
    def without_payloads(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: without_payloads(inner) for name, inner in value.items() if name not in PAYLOADS}
        return [without_payloads(each) for each in value] if isinstance(value, list) else value

    return json.dumps(without_payloads(description), default=str)
