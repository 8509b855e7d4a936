"""Personal data goes where the lead goes and into nothing kept about it: logs, metrics, errors, alerts."""

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.security import traces
from tests.stack import ROOT, LocalCloud, Stack, new_lead, new_rut, wait_for

pytestmark = pytest.mark.timeout(180)


class Canary:
    """A person whose every datum is found again wherever it turns up."""

    def __init__(self) -> None:
        self.word = f"canary{uuid.uuid4().hex[:12]}"
        self.rut = new_rut()
        self.phone = str(10**14 + uuid.uuid4().int % 10**14)

    def lead(self, **changes: Any) -> dict[str, Any]:
        person = {
            "name": f"{self.word} Ñandú",
            "lastname": f"O'{self.word}",
            "mail": f"{self.word}@example.com",
            "store": f"ST_{self.word}",
            "rut": self.rut,
            "phone": int(self.phone),
        }
        return new_lead(origin="app") | person | changes

    def marks(self) -> tuple[str, ...]:
        return self.word, self.rut, self.rut.partition("-")[0], self.phone


class Said:
    """What the stack answered and what commands printed, on the canary's way."""

    def __init__(self, stack: Stack, cloud: LocalCloud, folder: Path) -> None:
        self.stack, self.cloud, self.folder = stack, cloud, folder
        self.texts: list[tuple[str, str]] = []
        self.failed: list[str] = []

    def request(self, method: str, path: str, body: Any = None, *, key: bool = False, **headers: str) -> None:
        answer = self.stack.request(method, path, body, key=key, **headers)
        self.texts.append((f"{method} {path}: {answer.status}", f"{dict(answer.headers)} {answer.data.decode()}"))

    def ends(self, lead_id: str, status: str) -> None:
        found = self.stack.ended(lead_id)
        assert found["status"] == status, found
        self.texts.append(("status", json.dumps(found)))
        if status == "FAILED":
            self.failed.append(lead_id)

    def run(self, module: str, *words: str) -> None:
        command = [sys.executable, "-m", module, *words, "--home", str(self.cloud.home)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
        self.texts.append((" ".join([module, *words]), result.stdout + result.stderr))


@pytest.fixture(scope="module")
def canary() -> Canary:
    return Canary()


@pytest.fixture(scope="module")
def said(stack: Stack, cloud: LocalCloud, canary: Canary, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """The canary has gone every way, well and badly."""
    found = Said(stack, cloud, tmp_path_factory.mktemp("file"))
    alerts = traces.Alerts(stack)
    well(found, canary)
    badly(found, canary)
    by_file(found, canary)
    found.run("operations", "failed")
    found.run("operations", "failed", "--json")
    found.run("operations", "status", found.failed[0])
    found.run("local_cloud", "logs")
    found.texts += alerts.texts(len(found.failed))
    return found


def well(said: Said, canary: Canary) -> None:
    said.ends(said.stack.submit(canary.lead(origin="web")), "COMPLETED")
    said.ends(said.stack.put_event(canary.lead()), "COMPLETED")
    said.ends(
        said.stack.put_event(canary.lead(name=f"another {canary.word}", store=f"XX_{canary.word}")), "COMPLETED"
    )


def badly(said: Said, canary: Canary) -> None:
    wrong_rut = canary.rut[:-1] + ("1" if canary.rut[-1] == "0" else "0")
    for field, value in {
        "rut": wrong_rut,
        "mail": f"{canary.word} at example",
        "phone": f"+{canary.phone} ext",
        "store": f"{canary.word}!",
        "name": f"{canary.word}\n",
        "wantsBenefit": canary.word,
        "origin": canary.word,
        "extra": canary.word,
        canary.phone: 1,
    }.items():
        said.request("POST", "/leads", canary.lead(**{field: value}))
        said.ends(said.stack.put_event(canary.lead(**{field: value})), "FAILED")
    said.ends(said.stack.put_event({"leadId": f"{canary.word} {canary.rut}"}), "FAILED")
    client = {field: canary.lead()[field] for field in ("rut", "name", "lastname", "mail", "phone")}
    said.request("POST", "/create_client", client | {"name": "x"}, key=True)  # a conflict
    said.request("POST", "/create_client", client | {"mail": canary.word}, key=True)
    said.request("POST", "/create_client", client)  # without the key
    said.request("POST", "/leads", json.dumps(canary.lead())[:-1].encode())
    said.request("POST", "/leads", canary.lead(name=canary.word * 2000))
    said.request("POST", "/create_partner", {"rut": new_rut(), "store": f"ST_{canary.word}"}, key=True)
    said.request("GET", f"/clients/{canary.rut}", key=True)
    said.request("GET", f"/clients/{canary.rut}")  # without the key
    said.request("GET", f"/clients/{canary.rut}/more", key=True)
    said.request("PUT", f"/clients/{canary.rut}", key=True)
    said.request("GET", f"/clients/{wrong_rut}", key=True)
    said.stack.put_event(canary.lead(), detail_type="Unknown")


def by_file(said: Said, canary: Canary) -> None:
    path = said.folder / "leads.jsonl"
    rows = [canary.lead(mail=canary.word), canary.lead(rut=new_rut()), {canary.phone: canary.rut}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + canary.word + "\n")
    said.run("operations", "import", str(path))
    journal = path.with_name("leads.jsonl.journal")
    said.texts.append(("journal", journal.read_text()))
    lead_id = journal.read_text().splitlines()[-1]
    wait_for(lambda: said.stack.request("GET", f"/leads/{lead_id}").status == 200 or None, 20, "the imported lead")
    said.ends(lead_id, "COMPLETED")


def found_in(texts: Iterator[tuple[str, str]] | list[tuple[str, str]], canary: Canary) -> list[str]:
    marks = re.compile("|".join(map(re.escape, canary.marks())))
    return [f"{where}: {text[:300]}" for where, text in texts if marks.search(text)]


def test_the_canary_went_into_the_crm(said: Said, canary: Canary) -> None:
    """So the others look for what was really there."""
    (client,) = said.stack.rows_of(canary.rut)["CLIENTS"]
    assert canary.word in str(client)
    assert canary.phone in str(client)
    assert len(said.failed) == 10


def test_answers_statuses_alerts_and_commands_say_nothing_of_it(said: Said, canary: Canary) -> None:
    texts = [each for each in said.texts if each[0] != f"GET /clients/{canary.rut}: 200"]
    assert {where.split()[0] for where, _ in texts} >= {"POST", "status", "alert", "operations", "local_cloud"}
    assert found_in(texts, canary) == []


@pytest.mark.parametrize("place", ["logs", "metrics", "executions", "table"])
def test_what_the_cloud_keeps_about_a_lead_holds_nothing_of_it(said: Said, canary: Canary, place: str) -> None:
    texts = list(getattr(traces, place)(said.stack))
    assert texts or place == "metrics", "there is something to look at"
    assert found_in(texts, canary) == []


def test_the_servers_logs_hold_nothing_of_it(said: Said, canary: Canary) -> None:
    assert found_in(traces.files(said.cloud, "logs", "run", "state"), canary) == []


def test_every_line_of_a_functions_log_is_one_json_object_or_lambdas_own(said: Said) -> None:
    # A metric's line has CloudWatch's own fields.
    # The runtime's report of an exception spans lines: its name and text, and where it was raised.
    own = re.compile(
        r"(START|END|REPORT) RequestId: [0-9a-f-]{36}\b.*|RequestId: [0-9a-f-]{36} Error: Runtime exited .+"
        r"|(\S+ |RequestId: )[0-9a-f-]{36} (Error: )?Task timed out after [0-9.]+ seconds|\[ERROR\] \w+: .+"
        r"|Traceback \(most recent call last\):|  File \"[^\"]+\", line \d+, in \w+| {4,}\S.*"
    )
    lines = [(where, text) for where, text in traces.logs(said.stack) if "/aws/lambda/" in where]
    assert lines
    for where, text in lines:
        if not own.fullmatch(text):
            assert text.startswith("{"), (where, text)
            fields = set(json.loads(text))
            assert "_aws" in fields or {"timestamp", "level", "function", "message"} <= fields, (where, text)
