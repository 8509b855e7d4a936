"""A function's log keeps its lines whole, in one log stream per worker.

MiniStack 1.5.33 opens a stream for every invocation, under another name than the handler's context gives, and
cuts lines wherever str.splitlines does (at U+2028, form feeds, …), which breaks a JSON log line in two.
"""

from __future__ import annotations

import math
import time
from typing import Any

from ministack.services import cloudwatch_logs, lambda_svc

from local_cloud.emulator.lambda_executor import served
from local_cloud.emulator.repairs import replace


def apply() -> None:
    def emit(
        func: dict[str, Any],
        request_id: str,
        log_text: str,
        error: bool,
        duration_ms: int,
        *,
        log_source: str | None = None,
    ) -> None:
        by = served.get()
        if by is None:
            original(func, request_id, log_text, error, duration_ms, log_source=log_source)
            return
        config = func.get("config") or func
        group_name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        now = int(time.time() * 1000)
        # Without the wait for a free worker, which AWS doesn't have.
        report = f"Duration: {by.duration * 1000:.2f} ms\tBilled Duration: {math.ceil(by.duration * 1000)} ms"
        report += f"\tMemory Size: {config.get('MemorySize', 128)} MB"
        if by.init is not None:
            report += f"\tInit Duration: {by.init * 1000:.2f} ms"
        lines = [
            f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}",
            *log_text.removesuffix("\n").split("\n"),
            f"END RequestId: {request_id}",
            f"REPORT RequestId: {request_id}\t{report}",
        ]
        events = [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines if line]
        cloudwatch_logs._append_log_events(_stream(group_name, by.log_stream, now), events)
        cloudwatch_logs._fanout_to_subscription_filters(
            group_name, by.log_stream, [{"timestamp": now, "message": event["message"]} for event in events]
        )

    original = replace(
        lambda_svc,
        "_emit_lambda_logs",
        emit,
        parameters="func, request_id, log_text, error, duration_ms, log_source",
    )


def _stream(group_name: str, stream_name: str, now: int) -> dict[str, Any]:
    group = cloudwatch_logs._log_groups.get(group_name)
    if group is None:
        group = cloudwatch_logs._log_groups[group_name] = {
            "arn": cloudwatch_logs._make_group_arn(group_name),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
    stream: dict[str, Any] = group["streams"].setdefault(
        stream_name,
        {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": now,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        },
    )
    return stream
