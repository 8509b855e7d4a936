"""What the Pulumi CLI reports of a deployment in its event log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from local_cloud.engine import Step, Summary
from local_cloud.engine.resource import PROVIDER_PREFIX
from local_cloud.engine.urn import name_of

Event = dict[str, Any]

MARKUP = re.compile(r"<\{%[^%]*%\}>")
"""Colours in the CLI's messages."""

SHOWN = ("create", "update", "replace", "delete", "same", "read")
"""Steps as the embedded engine names them. Those of a replacement are told by `replace` alone."""


def read(log: Path) -> list[Event]:
    """One JSON object a line; none when the CLI ended before it began."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def errors(events: Iterable[Event]) -> tuple[str, ...]:
    said = (event["diagnosticEvent"] for event in events if "diagnosticEvent" in event)
    return tuple(MARKUP.sub("", one["message"]).strip() for one in said if one["severity"] == "error")


def summary(events: Iterable[Event], seconds: float) -> Summary:
    counts: dict[str, int] = {}
    steps = []
    for event in events:
        if "summaryEvent" in event:
            counts = event["summaryEvent"]["resourceChanges"]
        if "resourcePreEvent" in event:
            step = event["resourcePreEvent"]["metadata"]
            if step["op"] in SHOWN and not step["type"].startswith(PROVIDER_PREFIX):
                names = ", ".join(sorted(step.get("diffs") or ()))
                detail = f"[{names}]" if names else ""
                steps.append(Step(step["op"], step["type"], name_of(step["urn"]), step["urn"], detail))
    return Summary(counts, tuple(steps), {}, seconds)
