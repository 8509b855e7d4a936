from __future__ import annotations

import threading

import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2

from local_cloud.engine import DeploymentFailed, read_outputs
from local_cloud.engine.monitor import EngineService
from local_cloud.engine.signatures import RESOURCE, SIGNATURE
from tests.engine.fakes import Lab

TWO = """
a = Thing("a", size=1)
b = Thing("b", of=a.arn)
pulumi.export("arn", b.arn)
pulumi.export("token", a.secretToken)
"""


def test_up_creates_what_the_program_declares_and_returns_its_outputs(lab: Lab) -> None:
    summary = lab.up(TWO)
    assert summary.counts == {"create": 3}
    assert lab.cloud.operations() == [("create", "a"), ("create", "b")], "b needs a's output"
    assert summary.outputs == {"arn": "arn:id-2", "token": "token-of-a"}
    assert read_outputs(lab.state_path) == summary.outputs
    assert {(step.op, step.name) for step in summary.steps} == lab.recorder.ops()


def test_up_without_changes_calls_the_cloud_for_nothing_and_leaves_the_state_file_alone(lab: Lab) -> None:
    lab.up(
        """
        group = Group("g")
        a = Thing("a", size=1, opts=pulumi.ResourceOptions(parent=group))
        group.register_outputs({"arn": a.arn})
        Thing("b", of=a.arn, password=pulumi.Output.secret("hunter22"), parts=[1, 2.5, True, {"x": "y"}])
        pulumi.export("token", a.secretToken)
        """
    )
    before = lab.state_path.stat()
    summary = lab.up()
    assert summary.counts == {"same": 4}
    assert lab.cloud.operations() == []
    after = lab.state_path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns), "nothing to record"


def test_a_changed_input_updates_and_names_what_changed(lab: Lab) -> None:
    lab.up('Thing("a", size=1, color="red")')
    summary = lab.up('Thing("a", size=2, color="red")')
    assert lab.cloud.operations() == [("update", "a")]
    assert ("update", "a", "[size]") in lab.recorder.steps
    assert summary.counts == {"update": 1, "same": 1}
    assert lab.resource("a")["inputs"]["size"] == 2
    assert lab.resource("a")["outputs"]["version"] == 2


def test_a_resource_that_the_program_drops_is_deleted(lab: Lab) -> None:
    lab.up(TWO)
    summary = lab.up("")
    assert lab.cloud.operations() == [("delete", "b"), ("delete", "a")], "b needs a, so it goes first"
    assert summary.counts == {"delete": 2, "same": 1}
    assert [one["type"] for one in lab.resources()] == ["pulumi:pulumi:Stack"], "its default provider goes too"


def test_destroy_deletes_everything_dependants_first(lab: Lab) -> None:
    lab.up(
        """
        base = Thing("base")
        Thing("left", of=base.arn)
        Thing("right", opts=pulumi.ResourceOptions(depends_on=[base]))
        """
    )
    lab.destroy()
    assert lab.cloud.operations()[-1] == ("delete", "base")
    assert lab.cloud.things == {}
    assert lab.resources() == []
    assert read_outputs(lab.state_path) == {}


def test_destroy_of_a_stack_that_was_never_deployed_does_nothing(lab: Lab) -> None:
    assert lab.destroy().counts == {}


def test_independent_resources_are_created_and_deleted_in_parallel_up_to_the_limit(lab: Lab) -> None:
    together = threading.Barrier(3)

    def meet(operation: str, name: str) -> None:
        if operation in ("create", "delete"):
            together.wait(10)

    lab.cloud.during = meet
    lab.up('for i in range(6): Thing(f"t{i}")', parallel=3)
    assert lab.cloud.busiest == 3
    lab.cloud.busiest = 0
    lab.destroy(parallel=3)
    assert lab.cloud.busiest == 3


def test_depends_on_a_component_waits_for_its_children(lab: Lab) -> None:
    lab.up(
        """
        group = Group("g")
        Thing("child", opts=pulumi.ResourceOptions(parent=group))
        Thing("after", opts=pulumi.ResourceOptions(depends_on=[group]))
        """
    )
    assert lab.cloud.operations() == [("create", "child"), ("create", "after")]
    after = lab.resource("after")
    assert after["dependencies"] == [lab.resource("child")["urn"]]


def test_a_component_keeps_its_outputs_and_its_children_name_it_as_parent(lab: Lab) -> None:
    body = """
        group = Group("g")
        a = Thing("a", size={size}, opts=pulumi.ResourceOptions(parent=group))
        group.register_outputs({{"size": a.size, "thing": a}})
        """
    lab.up(body.format(size=1))
    group = lab.resource("g")
    assert group["outputs"]["size"] == 1
    reference = {SIGNATURE: RESOURCE, "urn": lab.resource("a")["urn"], "packageVersion": "", "id": "id-1"}
    assert group["outputs"]["thing"] == reference
    assert lab.resource("a")["urn"] == "urn:pulumi:lab::test::test:index:Group$fake:index:Thing::a"
    assert lab.resource("a")["parent"] == group["urn"]
    lab.up(body.format(size=2))
    assert lab.resource("g")["outputs"]["size"] == 2


def test_numbers_arrive_as_integers_where_they_are_whole(lab: Lab) -> None:
    lab.up('Thing("a", size=3, ratio=0.5, flag=True)')
    inputs = lab.cloud.arguments["create", "a"]
    assert [type(inputs[key]) for key in ("size", "ratio", "flag")] == [int, float, bool]


def test_two_resources_of_one_name_are_refused(lab: Lab) -> None:
    with pytest.raises(DeploymentFailed, match=r"fake:index:Thing 'a': registered twice"):
        lab.up('Thing("a"); Thing("a")')


def test_configuration_and_its_secrets_reach_the_program(lab: Lab) -> None:
    lab.config = {"test:color": "red", "test:key": "s3cret-key", "aws:region": "us-east-1"}
    lab.secret_keys = frozenset({"test:key"})
    summary = lab.up(
        """
        config = pulumi.Config()
        Thing("a", color=config.require("color"), key=config.require_secret("key"))
        pulumi.export("where", [pulumi.get_project(), pulumi.get_stack(), pulumi.Config("aws").require("region")])
        """
    )
    assert summary.outputs == {"where": ["test", "lab", "us-east-1"]}
    assert lab.cloud.arguments["create", "a"]["key"] == "s3cret-key"


def test_what_the_program_prints_and_logs_is_reported(lab: Lab) -> None:
    lab.up('print("printed"); pulumi.log.info("logged"); pulumi.log.warn("careful"); pulumi.log.debug("noise")')
    assert set(lab.recorder.texts("info")) == {"printed", "logged"}
    assert lab.recorder.texts("warning") == ["careful"]


def test_debug_lines_cost_no_request(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    severities: list[int] = []
    monkeypatch.setattr(
        EngineService, "Log", lambda self, request, context: severities.append(request.severity) or Empty()
    )
    lab.up('Thing("a"); pulumi.log.info("logged")')
    assert severities == [engine_pb2.INFO], "the SDK logs about ten debug lines for each resource"
