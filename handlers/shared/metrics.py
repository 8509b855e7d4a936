"""A metric of our own: a log line in CloudWatch's embedded metric format, which CloudWatch turns into a metric.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import sys
import time
from collections.abc import Mapping

NAMESPACE = "Leadbridge"


def put(name: str, value: float, unit: str, dimensions: Mapping[str, str]) -> None:
    """`unit`: one of CloudWatch's, such as Seconds."""
    declared = {
        "Namespace": NAMESPACE,
        "Dimensions": [sorted(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    line = {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [declared]},
        **dimensions,
        name: value,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
