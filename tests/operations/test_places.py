"""Where a stack is: its name, the proxy on the way to it, and the command lines that are shown for it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
from support import loopback as contract_tests_loopback

from local_cloud import loopback
from local_cloud.errors import LocalCloudError
from local_cloud.home import check_stack_name as local_cloud_check
from operations import http
from operations.errors import OperationsError
from operations.stack import Place, Stack, check_stack_name
from tests.stack import ROOT

OUTPUTS = dict.fromkeys(
    (
        *("api_url", "event_bus_name", "dead_letter_queue_url", "lead_flow_arn", "lead_table_name", "region"),
        *("aws_access_key_id", "aws_secret_access_key"),
    ),
    "x",
)
NAMES = ["local", "x" * 100, "...", "-", "", ".", "..", "a/b", "x" * 101, "ñ", "a\n", "٣", "a b"]
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def allows(check: object, name: str) -> bool:
    try:
        check(name)  # type: ignore[operator]
    except (OperationsError, LocalCloudError):
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_operations_and_the_local_cloud_agree_on_a_stacks_name(name: str) -> None:
    assert allows(check_stack_name, name) == allows(local_cloud_check, name)


@pytest.mark.parametrize("command", ["failed", "status x", "dismiss x --reason y", "replay x", "cost"])
@pytest.mark.parametrize("name", ["..", "../x", "a/b/../c", "a/b/c/d", ""])
def test_no_command_takes_a_name_that_leads_elsewhere(command: str, name: str) -> None:
    line = [sys.executable, "-m", "operations", *command.split(), f"--stack={name}"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.returncode in (1, 2)
    assert "can't be a stack's name" in done.stderr


def test_pulumis_name_with_organization_and_project_is_one_on_aws() -> None:
    assert Place(stack="acme/leadbridge/prod").stack == "acme/leadbridge/prod"
    with pytest.raises(OperationsError):
        Place(stack="acme/prod", home=Path("/tmp/x"))


def test_a_shown_command_line_can_be_pasted(tmp_path: Path) -> None:
    home = tmp_path / 'it\'s "a" $home #1'
    line = Stack(Place(stack="local", home=home), OUTPUTS).command("failed")
    assert shlex.split(line) == ["python", "-m", "operations", "failed", "--stack", "local", "--home", str(home)]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost:1/x", "http://[::1]:1", "http://127.9.9.9"]
)
def test_this_machine_is_asked_directly(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    assert http.proxy_of(url) is None
    assert type(http.pool_for(url)) is urllib3.PoolManager


def test_a_stack_on_aws_is_asked_through_the_operators_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://abc.execute-api.us-east-1.amazonaws.com/prod/leads"
    assert http.proxy_of(url) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    pool = http.pool_for(url)
    assert isinstance(pool, urllib3.ProxyManager)
    assert pool.proxy is not None
    assert (pool.proxy.host, pool.proxy.port) == ("proxy.example", 3128)
    assert "proxy-authorization" in pool.proxy_headers
    monkeypatch.setenv("NO_PROXY", ".amazonaws.com")
    assert http.proxy_of(url) is None


def test_clients_of_a_local_stack_have_no_proxy_and_those_of_aws_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    outputs = OUTPUTS | {"region": "us-east-1"}
    place = Place(stack="prod")
    key = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    local = Stack(place, outputs | key | {"aws_endpoint_url": "http://127.0.0.1:1"}).client("sqs")
    assert local.meta.config.proxies == {}
    assert Stack(place, outputs).client("sqs").meta.config.proxies is None, "None: the environment's"


@pytest.mark.parametrize(
    ("given", "exempt"),
    [
        ({}, {"127.0.0.1", "localhost", "::1"}),
        ({"NO_PROXY": "a.example, b.example"}, {"a.example", "b.example", "127.0.0.1", "localhost", "::1"}),
        ({"no_proxy": "localhost"}, {"127.0.0.1", "localhost", "::1"}),
        ({"NO_PROXY": "*"}, {"*"}),
    ],
)
def test_what_is_exempt_from_proxies_stays_so_and_loopback_joins_it(
    given: dict[str, str], exempt: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spared = loopback.spared(given)
    assert {name: set(value.split(",")) for name, value in spared.items()} == {
        "no_proxy": exempt,
        "NO_PROXY": exempt,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    contract_tests_loopback.spare_from_proxies()

    assert {name: os.environ[name] for name in ("no_proxy", "NO_PROXY")} == spared, "the suite's own does the same"


@pytest.mark.parametrize("name", ["..", "../x", "", "a b"])
def test_the_previews_of_a_pull_request_take_no_name_that_leads_elsewhere(name: str) -> None:
    done = subprocess.run(["tools/preview-stacks", name], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert "can't be a stack's name" in done.stderr
