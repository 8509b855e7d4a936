"""What the stack's functions wrote to CloudWatch Logs, oldest first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from local_cloud.aws_client import aws_client
from local_cloud.aws_key import AwsKey

PREFIX = "/aws/lambda/"


def recent(outputs: Mapping[str, Any], *, function: str, minutes: int) -> Iterator[str]:
    """Lines of the functions whose name holds `function`, without Lambda's own START, END and REPORT."""
    logs = aws_client("logs", outputs["aws_endpoint_url"], outputs["region"], AwsKey.of_outputs(outputs))
    start = int((time.time() - minutes * 60) * 1000)
    found: list[tuple[int, str, str]] = []
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=PREFIX):
        for group in page["logGroups"]:
            name = group["logGroupName"].removeprefix(PREFIX)
            if function not in name:
                continue
            for events in logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"], startTime=start
            ):
                found += [(event["timestamp"], name, event["message"].rstrip()) for event in events["events"]]
    for _, name, message in sorted(found, key=lambda line: line[0]):
        if not message.startswith(("START ", "END ", "REPORT ")):
            yield f"{name}  {message}"
