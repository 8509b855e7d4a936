from __future__ import annotations

import pytest

from local_cloud.engine import UNKNOWN, DeploymentFailed
from tests.engine.fakes import Lab

CHAIN = """
a = Thing("a", size={size}, kind="{kind}")
a.arn.apply(lambda arn: print("applied", arn))
b = Thing("b", of=a.arn)
pulumi.export("arn", a.arn)
pulumi.export("size", a.size)
"""


def test_a_preview_of_a_new_stack_changes_nothing_and_leaves_outputs_unknown(lab: Lab) -> None:
    summary = lab.preview(CHAIN.format(size=1, kind="x"))
    assert summary.counts == {"create": 3}
    assert lab.recorder.texts("info") == [], "an apply callback must not run on an unknown value"
    assert {operation for operation, _ in lab.cloud.calls} == {"check"}
    assert lab.cloud.arguments["check", "b"]["of"] is UNKNOWN
    assert summary.outputs == {"size": 1}, "what the inputs say is known, the rest is not"
    assert not lab.state_path.exists()


def test_a_previewed_update_keeps_stable_outputs_known_so_that_dependants_show_no_change(lab: Lab) -> None:
    lab.up(CHAIN.format(size=1, kind="x"))
    summary = lab.preview(CHAIN.format(size=2, kind="x"))
    assert summary.counts == {"update": 1, "same": 2}
    assert summary.outputs == {"arn": "arn:id-1", "size": 2}
    assert lab.recorder.texts("info") == ["applied arn:id-1"]
    assert lab.cloud.operations() == []


def test_a_previewed_update_keeps_an_output_that_differs_from_its_unchanged_input(lab: Lab) -> None:
    body = """
        a = Thing("a", size={size}, version="as the cloud likes")
        Thing("b", of=a.version)
        """
    lab.up(body.format(size=1))
    assert lab.preview(body.format(size=2)).counts == {"update": 1, "same": 2}


def test_a_previewed_replacement_makes_its_outputs_unknown_to_dependants(lab: Lab) -> None:
    lab.up(CHAIN.format(size=1, kind="x"))
    before = lab.state_path.read_bytes()
    summary = lab.preview(CHAIN.format(size=1, kind="y"))
    assert summary.counts == {"replace": 1, "update": 1, "same": 1}
    assert "arn" not in summary.outputs
    assert lab.recorder.texts("info") == []
    assert lab.cloud.operations() == []
    assert lab.state_path.read_bytes() == before


def test_a_preview_shows_deletions(lab: Lab) -> None:
    lab.up(CHAIN.format(size=1, kind="x"))
    summary = lab.preview("")
    assert summary.counts == {"delete": 2, "same": 1}
    assert lab.cloud.operations() == []
    assert len(lab.cloud.things) == 2


def test_a_preview_without_changes_knows_every_output(lab: Lab) -> None:
    deployed = lab.up(CHAIN.format(size=1, kind="x"))
    assert lab.preview().outputs == deployed.outputs


def test_a_preview_reports_inputs_that_the_provider_refuses(lab: Lab) -> None:
    with pytest.raises(DeploymentFailed, match="'a': check failed: size is -1; it must not be negative"):
        lab.preview('Thing("a", size=-1)')


def test_a_function_is_called_in_a_preview_only_when_its_arguments_are_known(lab: Lab) -> None:
    body = """
        a = Thing("a")
        known = pulumi.runtime.invoke_output("fake:index:known", {"x": 1})
        late = pulumi.runtime.invoke_output("fake:index:late", {"x": a.arn})
        pulumi.export("known", known)
        pulumi.export("late", late)
        """
    summary = lab.preview(body)
    assert lab.cloud.operations("invoke") == [("invoke", "fake:index:known")]
    assert summary.outputs == {"known": {"token": "fake:index:known", "x": 1}}
    assert lab.up().outputs["late"] == {"token": "fake:index:late", "x": "arn:id-1"}
