"""The suite itself: what it sends, what it shows of a failure, and that it fails at all."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import contract, curl, report, rut
from support.stack import ROOT, Stack, StackError

KEY = "a-key-that-nobody-may-see"


class Api(ThreadingHTTPServer):
    """Answers whatever it is asked with an internal error that tells of the inside; a POST once it may."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.bodies: list[bytes] = []
        self.asked, self.may_answer = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Request(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.server.asked.set()
        self.server.may_answer.wait(60)
        self.do_GET()

    def do_GET(self) -> None:
        body = b'{"statusCode": 500, "message": "pymysql.err.OperationalError"}'
        self.send_response(500)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    thread.join()
    server.server_close()


def start(results: Path, **variables: str) -> subprocess.Popen[str]:
    """The run of one short phase."""
    command = [sys.executable, "contract-tests/run.py", "--results", str(results)]
    command += ["--part", "schemathesis", "--", "--phases", "examples"]
    environment = {name: value for name, value in os.environ.items() if name not in ("STACK_HOME", "CLEANER")}
    environment |= {"EXAMPLES": "1", "SEED": "7", "CASSETTE": "1", **variables}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=pipe, stderr=pipe)


def test_an_api_that_breaks_the_contract_fails_the_run_with_lines_to_reproduce_it(
    api: Api, tmp_path: Path
) -> None:
    api.may_answer.set()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "summary.txt").write_text("of an earlier run")
    (tmp_path / "results" / "thesis.txt").write_text("mine")
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:9")
    run = start(tmp_path / "results", URL=api.url, API_KEY=KEY, **proxies, NO_PROXY="", no_proxy="")
    out, err = run.communicate(timeout=50)
    assert run.returncode == 1, out + err
    assert (tmp_path / "results" / "thesis.txt").read_text() == "mine"
    assert '-H "x-api-key: $API_KEY"' in out
    assert "SEED=7" in out
    written = {path.name: path.read_text() for path in (tmp_path / "results").iterdir()}
    assert {"summary.txt", "summary.json"} < set(written)
    assert {"schemathesis.xml", "schemathesis.json", "cassette.yaml"} < set(written)
    assert KEY not in out + err + "".join(written.values())
    summary = json.loads(written["summary.json"])
    assert (summary["passed"], summary["failed"], summary["seed"]) == (False, ["schemathesis"], 7)
    assert set(summary["operations"]) == set(contract.operations())
    sent = [json.loads(body)["rut"] for body in api.bodies]
    assert sent
    assert all(rut.is_valid(each) and each.startswith(rut.PREFIX) for each in sent), (
        "not even the contract's example"
    )


def test_an_interrupt_ends_the_run_and_what_it_started(api: Api, tmp_path: Path) -> None:
    run = start(tmp_path / "results", URL=api.url, API_KEY=KEY)
    try:
        assert api.asked.wait(50)
        run.send_signal(signal.SIGTERM)
        out, err = run.communicate(timeout=50)
    finally:
        run.kill()
    assert run.returncode == 130, out + err
    assert err.startswith("interrupted;")
    assert "Traceback" not in out + err


def test_a_stage_elsewhere_needs_its_key(tmp_path: Path) -> None:
    run = start(tmp_path, URL="http://127.0.0.1:9", API_KEY="")
    _, err = run.communicate(timeout=50)
    assert (run.returncode, err.count("\n")) == (2, 1)
    assert "API_KEY is not" in err


def test_a_stage_that_does_not_answer_is_told_before_anything_runs(tmp_path: Path) -> None:
    run = start(tmp_path, URL="http://127.0.0.1:9", API_KEY=KEY)
    _, err = run.communicate(timeout=50)
    assert (run.returncode, err.count("\n")) == (2, 1)
    assert err.startswith("error: http://127.0.0.1:9 can't be reached: ")


def test_a_wrong_key_is_told_before_anything_runs(stack: Stack) -> None:
    with pytest.raises(StackError, match="refuses the API key"):
        Stack(url=stack.url, api_key="no-such-key-no-such-key", outputs={}).check()
    stack.check()


