"""The operator's commands, as a person would type them."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from operations.cli import main


def operate(home: Path, *words: str) -> dict[str, Any]:
    """What `python -m operations … --json` prints. Fails with its words when it fails."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([*words, "--home", str(home), "--json"])
    assert code == 0, out.getvalue() + err.getvalue()
    return dict(json.loads(out.getvalue()))
