"""The local cloud is its owner's: other users of the machine and foreign pages in the owner's browser get nothing.

The form and the public API they get, as on AWS.
"""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
from support.browser import real_browser

from tests.stack import LocalCloud, Stack, new_lead

ANOTHER_USER = 65534
OUTSIDER = Path(__file__).with_name("outsider.py")
ROOT = Path(__file__).parents[2]


def as_another_user(where: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-P", str(OUTSIDER), str(ANOTHER_USER), json.dumps(where)]
    if os.geteuid() != 0:
        command = ["sudo", "-n", *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"becoming another user needs root or passwordless sudo: {done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_another_user_of_the_machine_gets_no_secret_and_runs_no_code(cloud: LocalCloud, stack: Stack) -> None:
    outputs, database = stack.outputs, stack.outputs["database"]
    found = as_another_user(
        {
            "endpoint": outputs["aws_endpoint_url"],
            "function": outputs["migrations_function_name"],
            "home": str(cloud.home),
            "database_port": database["port"],
            "database_user": database["user"],
            "form": outputs["form_url"],
        }
    )
    assert found["user"] == ANOTHER_USER
    assert {status for status, _ in found["cloud"]} <= {400, 403}, found["cloud"]
    assert found["database"] == [], "an account that needs no password"
    assert found["files"] == []
    assert any("local_cloud.emulator.server" in words for words in found["processes"]), "it does see them"
    text = json.dumps(found)
    for secret in (outputs["aws_secret_access_key"], outputs["api_key"], database["password"]):
        assert json.dumps(secret)[1:-1] not in text
    status, page = found["form"]
    assert status == 200
    assert "<form" in page


def test_the_database_has_no_account_that_needs_no_password(cloud: LocalCloud) -> None:
    """`root` is let in by its name on this machine, through a socket in a closed folder."""
    socket = cloud.home / "data" / "database.sock"
    assert socket.parent.stat().st_mode & 0o077 == 0
    folder = os.open(socket.parent, os.O_RDONLY)
    try:
        path = f"/proc/self/fd/{folder}/{socket.name}"  # the whole path may be too long for a socket's name
        with (
            pymysql.connect(unix_socket=path, user=os.environ.get("USER", "root")) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT User, Host, Priv FROM mysql.global_priv")
            found = {(user, host): json.loads(rights) for user, host, rights in cursor.fetchall()}
    finally:
        os.close(folder)
    for (user, host), rights in found.items():
        assert user, "an account without a name"
        # `invalid` is the hash of no password.
        closed = rights.get("account_locked") or rights.get("authentication_string")
        assert closed, f"{user}@{host} needs no password: {rights}"
    assert {host for user, host in found if user == "root"} == {"localhost"}


def listening(cloud: LocalCloud) -> set[str]:
    """The addresses on which the home's processes wait for connections."""
    inodes = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                str(cloud.home).encode()
                not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            ):
                continue
            inodes |= {os.readlink(one) for one in (process / "fd").iterdir()}
        except OSError:
            continue
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            words = line.split()
            waits = words[3] == "0A" if table.startswith("tcp") else True
            if waits and f"socket:[{words[9]}]" in inodes:
                found.add(words[1])
    return found


def test_the_local_cloud_listens_on_two_loopback_ports_and_no_more(cloud: LocalCloud, stack: Stack) -> None:
    ports = (int(stack.outputs["aws_endpoint_url"].rpartition(":")[2]), stack.outputs["database"]["port"])
    assert listening(cloud) == {f"0100007F:{port:04X}" for port in ports}


@contextmanager
def foreign_page() -> Iterator[str]:
    """A page on another port of this machine: to a browser, another origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>foreign</title>")

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


FETCHES = """async ({endpoint, query}) => {
  const results = {};
  const target = `${endpoint}/?${query}`;
  const tries = {
    "a plain GET": () => fetch(endpoint + "/_ministack/health"),
    "a signed-looking POST": () => fetch(target, {method: "POST", body: "Action=ListUsers&Version=2010-05-08"}),
    "a preflight": () => fetch(endpoint + "/", {method: "POST", headers: {"X-Amz-Target": "x"}, body: "{}"}),
  };
  for (const [name, go] of Object.entries(tries)) {
    try { results[name] = (await go()).status; } catch (error) { results[name] = String(error); }
  }
  const blind = {mode: "no-cors", method: "POST", body: "Action=CreateUser&UserName=blind&Version=2010-05-08"};
  for (const url of [target, endpoint + "/?Action=CreateUser&UserName=blind&Version=2010-05-08"]) {
    await fetch(url, blind).catch(() => null);
    await fetch(url, {mode: "no-cors", method: "POST", body: new URLSearchParams(blind.body)}).catch(() => null);
  }
  const reset = endpoint + "/_ministack/reset";
  await fetch(reset, {mode: "no-cors", method: "POST"}).catch(() => null);
  for (const tag of ["img", "script", "iframe"]) {
    const element = document.createElement(tag);
    element.src = `${endpoint}/?Action=CreateUser&UserName=${tag}&Version=2010-05-08&${query}`;
    const ended = new Promise((resolve) => { element.onload = element.onerror = resolve; });
    document.body.append(element);
    await ended;
  }
  return results;
}"""

FORM_POST = """({endpoint, query}) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = `${endpoint}/?${query}`;
  for (const [name, value] of Object.entries({Action: "CreateUser", UserName: "form", Version: "2010-05-08"})) {
    const field = document.createElement("input");
    field.name = name; field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}"""

SEND_LEAD = """async ({api, lead}) => {
  const answer = await fetch(api + "/leads",
    {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(lead)});
  return [answer.status, await answer.text()];
}"""


def test_a_foreign_page_in_the_owners_browser_gets_nothing_and_changes_nothing(stack: Stack) -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fiam%2Faws4_request"
        "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    )
    endpoint = stack.outputs["aws_endpoint_url"]
    places = {"endpoint": endpoint, "query": query}
    with foreign_page() as url, real_browser() as browser:
        page = browser.new_page()
        page.goto(url)
        results = page.evaluate(FETCHES, places)
        assert set(results.values()) == {"TypeError: Failed to fetch"}, f"it could read an answer: {results}"
        with page.expect_navigation():
            page.evaluate(FORM_POST, places)
        assert "CreateUserResponse" not in page.content()
        page.goto(url)
        status, text = page.evaluate(SEND_LEAD, {"api": stack.api_url, "lead": new_lead()})
        assert status == 202, f"the public API is for every page: {text}"
        form = page.goto(stack.outputs["form_url"])
        assert form is not None
        assert form.status == 200
    users = {user["UserName"] for user in stack.client("iam").list_users()["Users"]}
    assert not users & {"blind", "img", "script", "iframe", "form"}
    assert stack.client("lambda").list_functions()["Functions"], "the reset did not happen"


def test_a_page_whose_name_was_rebound_to_this_machine_gets_nothing(stack: Stack) -> None:
    port = stack.outputs["aws_endpoint_url"].rpartition(":")[2]
    with real_browser() as browser:
        page = browser.new_page()
        found = page.goto(f"http://rebound.localhost:{port}/_ministack/health")  # *.localhost is this machine
        assert found is not None
        assert found.status == 403
        assert "answers to 127.0.0.1" in page.content()
        form = stack.outputs["form_url"].partition(f":{port}")[2]
        served = page.goto(f"http://rebound.localhost:{port}{form}")
        assert served is not None
        assert served.status == 200
