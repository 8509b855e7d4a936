"""One CloudWatch dashboard: graphs side by side, and the alarms below them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.alarms import Metric

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
GRID_WIDTH = 24
GRAPHS_IN_A_ROW = 3
HEIGHT = 6


@dataclass(frozen=True, kw_only=True)
class Graph:
    """`metrics`: label -> metric."""

    title: str
    metrics: Mapping[str, Metric]


@dataclass(frozen=True, kw_only=True)
class DashboardArgs:
    region: str
    graphs: Sequence[Graph]
    alarm_arns: Sequence[pulumi.Input[str]]


class Dashboard(pulumi.ComponentResource):
    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:operations:Dashboard", name, None, opts)
        aws.cloudwatch.Dashboard(
            f"{name}-board",
            dashboard_name=name,
            dashboard_body=pulumi.Output.json_dumps(body(args)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def body(args: DashboardArgs) -> dict[str, Any]:
    width = GRID_WIDTH // GRAPHS_IN_A_ROW
    widgets = [
        {
            "type": "metric",
            "x": place % GRAPHS_IN_A_ROW * width,
            "y": place // GRAPHS_IN_A_ROW * HEIGHT,
            "width": width,
            "height": HEIGHT,
            "properties": {
                "title": graph.title,
                "region": args.region,
                "view": "timeSeries",
                "metrics": [_series(label, metric) for label, metric in graph.metrics.items()],
            },
        }
        for place, graph in enumerate(args.graphs)
    ]
    rows = -(-len(args.graphs) // GRAPHS_IN_A_ROW)
    alarms = {
        "type": "alarm",
        "x": 0,
        "y": rows * HEIGHT,
        "width": GRID_WIDTH,
        "height": HEIGHT,
        "properties": {"title": "What a person must act on", "alarms": list(args.alarm_arns)},
    }
    return {"widgets": [*widgets, alarms]}


def _series(label: str, metric: Metric) -> list[Any]:
    dimensions = [part for pair in metric.dimensions.items() for part in pair]
    options = {"label": label, "stat": metric.stat, "period": metric.period}
    return [metric.namespace, metric.name, *dimensions, options]
