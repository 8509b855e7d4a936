"""The scripts end as the programs do: with a sentence, and an exit code of docs/operations.md."""

from pathlib import Path

import pytest

from command_line.boundary import FAILED, UNUSABLE
from tests import boundary
from tests.architecture.sources import ROOT

COMMENT = (
    "GITHUB_TOKEN=s3cr3t-key GITHUB_REPOSITORY=a/b PULL_REQUEST=1 GITHUB_API_URL=http://127.0.0.1:9"
    " $PYTHON tools/preview_comment.py"
)
BREAKING = "$PYTHON contract-tests/breaking_changes.py --json"
# what is done -> the line of the shell, the exit code, whether standard output can still hold the object
SCRIPTS: dict[str, tuple[str, int, bool]] = {
    "no git": (f"PATH=/nonexistent {BREAKING}", UNUSABLE, True),
    "an unknown base": (f"{BREAKING} --base no-such-ref", UNUSABLE, True),
    "a base that git would take for an option": (f"{BREAKING} --base=--output=FOLDER/x", UNUSABLE, True),
    "a base that is no UTF-8": (f"printf '\\377' >FOLDER/b.yaml; {BREAKING} --base FOLDER/b.yaml", UNUSABLE, True),
    "a day that there is not": (f"echo 'a: 2026-99-99' >FOLDER/b; {BREAKING} --base FOLDER/b", UNUSABLE, True),
    "a folder as the contract": (f"{BREAKING} --base openapi.yaml --contract FOLDER", UNUSABLE, True),
    "an unknown option": (f"{BREAKING} --nothing", UNUSABLE, True),
    "an argument that is no UTF-8": (f"{BREAKING} --base \"$(printf '\\377')\"", UNUSABLE, True),
    "a full disk": (f"PYTHONUNBUFFERED= {BREAKING} --base openapi.yaml >/dev/full", FAILED, False),
    "a closed standard output": (f"{BREAKING} --base openapi.yaml >&-", UNUSABLE, False),
    "the comparison without packages": ("$PYTHON -S contract-tests/breaking_changes.py --json", UNUSABLE, True),
    "the suite without packages": ("$PYTHON -S contract-tests/run.py", UNUSABLE, False),
    "no number of examples": ("EXAMPLES=abc $PYTHON contract-tests/run.py", UNUSABLE, False),
    "less than no examples": ("EXAMPLES=-1 $PYTHON contract-tests/run.py", UNUSABLE, False),
    "no seed": ("SEED=1e3 $PYTHON contract-tests/run.py", UNUSABLE, False),
    "no key": ("URL=http://127.0.0.1:9 API_KEY= $PYTHON contract-tests/run.py", UNUSABLE, False),
    "a dead stack": ("URL=http://127.0.0.1:9 API_KEY=s3cr3t-key $PYTHON contract-tests/run.py", UNUSABLE, False),
    "a comment without its variables": ("env -i $PYTHON tools/preview_comment.py FOLDER", UNUSABLE, False),
    "a comment on nothing": (f"{COMMENT} FOLDER", FAILED, False),
    "a comment without a folder": (COMMENT, UNUSABLE, False),
    "a comment that nobody takes": (f"echo x >FOLDER/dev.txt; {COMMENT} FOLDER", FAILED, False),
    "a preview that is no UTF-8": (f"printf '\\377' >FOLDER/dev.txt; {COMMENT} FOLDER", FAILED, False),
    "a comment without packages": ("$PYTHON -S tools/preview_comment.py FOLDER", UNUSABLE, False),
    "no number of leads for a benchmark": ("$PYTHON benchmarks/local_cloud.py --leads abc", UNUSABLE, False),
    "no leads for a benchmark": ("$PYTHON benchmarks/local_cloud.py --leads -1", UNUSABLE, False),
    "a benchmark without packages": ("$PYTHON -S benchmarks/local_cloud.py", UNUSABLE, False),
    "an unknown part": ("$PYTHON contract-tests/run.py --part nothing", UNUSABLE, False),
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_what_goes_wrong_is_a_sentence(kind: str, tmp_path: Path) -> None:
    line, code, as_json = SCRIPTS[kind]
    done = boundary.shell(line.replace("FOLDER", str(tmp_path)))
    boundary.held_to(done.returncode, done.stdout, done.stderr, exits=code, as_json=as_json)
    assert "Exception ignored" not in done.stderr
    assert not list(tmp_path.glob("x*")), "git has taken the base for an option"


@pytest.mark.parametrize("code", [0, 1, 2, 3, 130])
def test_every_exit_code_is_documented(code: int) -> None:
    assert f"\n| {code} | " in (ROOT / "docs/operations.md").read_text()
