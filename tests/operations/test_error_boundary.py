"""Whatever goes wrong, each of the operator's commands ends with a sentence, its exit code and JSON."""

import argparse
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from command_line.boundary import FAILED, UNEXPECTED, UNUSABLE
from operations import cli, commands, importing
from tests import boundary
from tests.operations.leads import csv_file, new_leads

COMMANDS = boundary.commands(cli._parser())
ASKING = [name for name, parser in COMMANDS.items() if "--outputs" in parser._option_string_actions]
OUTPUTS = {
    **dict.fromkeys(("event_bus_name", "lead_table_name", "lead_flow_arn", "catch_errors_arn"), "x"),
    "region": "us-east-1",
    "aws_access_key_id": "AKIA0000000000000000",
    "aws_secret_access_key": boundary.PRIVATE[1],
}


@pytest.fixture
def words(tmp_path: Path) -> Callable[[str], list[str]]:
    """What a command needs to be let through by the parser."""

    def value(action: argparse.Action) -> str:
        if action.type is Path:
            return str(csv_file(tmp_path / "leads.csv", new_leads(2)))
        return "{}" if action.dest == "lead" else "4b1e8d1c-7a44-4f5e-9a55-0f4cf0a9be11"

    return lambda name: [name, *boundary.required(COMMANDS[name], value)]


@pytest.fixture
def outputs(tmp_path: Path) -> Callable[..., str]:
    """--outputs, of a stack whose every address is `url`."""

    def option(url: str, **others: Any) -> str:
        addresses = {"api_url": url, "dead_letter_queue_url": f"{url}/queue", "aws_endpoint_url": url}
        path = tmp_path / "outputs.json"
        path.write_text(json.dumps({**OUTPUTS, **addresses, **others}))
        return f"--outputs={path}"

    return option


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.stack._CONFIG", Config(retries={"total_max_attempts": 1}, read_timeout=5))
    monkeypatch.setattr(importing, "_FIRST_PAUSE", 0.001)


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("kind", boundary.AT_AWS)
def test_what_goes_wrong_at_aws_is_a_sentence(
    kind: str, name: str, words: Any, outputs: Any, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    reply, code, says = boundary.AT_AWS[kind]
    monkeypatch.setattr("operations.commands.dismiss._who", lambda _stack: "somebody")  # STS speaks XML
    with boundary.answering(reply) as url:
        # the API and the handlers' own code know no difference between refusals
        exits = (code, FAILED) if name in ("submit", "import") else code
        said = boundary.hold_in_process(cli.main, [*words(name), outputs(url)], capsys, exits)
    assert re.search(says, said) or name == "import", said
    assert "<" not in said, "nobody else's page is shown"


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"region": "mars-east-1", "aws_endpoint_url": None}, "mars-east-1"),
        ({"region": 5}, "lack region"),
        ({"api_url": ["x"]}, "lack api_url"),
        ({"lead_table_name": None}, "lack lead_table_name"),
        ({"aws_endpoint_url": "nowhere"}, "nowhere"),
    ],
)
def test_outputs_that_lead_nowhere_are_named(
    change: dict[str, Any], says: str, name: str, words: Any, outputs: Any, capsys: Any
) -> None:
    if name == "submit" and says in ("mars-east-1", "nowhere"):
        return  # it asks the API, and no service of AWS
    said = boundary.hold_in_process(
        cli.main, [*words(name), outputs("http://127.0.0.1:9", **change)], capsys, UNUSABLE
    )
    assert says in said