def test_what_the_tests_wrote_is_removed(stack: Stack) -> None:
    if stack.cleaner is None:
        pytest.skip("nobody said which function removes rows")
    key = rut.new()
    for name in ("createClient", "createPartner", "createBenefit"):
        path = contract.operations()[name][1]
        contract.hold(name, stack.request("POST", path, contract.example(name, key)), 200)
    removed = stack.remove_test_rows()
    assert removed is not None
    assert set(removed) == {"CLIENTS", "PARTNER", "BENEFIT"}
    assert min(removed.values()) >= 1
    contract.hold("getClient", stack.request("GET", f"/clients/{key}"), 404)


@given(st.from_regex(r"[0-9]{7,8}", fullmatch=True))
@settings(database=None, derandomize=True, deadline=None)
def test_a_rut_is_brought_into_the_test_range_in_one_way_and_stays_valid(digits: str) -> None:
    brought = rut.in_test_range(rut.of(digits))
    assert rut.is_valid(brought)
    assert brought.startswith(rut.PREFIX)
    assert rut.in_test_range(brought) == brought


@pytest.mark.parametrize("known", ["11111111-1", "10000013-K", "7654321-6", "16161616-8"])
def test_the_check_character_is_the_one_that_chile_computes(known: str) -> None:
    assert rut.of(known[:-2]) == known
    assert rut.is_valid(known)
    assert rut.is_valid(known.lower())


@pytest.mark.parametrize("wrong", ["11111111-2", "1111111-1", "", "11.111.111-1", "11111111-1\n", None, 11111111])
def test_anything_else_is_no_rut(wrong: object) -> None:
    assert not rut.is_valid(wrong)


def test_each_test_has_a_rut_of_its_own() -> None:
    made = [rut.new() for _ in range(1_000)]
    assert len(set(made)) == 1_000
    assert all(rut.is_valid(each) and each.startswith(rut.PREFIX + rut.OWN) for each in made)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"a": 1}',
        b"it's",
        b"\x00\xff",
        "ñ'\\%s".encode(),
        b"line\nline",
        b'$HOME `id` "$API_KEY"',
        KEY.encode(),
    ],
)
def test_a_curl_line_sends_the_same_request_and_shows_no_key(body: bytes) -> None:
    headers = {"x-api-key": KEY, "X-Odd": "it's $HOME", "X-Empty": ""}
    line = curl.line("POST", "http://127.0.0.1/a?b='c'", headers, body, KEY)
    assert KEY not in line
    script = f'curl() {{ printf "%s\\0" "$@"; for last; do :; done; [ "$last" != @- ] || cat >&2; }}\n{line}'
    environment = {"API_KEY": KEY, "PATH": os.environ["PATH"]}
    run = subprocess.run(["bash", "-c", script], env=environment, capture_output=True)
    *words, data = run.stdout.removesuffix(b"\0").split(b"\0")
    expected = ["-i", "--path-as-is", "-X", "POST", "http://127.0.0.1/a?b='c'", "-H", f"x-api-key: {KEY}"]
    expected += ["-H", "X-Odd: it's $HOME", "-H", "X-Empty;", "--data-binary"]
    assert [word.decode() for word in words] == expected
    assert (run.stderr if data == b"@-" else data) == body


def test_a_long_body_is_described() -> None:
    line = curl.line("POST", "http://127.0.0.1/", {}, b"x" * 11_000_000, KEY)
    assert "11000000 bytes" in line
    assert len(line) < 200


def test_a_row_outside_of_the_test_range_fails_a_run() -> None:
    answers = [{"operation": "createClient", "status": 200, "outside": "11111111-1"}]
    summary = report.Summary(
        seed=1,
        seconds=0.1,
        failed=[],
        operations=report.cases(answers),
        rows_removed={},
        rows_left=report.outside(answers),
    )
    assert not summary.passed
    assert "11111111-1" in summary.text()
