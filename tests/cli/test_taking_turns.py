"""The two engines on one state, and what the CLI leaves behind."""

import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import PulumiCloud
from tests.stack import ROOT, steps

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("own", ["local", "dev"], indirect=True)
def test_a_state_that_the_embedded_engine_wrote_is_imported_and_nothing_is_to_change(own: PulumiCloud) -> None:
    own.up()
    written = own.resources()
    assert own.preview_steps() == []
    exported = own.exported()
    assert {resource["urn"] for resource in exported} == {resource["urn"] for resource in written}
    assert own.up_counts() == {"same": len(written) - 1}, "the default provider is none of the program's"


def test_a_state_that_the_cli_wrote_is_the_embedded_engines_too(copied: PulumiCloud) -> None:
    assert steps(copied.up()) == []
    assert copied.preview_steps() == []


def test_secrets_are_shown_nowhere_and_stored_encrypted(copied: PulumiCloud) -> None:
    key = copied.outputs()["api_key"]
    said = copied.run("up", "--no-leads", "--engine", "cli")
    assert key not in said.stdout + said.stderr
    assert copied.pulumi("stack", "output", "api_key").strip() == "[secret]"
    backend = [path for path in (copied.home / "pulumi").rglob("*") if path.is_file()]
    assert backend
    assert [path for path in backend if key.encode() in path.read_bytes()] == []
    passphrase = copied.home / "secrets" / "pulumi-passphrase"
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600
    assert stat.S_IMODE((copied.home / "pulumi").stat().st_mode) == 0o700
    assert stat.S_IMODE((copied.home / "state" / "stack.json").stat().st_mode) == 0o600


def test_nothing_is_written_into_the_project(copied: PulumiCloud) -> None:
    def contents() -> dict[Path, bytes]:
        found = (path for path in copied.root.rglob("*") if path.is_file() and not path.is_relative_to(ROOT))
        return {path: path.read_bytes() for path in found if "__pycache__" not in path.parts}

    before = contents()
    copied.preview_steps()
    copied.pulumi("config")
    assert contents() == before


def test_the_configuration_of_the_cli_is_that_of_the_stack(copied: PulumiCloud) -> None:
    config = json.loads(copied.pulumi("config", "--json"))
    database = copied.outputs()["database"]
    assert config["leadbridge:databasePort"]["value"] == str(database["port"])
    assert config["leadbridge:databaseMode"]["value"] == "on-premise"