@pytest.mark.parametrize("name", [name for name in ASKING if name != "submit"])
@pytest.mark.parametrize("variables", [{}, {"AWS_PROFILE": "nobody"}])
def test_missing_credentials_are_told(
    variables: dict[str, str], name: str, words: Any, outputs: Any, capsys: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    empty = {"AWS_CONFIG_FILE": str(tmp_path / "no"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no")}
    for variable, value in {**empty, "AWS_EC2_METADATA_DISABLED": "true", **variables}.items():
        monkeypatch.setenv(variable, value)
    place = outputs("http://127.0.0.1:9", aws_endpoint_url=None)
    said = boundary.hold_in_process(cli.main, [*words(name), place], capsys, (FAILED, UNUSABLE))
    assert "redential" in said or "nobody" in said or name == "import", said


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff{}", b"[" * 100_000])
def test_a_file_of_outputs_that_is_none_is_named(content: bytes, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "outputs.json"
    path.write_bytes(content)
    said = boundary.hold_in_process(cli.main, ["failed", f"--outputs={path}"], capsys, UNUSABLE)
    assert str(path) in said or "lack" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_numbers_and_times_that_are_none_are_refused_before_anything_is_asked(
    name: str, words: Any, capsys: Any
) -> None:
    for option in boundary.odd_options(COMMANDS[name]):
        said = boundary.hold_in_process(cli.main, [*words(name), option], capsys, UNUSABLE)
        assert len(said) < 6000


@pytest.mark.parametrize("name", COMMANDS)
def test_a_mistake_of_the_program_tells_its_place_and_nothing_private(
    name: str, words: Any, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(cli, "find", boundary.private_fault)
    monkeypatch.setattr("operations.cost.command.Prices.read", boundary.private_fault)
    said = boundary.hold_in_process(cli.main, words(name), capsys, UNEXPECTED)
    assert "unexpected KeyError at tests/boundary.py:" in said


def test_every_command_is_in_the_tables() -> None:
    assert set(commands.ALL) == set(ASKING)
    assert set(COMMANDS) == {*commands.ALL, "cost"}


@pytest.mark.parametrize("kind", boundary.AROUND_A_PROGRAM)
def test_what_happens_around_the_program_is_a_sentence(kind: str, tmp_path: Path) -> None:
    file = csv_file(tmp_path / "leads.csv", new_leads(1))
    boundary.hold_around(kind, "operations", f"import {file} --dry-run --origin web")


@pytest.mark.parametrize("command", ["submit -", "cost"])
@pytest.mark.parametrize("stdin", ["<&-", "<BYTES"])
def test_standard_input_that_can_not_be_read_is_told(
    command: str, stdin: str, outputs: Any, tmp_path: Path
) -> None:
    (tmp_path / "bytes").write_bytes(b'{"name": "Mu\xf1oz"}')
    place = outputs("http://127.0.0.1:9") if command == "submit -" else ""
    line = f"LC_ALL=C $PYTHON -m operations {command} {place} --json {stdin}"
    done = boundary.shell(line.replace("BYTES", str(tmp_path / "bytes")))
    assert "standard input" in boundary.held_to(done.returncode, done.stdout, done.stderr, exits=UNUSABLE)


def test_a_name_is_printed_whatever_the_encoding(tmp_path: Path) -> None:
    file = tmp_path / "señores.csv"
    file.write_text("ñandú\nx\n")
    for variables in ("LC_ALL=C", "PYTHONIOENCODING=ascii", "LC_ALL=POSIX PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"):
        done = boundary.shell(f"{variables} $PYTHON -m operations import {file} --dry-run", errors="replace")
        assert done.returncode == (UNUSABLE if "UTF8=0" in variables else FAILED), done.stderr
        assert "Traceback" not in done.stderr


def test_ctrl_c_while_it_begins_is_no_traceback(tmp_path: Path) -> None:
    boundary.hold_interrupted("boto3", ["-m", "operations", "failed"], tmp_path)


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "leads.csv", new_leads(3))
    done = boundary.shell(
        f"{{ PYTHONUNBUFFERED= $PYTHON -m operations import {file} --dry-run --json; echo $? >&2; }} | true"
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    "reply", [reply for reply, _, says in boundary.AT_AWS.values() if reply and says == "PROXY"]
)
def test_a_page_instead_of_the_operators_identity_is_a_sentence(
    reply: Any, words: Any, outputs: Any, capsys: Any
) -> None:
    with boundary.answering(reply) as url:
        said = boundary.hold_in_process(cli.main, [*words("dismiss"), outputs(url)], capsys, FAILED)
    assert "PROXY" in said


def test_an_operator_whom_the_system_does_not_know_can_dismiss(monkeypatch: pytest.MonkeyPatch) -> None:
    from operations.commands import dismiss

    monkeypatch.setattr("getpass.getuser", lambda: (_ for _ in ()).throw(KeyError("getpwuid(): uid not found")))
    place = argparse.Namespace(place=argparse.Namespace(is_local=True))
    assert dismiss._who(place).startswith("user ")  # type: ignore[arg-type]


def test_progress_and_the_object_do_not_mix(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("operations.console._EVERY_SECONDS", 0)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    file = csv_file(tmp_path / "leads.csv", new_leads(3))
    assert cli.main(["import", str(file), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["valid"] == 3
