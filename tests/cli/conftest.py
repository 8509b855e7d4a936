"""The program as the Pulumi CLI runs it on the local cloud."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud.pulumi_cli import toolchain
from tests.stack import ROOT, LocalCloud, copy_of_the_project


class PulumiCloud(LocalCloud):
    """`python -m local_cloud` with the Pulumi CLI in the place of the embedded engine."""

    def preview_steps(self) -> list[tuple[str, str, str]]:
        """Operation, type and name of what would change."""
        previewed = json.loads(self.run("preview", "--engine", "cli", "--json").stdout)
        return sorted((step["op"], step["type"], step["name"]) for step in previewed["steps"])

    def up_counts(self) -> dict[str, int]:
        deployed = json.loads(self.run("up", "--no-leads", "--engine", "cli", "--json").stdout)
        counts: dict[str, int] = deployed["counts"]
        return counts

    def pulumi(self, *arguments: str) -> str:
        return self.run("pulumi", "--", *arguments).stdout

    def exported(self) -> list[dict[str, Any]]:
        """The resources of the stack in the CLI's own backend."""
        resources: list[dict[str, Any]] = json.loads(self.pulumi("stack", "export"))["deployment"].get(
            "resources", []
        )
        return resources


@pytest.fixture(scope="session", autouse=True)
def _a_cli() -> None:
    assert toolchain.found(), "there is no Pulumi CLI: `make test-cli` builds one"


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulumiCloud]:
    """Deployed by the CLI, of a copy of the project, which a test may edit."""
    root = copy_of_the_project(tmp_path_factory.mktemp("copy"))
    (root / ".venv").symlink_to(ROOT / ".venv")
    cloud = PulumiCloud(tmp_path_factory.mktemp("home"), root)
    cloud.up_counts()
    yield cloud
    cloud.down()


@pytest.fixture
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PulumiCloud]:
    """A home of the test's own, with nothing deployed; of another stack than `local` by an indirect parameter."""
    cloud = PulumiCloud(tmp_path / "home", stack=getattr(request, "param", "local"))
    yield cloud
    cloud.down()
