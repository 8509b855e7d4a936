"""The stack's real secrets, looked for in everything that it prints, logs, keeps and passes on."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.security import traces
from tests.security.functions import Function
from tests.stack import ROOT, LocalCloud, Stack, new_lead, wait_for

pytestmark = pytest.mark.timeout(120)

Secrets = Mapping[str, str]
# Files of a home that hold a secret, with the reason; all others hold none.
KEPT_IN = {
    "secrets/database-owner": "the owner's password, made on this machine",
    "secrets/mariadb-init.sql": "sets it when the server starts",
    "state/stack.json": "the state of the deployment, as Pulumi keeps it for a stack",
    "state/stack.json.journal": "what of the state is not written into it yet",
}


@pytest.fixture(scope="module")
def secrets(stack: Stack) -> Secrets:
    """Every secret value of the stack, those of Secrets Manager among them."""
    manager = stack.client("secretsmanager")
    found = {"api key": stack.outputs["api_key"], "owner": stack.outputs["database"]["password"]}
    for page in manager.get_paginator("list_secrets").paginate():
        for each in page["SecretList"]:
            text = manager.get_secret_value(SecretId=each["ARN"])["SecretString"]
            found[each["Name"]] = json.loads(text)["password"] if text.startswith("{") else text
    assert len(set(found.values())) == 3, "the key, the owner's and the backends' password"
    assert all(len(value) >= 20 for value in found.values())
    return found


@pytest.fixture(scope="module", autouse=True)
def used(stack: Stack, secrets: Secrets) -> None:
    """A lead has gone through with each of them, and a call with a wrong key was refused."""
    assert stack.ended(stack.submit(new_lead()))["status"] == "COMPLETED"
    assert stack.request("GET", "/clients/11111111-1", **{"x-api-key": "wrong"}).status == 403


def holding(text: str | bytes, secrets: Secrets) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [name for name, value in secrets.items() if value.encode() in data]


def leaks(texts: Any, secrets: Secrets) -> dict[str, list[str]]:
    return {where: found for where, text in texts if (found := holding(text, secrets))}


def command(cloud: LocalCloud, module: str, *words: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", module, *words, "--home", str(cloud.home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return result.stdout + result.stderr


def test_no_secret_stands_in_a_log_an_execution_the_table_or_a_functions_settings(
    stack: Stack, secrets: Secrets
) -> None:
    for place in (traces.logs, traces.executions, traces.table, traces.metrics):
        assert leaks(place(stack), secrets) == {}
    settings = list(traces.settings(stack))
    assert settings
    assert leaks(settings, secrets) == {}


@pytest.mark.parametrize(
    "words",
    [
        ("local_cloud", "outputs"),
        ("local_cloud", "logs"),
        ("local_cloud", "preview"),
        ("local_cloud", "doctor"),
        ("operations", "failed"),
        ("operations", "status", "nobody"),
    ],
)
def test_no_command_prints_a_secret_unless_asked_for_the_outputs_as_json(
    cloud: LocalCloud, secrets: Secrets, words: tuple[str, ...]
) -> None:
    said = command(cloud, *words)
    assert said
    assert holding(said, secrets) == []


def test_the_outputs_as_json_do_hold_the_key_and_the_owners_password(cloud: LocalCloud, secrets: Secrets) -> None:
    """So that looking for them finds them."""
    assert set(holding(command(cloud, "local_cloud", "outputs", "--json"), secrets)) >= {"api key", "owner"}


def test_a_secret_lies_only_in_files_of_the_owner_that_must_hold_it(cloud: LocalCloud, secrets: Secrets) -> None:
    found = set()
    for path in cloud.home.rglob("*"):
        name = str(path.relative_to(cloud.home))
        if (
            path.is_file()
            and not path.is_symlink()
            and not name.startswith("data/")
            and holding(path.read_bytes(), secrets)
        ):
            assert name in KEPT_IN, name
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, name
            found.add(name)
    assert found >= {"secrets/database-owner", "state/stack.json"}


def test_the_databases_own_files_hold_no_password_but_the_servers_digests(
    cloud: LocalCloud, secrets: Secrets
) -> None:
    data = [path for path in (cloud.home / "data").rglob("*") if path.is_file()]
    assert data
    assert {str(path): found for path in data if (found := holding(path.read_bytes(), secrets))} == {}


def test_nobody_else_may_look_into_the_home(cloud: LocalCloud) -> None:
    for folder in [cloud.home, *(each for each in cloud.home.iterdir() if each.is_dir())]:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_the_archives_of_the_functions_hold_no_secret(cloud: LocalCloud, secrets: Secrets) -> None:
    code = cloud.home / "tmp" / "cloud" / "lambda-code"
    files = [path for path in code.rglob("*") if path.is_file()]
    assert any(path.name == "contract.json" for path in files), "the unpacked archives"
    assert {str(path): found for path in files if (found := holding(path.read_bytes(), secrets))} == {}


def test_no_process_has_a_secret_in_its_arguments_or_its_environment(cloud: LocalCloud, secrets: Secrets) -> None:
    seen = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            texts = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if int(process.name) != os.getpid():
            seen += str(cloud.home).encode() in texts
            assert holding(texts, secrets) == [], process
    assert seen >= 2, "the database and the emulator, at least"


def test_what_fails_for_want_of_the_right_password_does_not_tell_it(stack: Stack, secrets: Secrets) -> None:
    """The backends' secret is overwritten with a wrong one, then put right."""
    manager, functions = stack.client("secretsmanager"), stack.client("lambda")
    config = functions.get_function_configuration(FunctionName="leadbridge-local-api-get-client")
    secret = config["Environment"]["Variables"]["DATABASE_SECRET_ARN"]
    right = manager.get_secret_value(SecretId=secret)["SecretString"]
    wrong = "a-password-that-no-user-has-at-all"
    manager.put_secret_value(SecretId=secret, SecretString=json.dumps({**json.loads(right), "password": wrong}))
    try:
        functions.update_function_configuration(
            FunctionName=config["FunctionName"], Description=config["Description"]
        )
        answer = stack.request("GET", "/clients/11111111-1", key=True)
        assert answer.status == 503
        looked_for = {**secrets, "wrong": wrong}
        assert holding(answer.data, looked_for) == []
        line = wait_for(lambda: _line_about_the_database(stack), 10, "a line in the log")
        assert "leadbridge_app" not in line
        assert leaks(traces.logs(stack), looked_for) == {}
    finally:
        manager.put_secret_value(SecretId=secret, SecretString=right)
    assert stack.request("GET", "/clients/11111111-1", key=True).status in (200, 404), "and it reads it again"


