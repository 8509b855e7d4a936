"""What a person does with the local cloud: run it again, edit, kill things, take it down."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import ROOT, LocalCloud, Stack, copy_of_the_project, edit, new_lead, steps, wait_for

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A stack of a copy of the project, which a test may edit."""
    root = copy_of_the_project(tmp_path_factory.mktemp("copy"))
    cloud = LocalCloud(tmp_path_factory.mktemp("edited-home"), root)
    cloud.up()
    yield cloud
    cloud.down()


def test_up_again_changes_nothing(edited: LocalCloud) -> None:
    assert steps(edited.up()) == []


def test_an_edit_to_one_handler_shows_and_changes_that_function_alone(edited: LocalCloud) -> None:
    path = edited.root / "handlers" / "backend" / "get_client.py"
    edit(path, "return http.resource(200, client)", 'return http.resource(200, client | {"edited": True})')
    expected = [("update", "aws:lambda/function:Function", "leadbridge-local-api-get-client-function")]
    assert steps(edited.run("preview").stdout) == expected
    assert steps(edited.run("preview").stdout) == expected, "a preview changes nothing"
    assert steps(edited.up()) == expected
    stack = Stack(edited.outputs())
    lead = new_lead()
    stack.ended(stack.submit(lead))
    assert stack.request("GET", f"/clients/{lead['rut']}", key=True).json()["edited"] is True, "warm workers too"


def test_an_edit_to_the_contract_is_served_and_changes_nothing_else(edited: LocalCloud) -> None:
    stack = Stack(edited.outputs())
    edit(edited.root / "openapi.yaml", "  /clients/{rut}:\n", "  /customers/{rut}:\n")
    changed = steps(edited.up())
    kinds = sorted({(operation, kind) for operation, kind, _ in changed})
    assert kinds == [
        ("replace", "aws:apigateway/deployment:Deployment"),
        ("replace", "aws:apigateway/methodSettings:MethodSettings"),
        ("replace", "aws:lambda/permission:Permission"),
        ("update", "aws:apigateway/restApi:RestApi"),
        ("update", "aws:apigateway/stage:Stage"),
    ]
    assert stack.request("GET", "/customers/99999999-9", key=True).json()["message"] == "NOT_FOUND"
    assert stack.request("GET", "/clients/99999999-9", key=True).json()["description"] == "There is no such path."


def test_prose_in_the_contract_changes_no_function(edited: LocalCloud) -> None:
    edit(edited.root / "openapi.yaml", "summary: Submit a lead", "summary: Send a lead")
    assert not [step for step in steps(edited.run("preview").stdout) if "lambda" in step[1]]


def test_a_wrong_setting_is_told_in_one_line_and_touches_nothing(edited: LocalCloud) -> None:
    edit(edited.root / "Pulumi.local.yaml", "databaseMode: on-premise", "databaseMode: on-the-moon")
    result = edited.run("up", "--no-leads", check=False)
    edit(edited.root / "Pulumi.local.yaml", "databaseMode: on-the-moon", "databaseMode: on-premise")
    assert result.returncode != 0
    assert "databaseMode is 'on-the-moon'; use one of simulated, on-premise" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert steps(result.stdout) == []


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path / "home")
    yield cloud
    cloud.down()


def pid_of(cloud: LocalCloud, process: str) -> int:
    return json.loads((cloud.home / "run" / f"{process}.json").read_text())["pid"]


def test_after_a_kill_of_the_database_or_the_emulator_up_recovers_and_says_so(own: LocalCloud) -> None:
    own.up()
    stack = Stack(own.outputs())
    lead = new_lead()
    assert stack.ended(stack.submit(lead))["status"] == "COMPLETED"

    os.kill(pid_of(own, "database"), signal.SIGKILL)
    said = own.up()
    assert "was dead" in said, said
    assert len(Stack(own.outputs()).rows_of(lead["rut"])["CLIENTS"]) == 1, "committed rows survive"

    os.kill(pid_of(own, "cloud"), signal.SIGKILL)
    said = own.up()
    assert "deployed afresh" in said or "lost" in said, said
    again = Stack(own.outputs())
    assert again.ended(again.submit(lead))["status"] == "COMPLETED"
    assert len(again.rows_of(lead["rut"])["CLIENTS"]) == 1


def test_after_a_kill_of_the_deployment_in_the_middle_up_carries_on(own: LocalCloud) -> None:
    command = [sys.executable, "-m", "local_cloud", "up", "--no-leads", "--home", str(own.home)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    seen = ""
    for line in process.stdout:
        seen += line
        if "iam/role:Role" in line:
            break
    process.kill()
    process.wait()
    process.stdout.close()
    said = own.up()
    stack = Stack(own.outputs())
    assert stack.ended(stack.submit(new_lead()))["status"] == "COMPLETED"
    assert steps(own.up()) == [], f"first: {seen}\nsecond: {said}"


def test_down_leaves_no_process_port_or_temporary_folder(
    own: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    cloud = own
    cloud.up()
    stack = Stack(cloud.outputs())
    stack.ended(stack.submit(new_lead()))
    pids = _tree(os.getpid(), str(cloud.home))
    assert len(pids) > 2, "the emulator, the database and workers run"
    ports = [int(stack.outputs["aws_endpoint_url"].rpartition(":")[2]), stack.outputs["database"]["port"]]
    cloud.down()
    wait_for(
        lambda: True if not [pid for pid in pids if Path(f"/proc/{pid}").exists()] else None, 5, "processes to end"
    )
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert list(temporary.iterdir()) == []
    assert not cloud.home.exists() or not any(cloud.home.iterdir())


def _tree(_root: int, home: str) -> list[int]:
    """Every process whose command line or environment names the home."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            text += os.readlink(folder / "cwd").encode()
        except OSError:
            continue
        if home.encode() in text:
            found.append(int(folder.name))
    return found


def test_two_homes_do_not_touch_each_other(cloud: LocalCloud, stack: Stack, own: LocalCloud) -> None:
    own.up()
    other = Stack(own.outputs())
    lead = new_lead()
    assert other.ended(other.submit(lead))["status"] == "COMPLETED"
    assert stack.rows_of(lead["rut"])["CLIENTS"] == ()
    own.down()
    assert stack.request("GET", "/leads/nobody").status == 404, "the first one still runs"


def test_up_takes_seconds(own: LocalCloud) -> None:
    """Not a benchmark: only that nothing waits for a time-out."""
    started = time.monotonic()
    own.up()
    assert time.monotonic() - started < 60
