"""Whatever goes wrong, each command of the local cloud ends with a sentence, its exit code and JSON."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line.boundary import FAILED, UNEXPECTED, UNUSABLE
from local_cloud import cli, deployment
from local_cloud.errors import LocalCloudError
from local_cloud.home import Home
from tests import boundary

COMMANDS = boundary.commands(cli._parser())
OF_A_PROGRAM = [name for name in COMMANDS if name not in ("down", "doctor")]
UNREADABLE = {
    "not UTF-8": b"name: Mu\xf1oz",
    "not YAML": b"name: [",
    "no mapping": b"text",
    "no such day": b"name: x\nwhen: 2026-99-99",
    "nested": b"[" * 20_000,
}


@pytest.fixture(autouse=True)
def own_signals_and_environment() -> Iterator[None]:
    """The program sets both for its process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    environment = dict(os.environ)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: leadbridge\nruntime: python\n")
    (folder / "Pulumi.local.yaml").write_text("config: {}\n")
    return folder


def ended(name: str, *words: str, exits: int, capsys: Any) -> str:
    return boundary.hold_in_process(cli.main, [name, *words], capsys, exits)


@pytest.mark.parametrize("name", COMMANDS)
def test_numbers_that_are_none_are_refused(name: str, capsys: Any) -> None:
    for option in boundary.odd_options(COMMANDS[name]):
        ended(name, option, exits=UNUSABLE, capsys=capsys)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_stack_or_folder_that_can_not_be_is_refused(name: str, root: Path, capsys: Any) -> None:
    for words in (["--stack=../x"], ["--home=line\nbreak"], ["--nothing"]):
        ended(name, f"--root={root}", *words, exits=UNUSABLE, capsys=capsys)


@pytest.mark.parametrize("name", OF_A_PROGRAM)
def test_an_unknown_stack_is_refused(name: str, root: Path, capsys: Any) -> None:
    said = ended(name, f"--root={root}", "--stack=prod", exits=UNUSABLE, capsys=capsys)
    assert "Its stacks: local" in said


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("home", ["file", "file/below"])
def test_a_home_that_is_or_lies_in_a_file_is_told(name: str, home: str, root: Path, capsys: Any) -> None:
    file = root / "file"
    file.write_text("mine")
    if name in ("down", "doctor"):
        return  # nothing to stop there, and the doctor's findings are tested elsewhere
    ended(name, f"--root={root}", f"--home={root / home}", exits=FAILED, capsys=capsys)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("file", ["Pulumi.yaml", "Pulumi.local.yaml"])
@pytest.mark.parametrize("name", ["up", "logs", "outputs"])
def test_settings_that_can_not_be_read_are_named(kind: str, file: str, name: str, root: Path, capsys: Any) -> None:
    (root / file).write_bytes(UNREADABLE[kind])
    said = ended(name, f"--root={root}", exits=UNUSABLE, capsys=capsys)
    assert str(root / file) in said


@pytest.mark.parametrize("kind", boundary.AT_AWS)
def test_what_goes_wrong_at_the_cloud_is_a_sentence(kind: str, root: Path, capsys: Any, monkeypatch: Any) -> None:
    reply, code, says = boundary.AT_AWS[kind]
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    with boundary.answering(reply) as url:
        known = {"aws_access_key_id": "AKIA", "aws_secret_access_key": boundary.PRIVATE[1], "region": "us-east-1"}
        monkeypatch.setattr(deployment, "outputs", lambda *_: {"aws_endpoint_url": url, **known})
        said = ended("logs", f"--root={root}", exits=code, capsys=capsys)
    assert re.search(says, said), said


@pytest.mark.parametrize("content", ["{", "[]", '{"cloud": "x"}', '{"cloud": null}'])
def test_ports_that_are_none_are_named(content: str, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    (home.path / "ports.json").write_text(content)
    with pytest.raises(LocalCloudError, match="Delete it"):
        home.ports()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_mistake_of_the_program_tells_its_place_and_nothing_private(
    name: str, root: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(cli, "check_stack_name", boundary.private_fault)
    assert "unexpected KeyError at tests/boundary.py:" in ended(name, exits=UNEXPECTED, capsys=capsys)


def test_the_traceback_is_there_for_who_asks(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cli, "check_stack_name", boundary.private_fault)
    monkeypatch.setenv("LEADBRIDGE_TRACEBACK", "1")
    assert cli.main(["outputs"]) == UNEXPECTED
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("kind", boundary.AROUND_A_PROGRAM)
def test_what_happens_around_the_program_is_a_sentence(kind: str, tmp_path: Path) -> None:
    command = "outputs" if "packages" in kind else "doctor"  # which looks for missing packages itself
    boundary.hold_around(kind, "local_cloud", f"{command} --home {tmp_path}/home")


def test_ctrl_c_while_it_begins_is_no_traceback(tmp_path: Path) -> None:
    boundary.hold_interrupted("unicodedata", ["-m", "local_cloud", "doctor"], tmp_path)


def test_without_a_home_of_the_user_it_works(tmp_path: Path) -> None:
    done = boundary.shell(f"env -u HOME $PYTHON -m local_cloud doctor --home {tmp_path}/home --json")
    assert "findings" in json.loads(done.stdout)
