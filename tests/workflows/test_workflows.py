"""The workflows of the pull request and of main: what the linters of `make check` don't know."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCK = (ROOT / "requirements" / "dev.txt").read_text()


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_the_pulumi_cli_is_of_the_sdks_version(path: Path) -> None:
    pinned = re.search(r"^pulumi==(\S+)", LOCK, re.MULTILINE)
    assert pinned
    for step in steps(load(path)):
        if "pulumi-version" in step.get("with", {}):
            assert step["with"]["pulumi-version"] == pinned[1], "the CLI and the SDK would speak past each other"


def test_no_workflow_holds_a_key_of_aws(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"secrets\.AWS|aws-access-key-id|aws-secret-access-key", text), "roles come by OIDC"


def test_rights_are_given_job_by_job(path: Path) -> None:
    assert load(path)["permissions"] == {}, "what no job names is given to none"


def test_every_make_target_that_a_workflow_calls_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = re.findall(r"\bmake ([a-z-]+)", path.read_text())
    assert set(called) <= targets


def test_every_file_that_a_workflow_runs_exists(path: Path) -> None:
    for name in re.findall(r"\btools/[a-z_./-]+", path.read_text()):
        assert (ROOT / name).exists(), name


def test_prod_is_deployed_only_after_dev_and_its_contract_tests() -> None:
    jobs = load(ROOT / ".github/workflows/deploy.yml")["jobs"]
    assert jobs["prod"]["needs"] == "dev"
    assert jobs["dev"]["needs"] == "test"
    assert jobs["dev"]["with"] == {"stack": "dev", "contract": True}
    up = load(ROOT / ".github/workflows/deploy-stack.yml")["jobs"]["up"]
    assert up["environment"] == "${{ inputs.stack }}", "the approval hangs on the environment"


def test_a_forks_pull_request_gets_no_role() -> None:
    job = load(ROOT / ".github/workflows/preview.yml")["jobs"]["preview"]
    assert job["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
