"""Events, logs and alarms, queues, topics and keys, each with its way of life."""

from __future__ import annotations

import json
from typing import Any

from tests.provider.lifecycle import Case, Given, Probe, bus, document, log_group, queue, topic


def rule(world: Any) -> Given:
    made = world.make(
        "aws:cloudwatch/eventRule:EventRule", eventBusName=bus(world), eventPattern='{"source": ["a"]}'
    )
    return {"rule": made["name"], "eventBusName": made["eventBusName"]}


CASES = [
    Case(
        "aws:kms/key:Key",
        lambda world: {"description": "one", "enableKeyRotation": True, "policy": document(), "tags": {"a": "1"}},
        {"description": "two", "enableKeyRotation": False},
        Probe("kms", "describe_key", {"KeyId": "{id}"}, "KeyMetadata.Description"),
        "one",
        "two",
    ),
    Case(
        "aws:cloudwatch/eventBus:EventBus",
        lambda world: {"description": "one", "deadLetterConfig": {"arn": queue(world)}},
        {"description": "two"},
        Probe("events", "describe_event_bus", {"Name": "{name}"}, "Description"),
        "one",
        "two",
    ),
    Case(
        "aws:cloudwatch/eventRule:EventRule",
        lambda world: {"eventBusName": bus(world), "eventPattern": '{"source": ["a"]}', "description": "d"},
        {"eventPattern": '{"source": ["b"]}'},
        Probe("events", "describe_rule", {"Name": "{name}", "EventBusName": "{eventBusName}"}, "EventPattern"),
        '{"source": ["a"]}',
        '{"source": ["b"]}',
    ),
    Case(
        "aws:cloudwatch/eventTarget:EventTarget",
        lambda world: {
            **rule(world),
            "arn": queue(world),
            "retryPolicy": {"maximumRetryAttempts": 3.0, "maximumEventAgeInSeconds": 60},
            "inputTransformer": {"inputPaths": {"rut": "$.detail.rut"}, "inputTemplate": '{"rut": <rut>}'},
            "deadLetterConfig": {"arn": queue(world)},
        },
        {"retryPolicy": {"maximumRetryAttempts": 4}},
        Probe(
            "events",
            "list_targets_by_rule",
            {"Rule": "{rule}", "EventBusName": "{eventBusName}"},
            "Targets[0].[RetryPolicy.MaximumRetryAttempts, InputTransformer.InputPathsMap.rut]",
        ),
        [3, "$.detail.rut"],
        [4, "$.detail.rut"],
    ),
    Case(
        "aws:cloudwatch/eventArchive:EventArchive",
        lambda world: {
            "eventSourceArn": world.make("aws:cloudwatch/eventBus:EventBus")["arn"],
            "eventPattern": '{"source": ["a"]}',
            "retentionDays": 7.0,
        },
        {"retentionDays": 8},
        Probe("events", "describe_archive", {"ArchiveName": "{name}"}, "RetentionDays"),
        7,
        8,
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda world: {"retentionInDays": 14, "tags": {"a": "1"}},
        {"retentionInDays": 0},
        Probe("logs", "describe_log_groups", {"logGroupNamePrefix": "{name}"}, "logGroups[0].retentionInDays"),
        14,
    ),
    Case(
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        lambda world: {
            "logGroupName": log_group(world),
            "pattern": "ERROR",
            "metricTransformation": {"name": "Errors", "namespace": "Lead", "value": "1", "defaultValue": "0"},
        },
        {"pattern": "FATAL"},
        Probe(
            "logs",
            "describe_metric_filters",
            {"logGroupName": "{logGroupName}"},
            "metricFilters[0].[filterPattern, metricTransformations[0].metricName]",
        ),
        ["ERROR", "Errors"],
        ["FATAL", "Errors"],
    ),
    Case(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 1,
            "metricName": "Errors",
            "namespace": "AWS/Lambda",
            "period": 60,
            "statistic": "Sum",
            "dimensions": {"FunctionName": "f"},
            "alarmActions": [topic(world)],
        },
        {"threshold": 5},
        Probe(
            "cloudwatch",
            "describe_alarms",
            {"AlarmNames": ["{name}"]},
            "MetricAlarms[0].[Threshold, Dimensions[0].Value]",
        ),
        [1.0, "f"],
        [5.0, "f"],
    ),
    Case(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda world: {"dashboardBody": '{"widgets": []}'},
        {"dashboardBody": '{"widgets": [], "start": "-PT3H"}'},
        Probe("cloudwatch", "get_dashboard", {"DashboardName": "{dashboardName}"}, "DashboardBody"),
        '{"widgets": []}',
        '{"widgets": [], "start": "-PT3H"}',
    ),
    Case(
        "aws:sqs/queue:Queue",
        lambda world: {
            "visibilityTimeoutSeconds": 60.0,
            "redrivePolicy": json.dumps({"deadLetterTargetArn": queue(world), "maxReceiveCount": 3}),
        },
        {"visibilityTimeoutSeconds": None},
        Probe(
            "sqs",
            "get_queue_attributes",
            {"QueueUrl": "{url}", "AttributeNames": ["All"]},
            "Attributes.VisibilityTimeout",
        ),
        "60",
        "30",
    ),
    Case(
        "aws:sqs/queuePolicy:QueuePolicy",
        lambda world: {"queueUrl": world.make("aws:sqs/queue:Queue")["url"], "policy": document()},
        {"policy": document(Id="two")},
        Probe(
            "sqs",
            "get_queue_attributes",
            {"QueueUrl": "{queueUrl}", "AttributeNames": ["Policy"]},
            "Attributes.Policy",
        ),
        document(),
        document(Id="two"),
    ),
    Case(
        "aws:sns/topic:Topic",
        lambda world: {"displayName": "Leads"},
        {"displayName": "Alerts"},
        Probe("sns", "get_topic_attributes", {"TopicArn": "{arn}"}, "Attributes.DisplayName"),
        "Leads",
        "Alerts",
    ),
    Case(
        "aws:sns/topicPolicy:TopicPolicy",
        lambda world: {"arn": topic(world), "policy": document()},
        {"policy": document(Id="two")},
        Probe("sns", "get_topic_attributes", {"TopicArn": "{arn}"}, "Attributes.Policy"),
        document(),
        document(Id="two"),
    ),
    Case(
        "aws:sns/topicSubscription:TopicSubscription",
        lambda world: {
            "topic": topic(world),
            "protocol": "sqs",
            "endpoint": queue(world),
            "rawMessageDelivery": True,
        },
        {"rawMessageDelivery": False},
        Probe("sns", "get_subscription_attributes", {"SubscriptionArn": "{arn}"}, "Attributes.RawMessageDelivery"),
        "true",
        "false",
    ),
]
