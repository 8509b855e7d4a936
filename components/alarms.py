"""Alarms, each with a description that says what a person does about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

FIVE_MINUTES = 300
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
MAX_DESCRIPTION = 1024
MAX_METRICS = 20


@dataclass(frozen=True, kw_only=True)
class Metric:
    """`stat`: a CloudWatch statistic, such as Sum or p95. `period`: seconds."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    stat: str = "Sum"
    period: int = FIVE_MINUTES


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Rings when the sum of `metrics` reaches `threshold` (or, with `below`, falls short of it) `periods` times.

    `do`: what has happened, and what a person does about it. `silence_is_bad`: a metric that stops rings, too.
    """

    metrics: Sequence[Metric]
    threshold: float
    do: str
    below: bool = False
    periods: int = 1
    silence_is_bad: bool = False

    def __post_init__(self) -> None:
        if not 0 < len(self.do) <= MAX_DESCRIPTION:
            raise ValueError(f"{self.do!r}: a description has 1 to {MAX_DESCRIPTION} characters")
        if not 0 < len(self.metrics) < MAX_METRICS:
            raise ValueError(f"{self.do!r}: {len(self.metrics)} metrics; use 1 to {MAX_METRICS - 1}")


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """`alarms`: role -> alarm. `topic_arn`: who hears that one rings, and that it is over."""

    alarms: Mapping[str, Alarm]
    topic_arn: pulumi.Input[str]


class Alarms(pulumi.ComponentResource):
    """`arns`: role -> the alarm's."""

    arns: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:operations:Alarms", name, None, opts)
        self.arns = {
            role: aws.cloudwatch.MetricAlarm(
                f"{name}-{role}",
                name=f"{name}-{role}",
                alarm_description=alarm.do,
                comparison_operator="LessThanThreshold" if alarm.below else "GreaterThanOrEqualToThreshold",
                threshold=alarm.threshold,
                evaluation_periods=alarm.periods,
                treat_missing_data="breaching" if alarm.silence_is_bad else "notBreaching",
                alarm_actions=[args.topic_arn],
                ok_actions=[args.topic_arn],
                **_measured(alarm.metrics),
                opts=pulumi.ResourceOptions(parent=self),
            ).arn
            for role, alarm in args.alarms.items()
        }
        self.register_outputs({})


def _measured(metrics: Sequence[Metric]) -> dict[str, Any]:
    """What an alarm watches: one metric, or the sum of several."""
    if len(metrics) == 1:
        (metric,) = metrics
        kind = "extended_statistic" if metric.stat.startswith("p") else "statistic"
        return {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": metric.dimensions,
            kind: metric.stat,
            "period": metric.period,
        }
    parts = [
        {
            "id": f"m{number}",
            "metric": {
                "namespace": metric.namespace,
                "metric_name": metric.name,
                "dimensions": metric.dimensions,
                "stat": metric.stat,
                "period": metric.period,
            },
        }
        for number, metric in enumerate(metrics)
    ]
    total = {"id": "total", "expression": "SUM(FILL(METRICS(), 0))", "label": "all together", "return_data": True}
    return {"metric_queries": [total, *parts]}
