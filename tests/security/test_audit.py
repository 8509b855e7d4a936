"""`make audit`, against a vulnerability service on this machine that speaks OSV's API."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.stack import ROOT

NOTHING = "0" * 64
LOCKED = f"urllib3==1.26.4 \\\n    --hash=sha256:{NOTHING}\nsix==1.16.0 \\\n    --hash=sha256:{NOTHING}\n"
VULNERABILITY = {
    "id": "PYSEC-2021-108",
    "summary": "an example",
    "aliases": ["CVE-2021-33503"],
    "affected": [
        {
            "package": {"name": "urllib3", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.26.5"}]}],
        }
    ],
}


class Service(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((asked["package"]["name"], asked["version"]))
        known = asked["package"]["name"] == "urllib3" and asked["version"] == "1.26.4"
        body = json.dumps({"vulns": [VULNERABILITY]} if known else {}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.asked, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def audit(url: str, file: Path, **variables: str) -> subprocess.CompletedProcess:
    environment = {**{k: v for k, v in os.environ.items() if k != "AUDIT"}, "AUDIT_URL": url, **variables}
    command = [sys.executable, "tools/audit", str(file)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50)


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    path = tmp_path / "locked.txt"
    path.write_text(LOCKED)
    return path


def url_of(service: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{service.server_address[1]}/v1/query"


def test_a_known_vulnerability_fails_the_audit_and_names_the_remedy(
    service: ThreadingHTTPServer, locked: Path
) -> None:
    result = audit(url_of(service), locked)
    assert result.returncode == 1
    assert "urllib3 1.26.4: PYSEC-2021-108, mended in 1.26.5" in result.stdout
    assert "2 packages, 1 known vulnerabilities" in result.stdout
    assert sorted(service.asked) == [("six", "1.16.0"), ("urllib3", "1.26.4")]


def test_without_one_it_passes(service: ThreadingHTTPServer, locked: Path) -> None:
    locked.write_text(LOCKED.replace("1.26.4", "1.26.5"))
    result = audit(url_of(service), locked)
    assert result.returncode == 0, result.stderr
    assert "2 packages, nothing known" in result.stdout


@pytest.mark.parametrize(("variables", "status"), [({}, 0), ({"AUDIT": "strict"}, 1)])
def test_where_no_service_can_be_asked_it_says_so_in_one_line(
    locked: Path, variables: dict[str, str], status: int
) -> None:
    result = audit("http://127.0.0.1:9/v1/query", locked, **variables)
    assert result.returncode == status
    (line,) = (result.stdout + result.stderr).splitlines()
    assert "http://127.0.0.1:9/v1/query can't be asked" in line
    assert "AUDIT=strict" in line


def test_a_service_that_is_out_of_order_is_not_taken_for_good_news(
    service: ThreadingHTTPServer, locked: Path
) -> None:
    service.status = 500
    assert "not done" in audit(url_of(service), locked).stdout
    assert audit(url_of(service), locked, AUDIT="strict").returncode == 1


def test_a_list_that_can_not_be_read_always_fails(service: ThreadingHTTPServer, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("urllib3>=1\n")
    result = audit(url_of(service), path)
    assert result.returncode == 1
    assert result.stderr.startswith("audit         failed: ")


def test_all_locked_dependencies_are_looked_up_by_default(service: ThreadingHTTPServer) -> None:
    environment = {**os.environ, "AUDIT_URL": url_of(service)}
    command = [sys.executable, "tools/audit"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50)
    assert result.returncode == 0, result.stdout + result.stderr
    asked = {name for name, _ in service.asked}
    assert {"uv", "boto3", "pulumi", "pymysql", "fastjsonschema", "urllib3"} <= asked


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess\nsubprocess.run('ls ' + input(), shell=True)\n",
        "import pickle\npickle.loads(b'')\n",
        "import hashlib\nhashlib.md5(b'')\n",
        "import yaml\nyaml.load('a', Loader=yaml.Loader)\n",
        "password = 'hunter2hunter2'\n",
        "def run(cursor, name):\n    cursor.execute(f\"SELECT * FROM t WHERE name = '{name}'\")\n",
        "eval(input())\n",
        "import tempfile\ntempfile.mktemp()\n",
        "import requests\nrequests.get('https://x', verify=False)\n",
    ],
)
@pytest.mark.parametrize("folder", ["handlers", "components", "local_cloud", "operations", "benchmarks"])
def test_the_linter_finds_what_is_dangerous_in_every_folder_of_sources(folder: str, source: str) -> None:
    """Ruff's S rules, which are Bandit's, with the project's own settings."""
    command = [
        str(Path(sys.executable).parent / "ruff"),
        "check",
        "--stdin-filename",
        f"{folder}/x.py",
        "--output-format=json",
        "-",
    ]
    result = subprocess.run(command, cwd=ROOT, input=source, capture_output=True, text=True, timeout=50)
    codes = [each["code"] for each in json.loads(result.stdout)]
    assert [code for code in codes if code and code.startswith("S")], codes
