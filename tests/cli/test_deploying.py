"""preview, up, an edit, refresh, destroy: what a person does with the Pulumi CLI."""

import json
from typing import Any

import pytest

from local_cloud.engine.urn import name_of
from tests.cli.conftest import PulumiCloud
from tests.stack import Stack, edit, new_lead

pytestmark = pytest.mark.timeout(300)

QUEUE = "aws:sqs/queue:Queue"


def test_up_makes_what_a_preview_shows_and_a_second_one_changes_none(own: PulumiCloud) -> None:
    counts = own.up_counts()
    assert set(counts) == {"create"}
    made = {(resource["type"], name_of(resource["urn"])) for resource in own.exported()}

    assert own.up_counts() == {"same": counts["create"]}
    assert own.preview_steps() == []

    deleted = own.pulumi("destroy", "--yes")
    assert f"- {counts['create']} deleted" in deleted
    assert own.exported() == []

    shown = own.preview_steps()
    assert {operation for operation, _, _ in shown} == {"create"}
    assert len(shown) == counts["create"]
    assert made >= {(type_, name) for _, type_, name in shown}
    assert own.exported() == [], "a preview makes nothing"
    emulator = json.loads(own.run("preview", "--json").stdout)
    assert emulator["counts"] == counts, "the embedded engine knows, too"


def test_what_the_cli_deployed_carries_a_lead(copied: PulumiCloud) -> None:
    stack = Stack(copied.outputs())
    lead = new_lead()
    assert stack.ended(stack.submit(lead))["status"] == "COMPLETED"
    assert len(stack.rows_of(lead["rut"])["BENEFIT"]) == 1


def test_an_edit_to_one_handler_shows_and_changes_that_function_alone(copied: PulumiCloud) -> None:
    path = copied.root / "handlers" / "backend" / "get_client.py"
    edit(path, "return http.resource(200, client)", 'return http.resource(200, client | {"edited": True})')
    function = ("update", "aws:lambda/function:Function", "leadbridge-local-api-get-client-function")
    assert copied.preview_steps() == [function]
    counts = copied.up_counts()
    assert counts == {"same": len(copied.resources()) - 2, "update": 1}
    stack = Stack(copied.outputs())
    lead = new_lead()
    stack.ended(stack.submit(lead))
    assert stack.request("GET", f"/clients/{lead['rut']}", key=True).json()["edited"] is True


def test_an_edit_to_the_contract_redeploys_the_stage_and_changes_nothing_else(copied: PulumiCloud) -> None:
    edit(copied.root / "openapi.yaml", "  /clients/{rut}:\n", "  /customers/{rut}:\n")
    expected = [
        ("replace", "aws:apigateway/deployment:Deployment"),
        ("replace", "aws:apigateway/methodSettings:MethodSettings"),
        ("replace", "aws:lambda/permission:Permission"),
        ("update", "aws:apigateway/restApi:RestApi"),
        ("update", "aws:apigateway/stage:Stage"),
    ]
    assert [(operation, type_) for operation, type_, _ in copied.preview_steps()] == expected
    counts = copied.up_counts()
    assert (counts["replace"], counts["update"]) == (3, 2)
    stack = Stack(copied.outputs())
    assert stack.request("GET", "/customers/99999999-9", key=True).json()["message"] == "NOT_FOUND"
    assert copied.preview_steps() == []


def recorded(cloud: PulumiCloud) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Inputs and outputs of each resource, but for the contents of archives among the outputs."""
    return {
        resource["urn"]: (
            resource.get("inputs", {}),
            {name: value for name, value in resource.get("outputs", {}).items() if name != "code"},
        )
        for resource in cloud.resources()
    }


def test_a_refresh_notices_what_was_deleted_behind_its_back_and_up_makes_it_again(copied: PulumiCloud) -> None:
    before = recorded(copied)
    assert f"{len(before) - 1} unchanged" in copied.pulumi("refresh", "--yes")
    assert recorded(copied) == before, "nothing had changed"

    queue = next(resource for resource in copied.resources() if resource["type"] == QUEUE)
    Stack(copied.outputs()).client("sqs").delete_queue(QueueUrl=queue["id"])
    copied.pulumi("refresh", "--yes")
    assert queue["urn"] not in recorded(copied)
    assert ("create", QUEUE) in {(operation, type_) for operation, type_, _ in copied.preview_steps()}
    copied.up_counts()
    assert copied.preview_steps() == []


def test_a_wrong_setting_is_told_and_touches_nothing(copied: PulumiCloud) -> None:
    edit(copied.root / "Pulumi.local.yaml", "databaseMode: on-premise", "databaseMode: on-the-moon")
    result = copied.run("up", "--no-leads", "--engine", "cli", check=False)
    edit(copied.root / "Pulumi.local.yaml", "databaseMode: on-the-moon", "databaseMode: on-premise")
    assert result.returncode == 1
    assert "databaseMode is 'on-the-moon'; use one of simulated, on-premise" in result.stdout + result.stderr
    assert copied.preview_steps() == []
