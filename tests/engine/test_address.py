"""Where the engine listens while a program runs."""

from __future__ import annotations

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
        if words[3] == "0A" and f"socket:[{words[9]}]" in own:
            listening.add(kind)
for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
    words = line.split(maxsplit=7)
    if words[3] == "00010000" and f"socket:[{words[6]}]" in own:
        listening.add(f"{Path(words[7]).parent.stat().st_mode & 0o777:o} {words[7]}")
Path(os.environ["TARGET"]).write_text("\\n".join(listening))
pulumi.export("done", "yes")
"""


@pytest.mark.parametrize("folder", ["state", "a folder, with 'quotes' and 100 % é#?", "deep" * 40])
def test_engine_listens_where_only_its_user_can_go(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(tmp_path)
    lab.state_path = tmp_path / folder / "state.json"
    monkeypatch.setenv("TARGET", str(tmp_path / "listening"))
    assert lab.up(SHOW).outputs == {"done": "yes"}
    mode, path = (tmp_path / "listening").read_text().split(maxsplit=1)
    assert mode == "700"
    assert "\n" not in path, "one socket, and no port"
    assert not Path(path).parent.exists(), "it goes with the program"
