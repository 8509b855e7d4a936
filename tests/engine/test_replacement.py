from __future__ import annotations

import pytest

from local_cloud.engine import DeploymentFailed, ProviderError
from tests.engine.fakes import Lab

CHAIN = """
a = Thing("a", kind="{kind}")
b = Thing("b", of=a.arn)
"""


def test_a_replacement_is_created_before_the_old_one_is_deleted(lab: Lab) -> None:
    lab.up(CHAIN.format(kind="x"))
    old_name = lab.resource("a")["inputs"]["name"]
    summary = lab.up(CHAIN.format(kind="y"))
    assert lab.cloud.operations() == [("create", "a"), ("update", "b"), ("delete", "a")]
    assert summary.counts == {"replace": 1, "update": 1, "same": 1}
    assert ("replace", "a", "[kind]") in lab.recorder.steps
    assert lab.resource("a")["inputs"]["name"] != old_name, "two that live side by side can't share a name"
    assert lab.resource("b")["inputs"]["of"] == lab.resource("a")["outputs"]["arn"]
    assert len(lab.cloud.things) == 2


def test_delete_before_replace_deletes_first_when_the_provider_or_the_program_asks(lab: Lab) -> None:
    lab.up('Thing("a", kind="x", name="one", fixed=True)')
    lab.up('Thing("a", kind="y", name="one", fixed=True)')
    assert lab.cloud.operations() == [("delete", "a"), ("create", "a")]
    program = 'Thing("a", kind="{}", name="one", opts=pulumi.ResourceOptions(delete_before_replace=True))'
    lab.up(program.format("z"))
    assert lab.cloud.operations() == [("delete", "a"), ("create", "a")]
    assert lab.cloud.names() == {"one"}


def test_delete_before_replace_first_deletes_the_dependants_that_must_be_replaced_too(lab: Lab) -> None:
    program = """
        a = Thing("a", kind="{kind}", name="one", fixed=True)
        b = Thing("b", kind=a.arn)
        Thing("c", kind=b.arn)
        Thing("d", of=a.arn)
        """
    lab.up(program.format(kind="x"))
    summary = lab.up(program.format(kind="y"))
    assert [call for call in lab.cloud.operations() if call[1] != "d"] == [
        ("delete", "c"),
        ("delete", "b"),
        ("delete", "a"),
        ("create", "a"),
        ("create", "b"),
        ("create", "c"),
    ]
    assert ("update", "d") in lab.cloud.operations()
    assert summary.counts == {"replace": 3, "update": 1, "same": 1}
    assert lab.up().counts == {"same": 5}


def test_a_replacement_that_fails_after_its_deletion_is_created_by_the_next_deployment(lab: Lab) -> None:
    program = 'Thing("a", kind="{}", name="one", fixed=True)'
    lab.up(program.format("x"))
    lab.cloud.faults["create", "a"] = ProviderError("CreateThing: throttled")
    with pytest.raises(DeploymentFailed, match="CreateThing: throttled"):
        lab.up(program.format("y"))
    assert lab.resource("a")["pendingReplacement"] is True
    lab.cloud.faults.clear()
    lab.up(program.format("x"))
    assert lab.cloud.operations() == [("create", "a")], "it is gone, whatever the program wants now"
    assert "pendingReplacement" not in lab.resource("a")


def test_an_old_one_whose_deletion_fails_is_deleted_by_the_next_deployment(lab: Lab) -> None:
    lab.up(CHAIN.format(kind="x"))
    lab.cloud.faults["delete", "a"] = ProviderError("DeleteThing: busy")
    with pytest.raises(DeploymentFailed, match="DeleteThing: busy"):
        lab.up(CHAIN.format(kind="y"))
    assert [one["delete"] for one in lab.resources() if one.get("delete")] == [True]
    lab.cloud.faults.clear()
    lab.up(CHAIN.format(kind="y"))
    assert lab.cloud.operations() == [("delete", "a")]
    assert len(lab.cloud.things) == 2


def test_a_protected_resource_is_neither_deleted_nor_replaced(lab: Lab) -> None:
    program = 'Thing("a", kind="{}", opts=pulumi.ResourceOptions(protect={}))\nThing("b")'
    lab.up(program.format("x", True))
    with pytest.raises(DeploymentFailed, match=r"Thing 'a': protected, and would be replaced.*protect=False"):
        lab.up(program.format("y", True))
    with pytest.raises(DeploymentFailed, match="protected, and would be deleted"):
        lab.up("")
    with pytest.raises(DeploymentFailed, match="protected"):
        lab.preview("")
    with pytest.raises(DeploymentFailed, match="protected"):
        lab.destroy()
    assert lab.cloud.operations() == []
    assert len(lab.cloud.things) == 2, "what is protected stays, and so does everything else"
    lab.up(program.format("x", False))
    assert lab.destroy().counts == {"delete": 3}


def test_ignored_changes_keep_the_recorded_value(lab: Lab) -> None:
    program = """
        Thing("a", size={size}, tags={{"team": "{team}", "cost": "{cost}"}},
              opts=pulumi.ResourceOptions(ignore_changes=["size", "tags.cost"]))
        """
    lab.up(program.format(size=1, team="a", cost="1"))
    assert lab.up(program.format(size=2, team="a", cost="2")).counts == {"same": 2}
    lab.up(program.format(size=3, team="b", cost="3"))
    inputs = lab.cloud.arguments["update", "a"]
    assert (inputs["size"], inputs["tags"]) == (1, {"team": "b", "cost": "1"})


def test_replace_on_changes_replaces_for_the_paths_it_names(lab: Lab) -> None:
    program = """
        Thing("a", tags={{"team": "{team}", "cost": "{cost}"}},
              opts=pulumi.ResourceOptions(replace_on_changes=["tags.team"]))
        """
    lab.up(program.format(team="a", cost="1"))
    assert lab.up(program.format(team="a", cost="2")).counts == {"update": 1, "same": 1}
    assert lab.up(program.format(team="b", cost="2")).counts == {"replace": 1, "same": 1}


def test_a_retained_resource_leaves_the_state_and_stays_in_the_cloud(lab: Lab) -> None:
    lab.up('Thing("a", opts=pulumi.ResourceOptions(retain_on_delete=True))')
    lab.up("")
    assert lab.cloud.operations() == []
    assert ("delete", "a", "[retained]") in lab.recorder.steps
    assert len(lab.cloud.things) == 1
    assert [one["type"] for one in lab.resources()] == ["pulumi:pulumi:Stack"]


def test_what_is_deleted_with_another_resource_is_not_deleted_by_itself(lab: Lab) -> None:
    program = """
        a = Thing("a", kind="{}")
        Thing("b", opts=pulumi.ResourceOptions(deleted_with=a))
        """
    lab.up(program.format("x"))
    assert lab.up(program.format("y")).counts == {"replace": 2, "same": 1}, "it goes when the other is replaced"
    lab.destroy()
    assert lab.cloud.operations() == [("delete", "a")]


def test_renaming_by_an_alias_needs_the_pulumi_cli_only_when_there_is_something_to_rename(lab: Lab) -> None:
    lab.up('Thing("new", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="older")]))')
    with pytest.raises(DeploymentFailed, match=r"renaming .*'new' by an alias needs the Pulumi CLI"):
        lab.up('Thing("newer", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="new")]))')
    assert lab.cloud.operations() == []
