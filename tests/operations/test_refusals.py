"""What AWS did not take stays where it was, and is said; places that don't answer are explained."""

import io
import json
import uuid
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from operations import findings, importing, stack
from operations.cli import main
from operations.dead_letters import DeadLetters
from operations.errors import NotTaken
from operations.importing import Sender
from operations.pace import Pace
from operations.replay import Replayer
from operations.stack import Place
from tests.operations.leads import bury, event_of
from tests.stack import LocalCloud, Stack, new_lead

REFUSALS = {
    "all": {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]},
    "a page of a proxy": {},
}


class RefusingBus:
    """PutEvents as AWS refuses: with status 200."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer

    def put_events(self, **_: Any) -> dict[str, Any]:
        return self.answer

    def close(self) -> None:
        pass


@pytest.fixture
def refusing(cloud: LocalCloud, request: pytest.FixtureRequest) -> Any:
    """The deployed stack, with a bus that takes nothing."""
    found = stack.find(Place(home=cloud.home))
    found._clients["events"] = RefusingBus(REFUSALS[request.param])
    yield found
    found.close()


@pytest.mark.parametrize("refusing", REFUSALS, indirect=True)
def test_a_dead_letter_that_the_bus_does_not_take_stays_in_the_queue(refusing: stack.Stack, stack: Stack) -> None:
    event = event_of(new_lead(origin="app"))
    bury(stack, event, ERROR_CODE="THROTTLED")
    queue = DeadLetters(refusing)
    with queue.held() as letters:
        (letter,) = (each for each in letters if findings.id_of(each) == event["id"])
        with pytest.raises(NotTaken):
            Replayer(refusing).dead_letter(letter, event["id"])
    with queue.held() as letters:
        (letter,) = (each for each in letters if findings.id_of(each) == event["id"])
        queue.delete(letter)


@pytest.mark.parametrize("refusing", REFUSALS, indirect=True)
def test_a_row_that_the_bus_does_not_take_leaves_no_lead(
    refusing: stack.Stack, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_FIRST_PAUSE", 0.001)
    lead_id = str(uuid.uuid4())
    with pytest.raises(NotTaken):
        Sender(refusing, Pace(1000)).send([(lead_id, new_lead())])
    assert stack.request("GET", f"/leads/{lead_id}").status == 404


def said(*words: str, exits: int = 1) -> str:
    errors = io.StringIO()
    with redirect_stderr(errors):
        assert main(words) == exits
    return errors.getvalue()


def test_without_the_pulumi_cli_the_way_around_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "--outputs" in said("failed", "--stack", "prod")


def test_what_the_pulumi_cli_says_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\necho \"error: no stack named '$6' found\" >&2\nexit 255\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "no stack named 'prod' found" in said("failed", "--stack", "prod")


def test_the_outputs_of_the_pulumi_cli_or_of_a_file_lead_to_the_stack(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(stack.outputs))
    program = tmp_path / "pulumi"
    program.write_text(f"#!/bin/sh\ncat {outputs}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for place in (["--stack", "prod"], ["--outputs", str(outputs)]):
        assert main(["failed", "--json", *place]) == 0


@pytest.mark.parametrize(
    ("text", "words"), [("{", "not JSON"), ("[]", "not a JSON object"), ('{"region": "x"}', "lack api_url")]
)
def test_outputs_that_are_none_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(text)
    assert words in said("failed", "--outputs", str(path), exits=2)


def test_a_local_cloud_that_does_not_run_is_told_with_what_to_run(tmp_path: Path) -> None:
    assert "Run: python -m local_cloud up" in said("failed", "--home", str(tmp_path / "none"))


def test_a_cloud_that_cannot_be_reached_is_one_line(stack: Stack, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("operations.stack._CONFIG", Config(retries={"total_max_attempts": 1}))
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps({**stack.outputs, "aws_endpoint_url": "http://127.0.0.1:9"}))
    assert "can't be reached" in said("status", "somebody", "--outputs", str(path))


@pytest.mark.parametrize("command", ["submit", "status", "failed", "replay", "import", "dismiss"])
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"example: python -m operations {command}" in " ".join(capsys.readouterr().out.split())


def test_an_unknown_lead_is_told(run: Callable[..., Any]) -> None:
    assert "There is no lead nobody" in run("status", "nobody", exits=1).stderr
