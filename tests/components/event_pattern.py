"""EventBridge's matching by the emulator's own matcher, held to AWS's verdicts in event_verdicts.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ministack.services import eventbridge

Json = Any

# AWS's event-ruler 2.1.0 on each event: the rules whose patterns match it. The flow's name is STATE_MACHINE.
VERDICTS: list[dict[str, Json]] = json.loads(Path(__file__).with_name("event_verdicts.json").read_text("utf-8"))


def matches(pattern: Mapping[str, Json], event: Mapping[str, Json]) -> bool:
    """Raise AssertionError for a pattern that EventBridge refuses; the matcher says False to every event then."""
    request = {"EventPattern": json.dumps(pattern), "Event": json.dumps(event)}
    status, _, body = eventbridge._test_event_pattern(request)
    assert status == 200, body
    return bool(json.loads(body)["Result"])
