"""docs/add-a-step.md does what it says: its changes carry a lead one step further, in a copy of the project."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.stack import ROOT, LocalCloud, Stack, copy_of_the_project, new_lead

PAGE = (ROOT / "docs" / "add-a-step.md").read_text()
CHANGES = "\n".join(re.findall(r"^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    root = copy_of_the_project(tmp_path_factory.mktemp("copy"))
    apply = ["git", "apply", "--whitespace=nowarn", "-"]
    applied = subprocess.run(apply, cwd=root, input=CHANGES, capture_output=True, text=True, timeout=30)
    assert applied.returncode == 0, f"docs/add-a-step.md no longer fits the sources:\n{applied.stderr}"
    cloud = LocalCloud(tmp_path_factory.mktemp("home"), root)
    try:
        cloud.up()
        yield Stack(cloud.outputs())
    finally:
        cloud.down()


def test_the_page_counts_its_files_and_lines() -> None:
    files = len(re.findall(r"^diff --git ", CHANGES, re.MULTILINE))
    lines = len(re.findall(r"^\+(?!\+\+)", CHANGES, re.MULTILINE))
    assert f"{files} files, {lines} lines" in PAGE


@pytest.mark.timeout(180)
def test_a_lead_passes_through_the_new_step_into_the_new_table(extended: Stack) -> None:
    lead = new_lead()
    end = extended.ended(extended.submit(lead))
    assert (end["status"], end["step"]) == ("COMPLETED", "contract"), end
    assert extended.rows("SELECT store FROM CONTRACT WHERE rut = %s", lead["rut"]) == ((lead["store"],),)


@pytest.mark.timeout(180)
def test_the_new_operation_is_held_to_the_contract_as_the_others_are(extended: Stack) -> None:
    lead = new_lead()
    extended.ended(extended.submit(lead))
    contract = {"rut": lead["rut"], "store": lead["store"]}
    assert extended.request("POST", "/create_contract", contract).status == 403
    again = extended.request("POST", "/create_contract", contract, key=True)
    assert (again.status, again.json()["message"]) == (200, "CONTRACT_UNCHANGED")
    other = extended.request("POST", "/create_contract", {**contract, "store": "OTHER"}, key=True)
    assert other.status == 409
    bad = extended.request("POST", "/create_contract", {**contract, "store": "no such thing"}, key=True)
    assert bad.status == 400
