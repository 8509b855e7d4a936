"""The suite itself: what it sends, what it shows of a failure, and that it fails at all."""

import copy
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
import urllib3
import yaml
from consumer.recording_proxy import RecordingProxy, message
from stdnum.cl import rut as oracle
from support import contract, curl, database, journal, report, rut
from support.stack import ROOT, Stack, StackError

from components import openapi

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
    environment |= {
        "EXAMPLES": "1",
        "SEED": "7",
        "CASSETTE": "1",
        journal.FOLDER: str(results.with_name("rows")),
        **variables,
    }
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
    assert all(rut.is_valid(json.loads(body)["rut"]) for body in api.bodies)
    assert api.bodies


def test_a_contract_without_operation_ids_names_its_operations_by_method_and_path(
    api: Api, tmp_path: Path
) -> None:
    document = copy.deepcopy(contract.DOCUMENT)
    for item in document["paths"].values():
        for method in openapi.METHODS:
            for response in item.get(method, {}).get("responses", {}).values():
                response.pop("links", None)
            item.get(method, {}).pop("operationId", None)
    named = {"POST /leads", "POST /create_client", "POST /create_partner", "POST /create_benefit"}
    assert named < set(openapi.operations(document))
    file, record = tmp_path / "openapi.yaml", tmp_path / "record"
    file.write_text(yaml.safe_dump(document))
    api.may_answer.set()
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", str(file), "--url", api.url]
    command += ["--phases", "examples", "--max-examples", "1"]
    environment = os.environ | {"API_KEY": KEY, "CONTRACT_RECORD": str(record)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50)
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert named < set(report.cases(report.read(record))), done.stdout + done.stderr


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


def test_a_key_that_is_not_known_yet_is_waited_for() -> None:
    with RecordingProxy("").running() as stage:
        stage.script(lambda _request: True, message(403), message(403), message(404))
        Stack(url=stage.url, api_key="a-new-key", outputs={}).check(patience=60, pause=0)
        assert len(stage.exchanges) == 3, "asked again until it was known, and not once more"


def test_a_wrong_key_is_told_before_anything_runs(stack: Stack) -> None:
    with pytest.raises(StackError, match="refuses the API key"):
        Stack(url=stack.url, api_key="no-such-key-no-such-key", outputs={}).check()
    stack.check()


def test_what_the_tests_wrote_is_removed(stack: Stack) -> None:
    if stack.cleaner is None:
        pytest.skip("nobody said which function removes rows")
    keys = [rut.new(), rut.new(), rut.new()]
    for key, lead_id in zip(keys, ({}, {"X-Lead-Id": "a-fixed-id"}, {"X-Lead-Id": None}), strict=True):
        for name, path in CREATING.items():
            contract.hold(name, stack.request("POST", path, contract.example(name, key), headers=lead_id), 200)
    submitted = contract.example("submitLead", rut.new())
    contract.hold("submitLead", stack.request("POST", "/leads", submitted, key=False), 202)
    removal = stack.remove_test_rows()
    assert removal is not None
    assert set(removal.removed) == {"CLIENTS", "PARTNER", "BENEFIT"}
    assert min(removal.removed.values()) >= 4
    for key in (*keys, submitted["rut"]):
        contract.hold("getClient", stack.request("GET", f"/clients/{key}"), 404)


CREATING = {name: path for name, (_, path) in contract.operations().items() if path in journal.TABLES}


def stranger(stack: Stack, table: str, key: str, lead_id: str | None) -> None:
    """A row of somebody else's, who does not tell the run about it."""
    values = {"CLIENTS": "name, lastname, phone, mail", "PARTNER": "store", "BENEFIT": "wants_benefit"}[table]
    given = {"CLIENTS": "'real', 'person', '1234567', 'r@e.al'", "PARTNER": "'REAL'", "BENEFIT": "1"}[table]
    quoted = "NULL" if lead_id is None else f"'{lead_id}'"
    database.execute(
        stack.outputs, f"INSERT INTO {table} (rut, lead_id, {values}) VALUES ('{key}', {quoted}, {given})"
    )


@pytest.fixture
def local(stack: Stack) -> Stack:
    if not stack.outputs:
        pytest.skip("the database of a stage elsewhere is out of reach")
    return stack


def rows_under(stack: Stack, key: str) -> list[str]:
    return [
        table
        for table in ("CLIENTS", "PARTNER", "BENEFIT")
        if database.rows(stack.outputs, f"SELECT 1 FROM {table} WHERE rut = %s", key)
    ]


