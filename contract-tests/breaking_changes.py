"""Says what a change of openapi.yaml breaks for whom, and which version it needs.

    python contract-tests/breaking_changes.py                        against origin/main
    python contract-tests/breaking_changes.py --base v1.2.0          against a tag, a branch or a commit
    python contract-tests/breaking_changes.py --base released.yaml   against a file

Exit code 0: nobody breaks, or info.version is a new major one. 1: somebody breaks. 2: a contract can't be read.

With --json an error is an object, too: {"error": "…"}.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from command_line import boundary

with boundary.imports():
    from compatibility.operations import BUMPS, MAJOR, Change, changes, needed
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

ROOT = Path(__file__).parents[1]
CONTRACT = "openapi.yaml"


class Unreadable(Exception):
    """The text says what can't be read and what to do."""

    exit_code = boundary.UNUSABLE


def main(arguments: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    return boundary.run(lambda: compared(words), boundary.Plain(as_json=boundary.wants_json(words)))


def compared(words: Sequence[str]) -> int:
    parser = boundary.Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--base", default="origin/main", help="released contract: a git ref or a file (default: %(default)s)"
    )
    parser.add_argument(
        "--contract", type=Path, default=ROOT / CONTRACT, help="the new one (default: openapi.yaml)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    options = parser.parse_args(words)
    try:
        old, new = released(options.base), read(options.contract)
        found = changes(old, new)
        versions = version(old, options.base), version(new, str(options.contract))
    except (KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"a contract is no valid OpenAPI ({error!r}); see make contract-lint") from None
    bump = needed(found)
    broken = bump == MAJOR and versions[1][0] <= versions[0][0]
    if options.json:
        result = {"needs": bump, "breaks": broken, "changes": [asdict(change) for change in found]}
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(lines(found, bump, versions, broken)) + "\n")
    return 1 if broken else 0


def lines(found: list[Change], bump: str | None, versions: tuple[tuple[int, ...], ...], broken: bool) -> list[str]:
    shown = [
        f"{change.bump:<7}{change.where}: {change.what}"
        + (f"  breaks: {', '.join(change.breaks)}" * bool(change.breaks))
        for change in sorted(found, key=lambda each: -BUMPS.index(each.bump))
    ]
    old, new = (".".join(map(str, each)) for each in versions)
    if bump is None:
        return [f"The contract is the released one (version {old})."]
    shown.append(f"Needs a new {bump} version: info.version {old} -> {raised(versions[0], bump)}; it is {new}.")
    if broken:
        shown.append(
            "Somebody breaks: take the change back, offer the new beside the old, or raise the major version."
        )
    return shown


def raised(version: tuple[int, ...], bump: str) -> str:
    major, minor, patch = version
    return {
        "major": f"{major + 1}.0.0",
        "minor": f"{major}.{minor + 1}.0",
        "patch": f"{major}.{minor}.{patch + 1}",
    }[bump]


def version(document: Any, name: str) -> tuple[int, ...]:
    text = str(document.get("info", {}).get("version"))
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise Unreadable(f"{name}: info.version is {text!r}; write major.minor.patch, such as 1.2.0")
    return tuple(map(int, parts))


def released(base: str) -> Any:
    if Path(base).is_file():
        return read(Path(base))
    command = ["git", "show", "--end-of-options", f"{base}:{CONTRACT}"]
    try:
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60)
    except FileNotFoundError:
        raise Unreadable(
            f"git is not on the PATH, and it has {base}. Install it, or give --base a file."
        ) from None
    except UnicodeDecodeError:
        raise Unreadable(f"{base}:{CONTRACT} is not UTF-8") from None
    if shown.returncode:
        raise Unreadable(
            f"there is no file {base}, and git knows no {CONTRACT} in {base}: {shown.stderr.strip()}\n"
            f"Name the released contract with --base (make: BASE=); in CI, fetch it first: git fetch origin {base}"
        )
    return parsed(shown.stdout, f"{base}:{CONTRACT}")


def read(path: Path) -> Any:
    try:
        return parsed(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}. Give a file that can be read.") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path} is not UTF-8 (byte {error.start})") from None


def parsed(text: str, name: str) -> Any:
    try:
        document = YAML(typ="safe").load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"{name} is not valid YAML: {error}") from None
    if not isinstance(document, dict) or "paths" not in document:
        raise Unreadable(f"{name} is no OpenAPI document")
    return document


if __name__ == "__main__":
    sys.exit(main())