def _line_about_the_database(stack: Stack) -> str | None:
    group = "/aws/lambda/leadbridge-local-api-get-client"
    events = stack.client("logs").filter_log_events(logGroupName=group, filterPattern='"database unavailable"')
    return next((str(event["message"]) for event in events["events"]), None)


@pytest.mark.parametrize(
    "wrong", ["hunter2-canary", '{"username": "leadbridge_app", "pasword": "hunter2-canary"}', "{}"]
)
def test_password_that_was_put_wrong_is_503_until_it_is_right_and_needs_no_new_function(
    stack: Stack, wrong: str
) -> None:
    function = Function(stack, "api-get-client")
    manager, secret = stack.client("secretsmanager"), function.setting("DATABASE_SECRET_ARN")
    right = manager.get_secret_value(SecretId=secret)["SecretString"]
    function.start_afresh()
    manager.put_secret_value(SecretId=secret, SecretString=wrong)
    try:
        refused = stack.request("GET", "/clients/11111111-1", key=True)
        assert (refused.status, "hunter2" in refused.data.decode()) == (503, False)
    finally:
        manager.put_secret_value(SecretId=secret, SecretString=right)
    assert stack.request("GET", "/clients/11111111-1", key=True).status in (200, 404)
    assert [where for where, text in traces.logs(stack) if "hunter2" in text] == []