@pytest.mark.parametrize("lead_id", ["somebody-elses", None])
def test_a_row_that_stood_before_the_run_stays_although_the_run_hit_its_rut(
    local: Stack, lead_id: str | None
) -> None:
    key = rut.new()
    for table in ("CLIENTS", "PARTNER", "BENEFIT"):
        stranger(local, table, key, lead_id)
    for headers in ({}, {"X-Lead-Id": "somebody-elses"}, {"X-Lead-Id": None}):
        for name, path in CREATING.items():
            local.request("POST", path, contract.example(name, key), headers=headers)
    receipt = local.request("POST", "/leads", contract.example("submitLead", "0" + key), key=False)
    contract.hold("submitLead", receipt, 202)
    local.remove_test_rows()
    assert rows_under(local, key) == ["CLIENTS", "PARTNER", "BENEFIT"]
    for table in ("BENEFIT", "PARTNER", "CLIENTS"):
        database.execute(local.outputs, f"DELETE FROM {table} WHERE rut = '{key}'")


def test_a_real_leads_rows_stay_and_so_does_the_client_that_they_refer_to(local: Stack) -> None:
    key = rut.new()
    for name in ("createClient", "createBenefit"):
        contract.hold(name, local.request("POST", CREATING[name], contract.example(name, key)), 200)
    stranger(local, "PARTNER", key, "a-real-lead")
    removal = local.remove_test_rows()
    assert removal is not None
    assert [kept_key for _, kept_key, _ in removal.kept] == [key]
    assert rows_under(local, key) == ["CLIENTS", "PARTNER"]
    database.execute(local.outputs, f"DELETE FROM PARTNER WHERE rut = '{key}'")
    local.remove_test_rows()
    assert rows_under(local, key) == [], "it is tried again as soon as nothing refers to the client"


def test_the_rows_of_a_run_that_was_killed_are_removed_by_the_next(local: Stack) -> None:
    key = rut.new()
    script = (
        "import os, signal, sys; from support import journal; from support.stack import Stack; import json\n"
        "stack = Stack(**json.loads(sys.stdin.read()))\n"
        "with journal.opened(stack.url):\n"
        f"    answer = stack.request('POST', '/create_client', {contract.example('createClient', key)!r})\n"
        "    assert answer.status == 200\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    given = json.dumps({"url": local.url, "api_key": local.api_key, "outputs": {}})
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'contract-tests'}:{ROOT}"}
    killed = subprocess.run([sys.executable, "-c", script], input=given, text=True, env=environment, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert rows_under(local, key) == ["CLIENTS"]
    own = Path(os.environ[journal.FILE])
    with journal.left_behind(local.url) as files:
        assert own not in files, "a run that goes on keeps its rows"
        for path in files:
            local.remove_file(path)
    assert rows_under(local, key) == []
    with journal.left_behind(local.url) as files:
        assert files == [], "what has been removed is forgotten"


def test_a_request_whose_answer_is_lost_is_written_down_before_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(journal.FILE, str(tmp_path / "rows.jsonl"))
    nobody = Stack(url="http://127.0.0.1:9", api_key=KEY, outputs={})
    with pytest.raises(urllib3.exceptions.HTTPError):
        nobody.request("POST", "/create_client", {"rut": "07654321-6"})
    ((table, key, lead_id),) = journal.read(tmp_path / "rows.jsonl")
    assert (table, key) == ("CLIENTS", "7654321-6")
    assert journal.is_own(lead_id)


def test_a_line_that_a_crash_cut_off_names_no_row(tmp_path: Path) -> None:
    journal.write(path := tmp_path / "rows.jsonl", [("CLIENTS", "10000-5", None)])
    with path.open("a") as file:
        file.write('["PARTNER", "100')
    assert journal.read(path) == [("CLIENTS", "10000-5", None)]


@pytest.mark.parametrize(
    "known", ["11111111-1", "10000013-K", "7654321-6", "16161616-8", "10000-5", "123456789-2"]
)
def test_the_check_character_is_the_one_that_chile_computes(known: str) -> None:
    assert rut.of(known[:-2]) == known
    assert rut.is_valid(known)
    for spelling in (known.lower(), "0" + known, "000000" + known.lower()):
        assert rut.is_valid(spelling)
        assert rut.canonical(spelling) == known
    assert len(known) < 9 or len(known) > 10 or oracle.is_valid(known), "the library takes 7 and 8 digits"


@pytest.mark.parametrize(
    "wrong", ["11111111-2", "1111111-1", "", "11.111.111-1", "11111111-1\n", "00000-0", None, 11111111]
)
def test_anything_else_is_no_rut(wrong: object) -> None:
    assert not rut.is_valid(wrong)


def test_each_test_has_a_rut_of_its_own() -> None:
    made = [rut.new() for _ in range(1_000)]
    assert len(set(made)) == 1_000
    assert all(rut.is_valid(each) and rut.canonical(each) == each for each in made)


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
