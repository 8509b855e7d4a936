"""Two mutants, really deployed and really killed; then a Ctrl-C, which leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mutants import killers
from mutants.bench import ROOT

EXPECTED = {
    "handlers: other data passes for the same": killers.REPEAT,
    "database: BENEFIT needs no client": killers.FOREIGN_KEY,
}


@pytest.mark.timeout(300)
def test_mutants_are_killed_by_the_tests_that_are_meant_to_and_a_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    only = ",".join([*EXPECTED, "database: BENEFIT needs a partner"])
    command = [
        sys.executable,
        "-m",
        "mutants",
        "--workers",
        "1",
        "--only",
        only,
        "--output",
        str(tmp_path / "report"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "contract-tests"), "TMPDIR": str(tmp_path)}
    said: list[str] = []
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            if line.startswith(f"{'':20}by ") and sum(each.startswith("[") for each in said) == len(EXPECTED):
                break
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=120)[0].splitlines(keepends=True)
    finally:
        if process.poll() is None:
            process.kill()
    output = "".join(said)
    verdicts = [each for each in said if each.startswith("[")]
    assert len(verdicts) == len(EXPECTED), output
    for verdict, title in zip(verdicts, EXPECTED, strict=True):
        assert title in verdict, output
        assert " killed " in verdict, output
        assert f"by {EXPECTED[title]}" in said[said.index(verdict) + 1], output
    assert process.returncode == 130, output
    assert list(tmp_path.iterdir()) == [], output
    running = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True, timeout=30).stdout
    assert [line for line in running.splitlines() if str(tmp_path) in line] == []
