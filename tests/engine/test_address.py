"""Where the engine listens while a program runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.fakes import Lab

SHOW = """
from pathlib import Path
import os
engine = Path("/proc", str(os.getppid()), "fd")
own = {os.readlink(one) for one in engine.iterdir() if one.is_symlink()}
listening = set()
for kind in ("tcp", "tcp6"):
    for line in Path("/proc/net", kind).read_text().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and f"socket:[{words[9]}]" in own and words[9] not in os.environ["BEFORE"].split():
            listening.add(kind)
for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
    words = line.split(maxsplit=7)
    if words[3] == "00010000" and f"socket:[{words[6]}]" in own:
        listening.add(f"{Path(words[7]).parent.stat().st_mode & 0o777:o} {words[7]}")
Path(os.environ["TARGET"]).write_text("\\n".join(listening))
pulumi.export("done", "yes")
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name, which pytest's own does not."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="lb-") as folder:
        yield Path(folder)


def listening_before() -> list[str]:
    """The inodes of sockets that other tests of this very process may have left open."""
    texts = [Path("/proc/net", kind).read_text() for kind in ("tcp", "tcp6")]
    lines = [line.split() for text in texts for line in text.splitlines()]
    return [words[9] for words in lines if words[3] == "0A"]


@pytest.mark.parametrize("temporary", ["tmp", "tmp, too", "deep" * 40])
@pytest.mark.parametrize("folder", ["state", "a 'quoted' 100 % é#?", "Acme, Inc.", "deep" * 40])
def test_engine_listens_where_only_its_user_can_go(
    short: Path, folder: str, temporary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(short)
    lab.state_path = short / folder / "state.json"
    (short / temporary).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(short / temporary))
    monkeypatch.setenv("TARGET", str(short / "listening"))
    monkeypatch.setenv("BEFORE", " ".join(listening_before()))
    assert lab.up(SHOW).outputs == {"done": "yes"}
    mode, path = (short / "listening").read_text().split(maxsplit=1)
    assert mode == "700"
    assert "\n" not in path, "one socket, and no port"
    assert not Path(path).parent.exists(), "it goes with the program"
