"""The commands, as a person runs them, on a small program of the test's own."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from command_line.boundary import INTERRUPTED
from local_cloud import cloud
from local_cloud.aws_key import AwsKey
from local_cloud.home import REPOSITORY, Home
from local_cloud.processes import Process
from tests.local_cloud.lab import Lab, eventually

PROGRAM = """
import pulumi
import pulumi_aws as aws

config = pulumi.Config("leadbridge")
queue = aws.sqs.Queue("leads", visibility_timeout_seconds=TIMEOUT)
pulumi.export("queue_url", queue.url)
pulumi.export("database", f"{config.require('databaseHost')}:{config.require('databasePort')}")
pulumi.export("owner_secret_arn", config.require("databaseOwnerSecretArn"))
pulumi.export("api_key", pulumi.Output.secret("k3y"))
"""


LOCAL_CLOUD = (sys.executable, "-m", "local_cloud")


class Project:
    """A Pulumi program in a folder of its own, and its local cloud."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.home = Home(folder / "home")
        self.root.mkdir()
        declared = {key: {"default": ""} for key in ("databaseHost", "databasePort", "databaseOwnerSecretArn")}
        project = {"name": "leadbridge", "runtime": "python", "config": declared}
        (self.root / "Pulumi.yaml").write_text(json.dumps(project))
        (self.root / "Pulumi.local.yaml").write_text("config: {'aws:region': eu-west-1}\n")
        (self.root / "Pulumi.dev.yaml").write_text("config: {}\n")
        self.write_program("30")

    def write_program(self, timeout: str) -> None:
        (self.root / "__main__.py").write_text(textwrap.dedent(PROGRAM).replace("TIMEOUT", timeout))

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "local_cloud",
            words[0],
            "--root",
            str(self.root),
            "--home",
            str(self.home.path),
        ]
        pipe = subprocess.PIPE
        return subprocess.Popen([*command, *words[1:]], cwd=REPOSITORY, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str, status: int = 0) -> tuple[str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=50)
        assert process.returncode == status, out + err
        return out, err

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", status=status)[0])

    def process(self, service: str) -> Process | None:
        """The service's, when it lives."""
        process = Process.load(self.home.record(service))
        return process if process and process.is_alive() else None

    def signal(self, service: str, number: int) -> None:
        process = self.process(service)
        assert process is not None
        assert process.signal(number)

    def kill(self, service: str) -> None:
        self.signal(service, signal.SIGKILL)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    own = Project(tmp_path)
    yield own
    cloud.stop(own.home)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that is up; its tests leave it so."""
    own = Project(tmp_path_factory.mktemp("deployed"))
    out, _ = own.run("up", "--no-leads")
    assert re.search(r"^environment +ready +\d+\.\d s$", out, re.MULTILINE)
    assert re.search(r"^database +MariaDB 1\d\.\S+ on 127\.0\.0\.1:\d+ +\d+\.\d s$", out, re.MULTILINE)
    assert re.search(r"^cloud +MiniStack 1\.5\.33 on 127\.0\.0\.1:\d+ +\d+\.\d s$", out, re.MULTILINE)
    assert re.search(r"^  \+ create  aws:sqs/queue:Queue leads *$", out, re.MULTILINE)
    assert re.search(r"^stack local +\d created +\d+\.\d s$", out, re.MULTILINE)
    yield own
    cloud.stop(own.home)


def test_outputs_tell_a_program_how_to_reach_everything(deployed: Project) -> None:
    values = deployed.json("outputs")
    queues = Lab(values["aws_endpoint_url"], AwsKey.of_outputs(values), "eu-west-1").client("sqs")
    sent = queues.send_message(QueueUrl=values["queue_url"], MessageBody="x")
    assert sent["MessageId"]
    assert values["region"] == "eu-west-1"
    assert values["api_key"] == "k3y"
    database = values["database"]
    assert set(database) == {"host", "port", "user", "password", "name"}
    pymysql.connect(
        host=database["host"],
        port=database["port"],
        user=database["user"],
        password=database["password"],
        database=database["name"],
    ).close()


def test_outputs_for_a_person_hide_what_is_secret(deployed: Project) -> None:
    values = deployed.json("outputs")
    out, _ = deployed.run("outputs")
    assert values["queue_url"] in out
    assert "k3y" not in out
    assert values["database"]["password"] not in out
    assert values["aws_access_key_id"] in out
    assert values["aws_secret_access_key"] not in out


def test_the_program_gets_the_address_and_the_owners_secret_of_the_database(deployed: Project) -> None:
    values = deployed.json("outputs")
    secrets = Lab(values["aws_endpoint_url"], AwsKey.of_outputs(values), "eu-west-1").client("secretsmanager")
    account = json.loads(secrets.get_secret_value(SecretId="crm-owner")["SecretString"])
    database = values["database"]
    assert account == {"username": database["user"], "password": database["password"]}
    assert ":secret:crm-owner-" in values["owner_secret_arn"]


def test_a_second_up_changes_nothing_and_ends_with_one_json_object_for_a_program(deployed: Project) -> None:
    out, err = deployed.run("up", "--no-leads", "--json")
    result = json.loads(out)
    assert result["stack"] == "local"
    assert result["counts"].get("create", 0) == 0
    assert result["outputs"] == deployed.json("outputs")
    assert re.search(r"^stack local +no changes", err, re.MULTILINE), "what is for the person is on standard error"
    assert err.count("already running") == 2
    assert " same " not in err, "what stays the same is not worth a line"


def test_a_preview_shows_the_steps_and_changes_nothing(deployed: Project) -> None:
    deployed.write_program("45")
    try:
        out, err = deployed.run("preview", "--json")
    finally:
        deployed.write_program("30")
    assert re.search(r"^  ~ update  aws:sqs/queue:Queue leads \[visibilityTimeoutSeconds\]$", err, re.MULTILINE)
    assert re.search(r"^stack local +1 to update", err, re.MULTILINE)
    (step,) = json.loads(out)["steps"]
    assert (step["op"], step["type"], step["name"]) == ("update", "aws:sqs/queue:Queue", "leads")
    values = deployed.json("outputs")
    queues = Lab(values["aws_endpoint_url"], AwsKey.of_outputs(values), "eu-west-1").client("sqs")
    attributes = queues.get_queue_attributes(QueueUrl=values["queue_url"], AttributeNames=["VisibilityTimeout"])
    assert attributes["Attributes"] == {"VisibilityTimeout": "30"}


def test_doctor_finds_a_healthy_cloud(deployed: Project) -> None:
    result = deployed.json("doctor")
    assert result["healthy"], result
    assert any(f["subject"] == "cloud" and "running" in f["text"] for f in result["findings"])


def test_a_second_command_at_work_is_told_who_holds_the_home(deployed: Project) -> None:
    with deployed.home.lock("up --stack local"):
        _, err = deployed.run("down", status=1)
    assert "in use by `up --stack local`" in err


@pytest.mark.parametrize("service", ["cloud", "database"])
def test_a_server_that_lives_and_is_silent_is_left_alone(deployed: Project, service: str) -> None:
    deployed.run("up", "--no-leads")
    living = deployed.process(service)
    deployed.signal(service, signal.SIGSTOP)
    try:
        # All at once, since each waits a while for an answer.
        commands = [
            deployed.start(*words) for words in (["up", "--no-leads"], ["preview"], ["outputs"], ["doctor"])
        ]
        for command in commands:
            out, err = command.communicate(timeout=50)
            assert f"(process {living and living.pid}) and does not answer" in out + err
            assert command.returncode == 1
        assert deployed.process(service) == living
    finally:
        deployed.signal(service, signal.SIGCONT)
    out, _ = deployed.run("up", "--no-leads")
    assert re.search(r"^stack local +no changes", out, re.MULTILINE), "nothing of it was thrown away"


@pytest.mark.parametrize("exempt", [{}, {"NO_PROXY": "example.com"}, {"no_proxy": "example.com"}])
def test_a_proxy_of_the_person_is_not_asked_for_this_machines_servers(
    deployed: Project, monkeypatch: pytest.MonkeyPatch, exempt: dict[str, str]
) -> None:
    deployed.run("up", "--no-leads")
    before = {service: deployed.process(service) for service in ("cloud", "database")}
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.listen()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            for spelling in (name, name.upper()):
                monkeypatch.delenv(spelling, raising=False)
                if name != "no_proxy":
                    monkeypatch.setenv(spelling, address)
        for name, value in exempt.items():
            monkeypatch.setenv(name, value)
        out, _ = deployed.run("up", "--no-leads")
        assert out.count("already running") == 2
        assert re.search(r"^stack local +no changes", out, re.MULTILINE)
        for words in ("preview", "outputs", "logs", "doctor"):
            deployed.run(words)
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert {service: deployed.process(service) for service in before} == before


def test_a_failing_program_is_shown_and_what_it_made_is_kept(deployed: Project) -> None:
    (deployed.root / "__main__.py").write_text("raise RuntimeError('a fault of the program')\n")
    try:
        out, err = deployed.run("up", "--no-leads", "--json", status=1)
    finally:
        deployed.write_program("30")
    assert "a fault of the program" in err
    assert "The deployment failed." in err
    result = json.loads(out)
    assert f"error: {result['error']}" in err
    assert "a fault of the program" in "".join(result["errors"])
    assert deployed.json("outputs")["queue_url"]


def test_ctrl_c_ends_in_order_and_the_next_up_carries_on(deployed: Project) -> None:
    begun = deployed.root / "begun"
    (deployed.root / "__main__.py").write_text("import time\nopen('begun', 'w').close()\ntime.sleep(60)\n")
    try:
        command = deployed.start("up", "--no-leads")
        assert eventually(begun.exists, 30)
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=20)
    finally:
        deployed.write_program("30")
    assert command.returncode == INTERRUPTED, out + err
    out, _ = deployed.run("up", "--no-leads")
    assert re.search(r"^stack local +no changes", out, re.MULTILINE)


def test_a_restarted_cloud_is_noticed_and_deployed_afresh(deployed: Project) -> None:
    deployed.kill("cloud")
    _, err = deployed.run("outputs", status=1)
    assert "Run: python -m local_cloud up --stack" in err, "the command for this home"
    out, _ = deployed.run("doctor", status=1)
    assert re.search(r"PROBLEM +cloud +process \d+ has died", out)
    _, err = deployed.run("preview", status=1)
    assert "is not running. Run: python -m local_cloud up --stack" in err
    assert deployed.process("cloud") is None, "who only looks starts nothing"
    out, _ = deployed.run("up", "--no-leads")
    assert "deployed afresh" in out
    assert (deployed.home.path / "state" / "stack.json.lost").exists()
    values = deployed.json("outputs")
    queues = Lab(values["aws_endpoint_url"], AwsKey.of_outputs(values), "eu-west-1").client("sqs")
    assert queues.send_message(QueueUrl=values["queue_url"], MessageBody="x")["MessageId"]


@pytest.mark.parametrize("words", [["preview"], ["outputs"], ["logs"], ["pulumi"], ["preview", "--engine", "cli"]])
def test_what_only_looks_starts_and_makes_nothing(project: Project, words: list[str]) -> None:
    _, err = project.run(*words, status=1)
    assert re.search(r"is not running|has nothing deployed", err)
    assert f"Run: python -m local_cloud up --stack local --home {project.home.path}" in err
    assert not project.home.path.exists()


def test_down_leaves_nothing(project: Project) -> None:
    project.run("up", "--no-leads")
    out, _ = project.run("down")
    assert re.search(r"^stopped +cloud, database", out, re.MULTILINE)
    assert f"{project.home.path}, with the database's data" in out
    assert not project.home.path.exists()
    assert cloud.strays(project.home) == []
    out, _ = project.run("down")
    assert "There is no local cloud" in out


def test_an_unknown_stack_names_the_existing_ones(project: Project) -> None:
    _, err = project.run("up", "--stack", "prod", status=2)
    assert "There is no stack 'prod'" in err
    assert "Its stacks: dev, local." in err
    assert not project.home.path.exists(), "nothing was started for it"


def test_ctrl_c_while_the_servers_start_leaves_them_known(project: Project) -> None:
    command = project.start("up", "--no-leads")
    assert eventually(lambda: (project.home.path / "ports.json").exists(), 20)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=30)
    assert command.returncode == INTERRUPTED, out + err
    assert cloud.strays(project.home) == []
    assert "interrupted" in err


def test_a_misspelt_setting_is_explained(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADBRIDGE_DATABASE", "max-connections")
    _, err = project.run("up", "--no-leads", status=2)
    assert "LEADBRIDGE_DATABASE has 'max-connections': write NAME=value" in err


def test_doctor_names_a_port_that_another_program_took(project: Project) -> None:
    project.home.create()
    port = project.home.port("cloud")
    with socket.create_server(("127.0.0.1", port)):
        result = project.json("doctor", status=1)
    (problem,) = [finding for finding in result["findings"] if finding["remedy"]]
    assert f"127.0.0.1:{port}" in problem["text"]


@pytest.mark.parametrize("command", ["up", "preview", "down", "outputs", "pulumi", "logs", "doctor"])
@pytest.mark.parametrize("stack", ["..", ".", "../project", "a/b", "", "x" * 101])
def test_no_command_takes_a_stack_whose_name_leads_elsewhere(project: Project, command: str, stack: str) -> None:
    (project.root / "tmp").mkdir()
    command_line = [*LOCAL_CLOUD, command, "--root", str(project.root), f"--stack={stack}"]
    done = subprocess.run(command_line, cwd=REPOSITORY, capture_output=True, text=True, timeout=50)
    assert done.returncode == 2
    assert "can't be a stack's name" in done.stderr
    assert (project.root / "tmp").is_dir()
    assert not (project.root / ".leadbridge").exists()


def test_down_leaves_a_folder_that_is_no_home_as_it_is(project: Project) -> None:
    folder = project.home.path
    (folder / "tmp" / "thesis").mkdir(parents=True)
    folder.chmod(0o755)
    out, _ = project.run("down")
    assert "There is no local cloud" in out
    _, err = project.run("up", "--no-leads", status=1)
    assert "holds files that are not a local cloud's" in err
    assert (folder / "tmp" / "thesis").is_dir()
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("command", ["up", "preview", "down", "outputs", "doctor"])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    out = subprocess.run(
        [sys.executable, "-m", "local_cloud", command, "--help"], capture_output=True, text=True, cwd=REPOSITORY
    ).stdout
    assert f"example: python -m local_cloud {command}" in out
