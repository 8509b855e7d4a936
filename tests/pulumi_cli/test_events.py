import json
from pathlib import Path
from typing import Any

from local_cloud.engine import Step
from local_cloud.pulumi_cli import events

QUEUE = "urn:pulumi:local::leadbridge::leadbridge:events:EventBus$aws:sqs/queue:Queue::letters"


def step(op: str, urn: str = QUEUE, **fields: Any) -> dict[str, Any]:
    type_ = urn.split("::")[2].rpartition("$")[2]
    return {"resourcePreEvent": {"metadata": {"op": op, "urn": urn, "type": type_, **fields}}}


def test_a_replacement_is_one_step_and_the_default_provider_none() -> None:
    provider = "urn:pulumi:local::leadbridge::pulumi:providers:aws::default_7_51_1"
    happened = [
        step("create", provider),
        step("replace", diffs=["name", "fifo"]),
        step("create-replacement"),
        step("delete-replaced"),
        {"summaryEvent": {"resourceChanges": {"replace": 1, "same": 3}}},
    ]
    summary = events.summary(happened, 1.5)
    assert summary.counts == {"replace": 1, "same": 3}
    assert summary.steps == (Step("replace", "aws:sqs/queue:Queue", "letters", QUEUE, "[fifo, name]"),)
    assert summary.seconds == 1.5


def test_errors_are_told_without_the_clis_colours() -> None:
    happened = [
        {"diagnosticEvent": {"severity": "error", "message": "<{%reset%}>sqs: <{%fg 1%}>refused<{%reset%}>\n"}},
        {"diagnosticEvent": {"severity": "warning", "message": "careful"}},
        {"cancelEvent": {}},
    ]
    assert events.errors(happened) == ("sqs: refused",)


def test_a_cli_that_ended_before_it_began_reports_nothing(tmp_path: Path) -> None:
    assert events.read(tmp_path / "events.json") == []
    (tmp_path / "events.json").write_text(json.dumps({"cancelEvent": {}}) + "\n")
    assert events.read(tmp_path / "events.json") == [{"cancelEvent": {}}]
