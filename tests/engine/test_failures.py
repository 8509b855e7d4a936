from __future__ import annotations

import pytest

from local_cloud.engine import DeploymentFailed, Engine, EngineError, ProviderError, Stack
from tests.engine.fakes import Lab


def test_a_failed_resource_is_reported_once_and_what_exists_is_kept(lab: Lab) -> None:
    lab.up('Thing("old")')
    lab.cloud.faults["create", "bad"] = ProviderError("CreateThing: quota exceeded")
    with pytest.raises(DeploymentFailed) as caught:
        lab.up('a = Thing("a"); Thing("bad", of=a.arn)')
    expected = "fake:index:Thing 'bad': create failed: CreateThing: quota exceeded"
    assert caught.value.errors == (expected,)
    assert lab.recorder.texts("error") == [expected], "once, without the SDK's traceback"
    assert lab.cloud.operations("delete") == [], "a failed deployment deletes nothing"
    assert {one["urn"].rsplit("::", 1)[1] for one in lab.resources()} >= {"old", "a"}
    assert "pending_operations" not in lab.state()["deployment"]
    lab.cloud.faults.clear()
    lab.up()
    assert lab.cloud.operations() == [("create", "bad"), ("delete", "old")]


def test_all_errors_of_parallel_failures_are_raised(lab: Lab) -> None:
    for name in ("x", "y"):
        lab.cloud.faults["check", name] = ProviderError(f"no {name}")
    with pytest.raises(DeploymentFailed) as caught:
        lab.preview('Thing("x"); Thing("y")')
    assert len(caught.value.errors) == 2


def test_a_failed_update_keeps_the_record_of_what_was(lab: Lab) -> None:
    lab.up('Thing("a", size=1)')
    lab.cloud.faults["update", "a"] = ProviderError("UpdateThing: no")
    with pytest.raises(DeploymentFailed, match="UpdateThing: no"):
        lab.up('Thing("a", size=2)')
    assert lab.resource("a")["inputs"]["size"] == 1
    lab.cloud.faults.clear()
    assert lab.up().counts == {"update": 1, "same": 1}


def test_a_failed_deletion_keeps_what_it_needs_and_deletes_the_rest(lab: Lab) -> None:
    lab.up('a = Thing("a"); Thing("b", of=a.arn); Thing("c")')
    lab.cloud.faults["delete", "b"] = ProviderError("DeleteThing: in use")
    with pytest.raises(DeploymentFailed, match="'b': delete failed: DeleteThing: in use"):
        lab.destroy()
    names = {one["urn"].rsplit("::", 1)[1] for one in lab.resources()}
    assert {"a", "b"} <= names
    assert "c" not in names
    lab.cloud.faults.clear()
    lab.destroy()
    assert lab.resources() == []


def test_a_fault_of_the_provider_names_its_place(lab: Lab) -> None:
    lab.cloud.faults["create", "a"] = KeyError("Nope")
    with pytest.raises(
        DeploymentFailed, match=r"'a': create failed: KeyError: 'Nope' \(a fault of the provider, at .*fakes"
    ):
        lab.up('Thing("a")')


def test_a_program_that_raises_loses_no_resource_that_is_being_created(lab: Lab) -> None:
    with pytest.raises(DeploymentFailed, match="ZeroDivisionError"):
        lab.up('Thing("a")\n1 / 0')
    assert lab.cloud.operations() == [("create", "a")]
    assert lab.resource("a")["id"] == "id-1"
    lab.up('Thing("a")')
    assert lab.cloud.operations() == []


def test_a_program_that_dies_at_once_loses_no_resource_that_is_being_created(lab: Lab) -> None:
    marker = lab.root / "creating"
    lab.cloud.during = lambda operation, name: marker.touch() if operation == "create" else None
    with pytest.raises(DeploymentFailed, match="the program ended with exit code 7 before it was done"):
        lab.up(
            """
            import os, pathlib, threading, time
            def die():
                while not pathlib.Path("creating").exists():
                    time.sleep(0.01)
                os._exit(7)
            threading.Thread(target=die).start()
            Thing("a")
            """
        )
    assert lab.cloud.operations() == [("create", "a")]
    assert lab.resource("a")["id"] == "id-1"


def test_a_crash_shows_the_traceback_from_the_program_on(lab: Lab) -> None:
    with pytest.raises(DeploymentFailed) as caught:
        lab.up('def size():\n    return int("many")\nThing("a", size=size())')
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["__main__.py failed:", "Traceback (most recent call last):"]
    assert "__main__.py" in lines[2]
    assert lines[-1] == "ValueError: invalid literal for int() with base 10: 'many'"
    assert "runpy" not in str(caught.value)
    assert "runner.py" not in str(caught.value)


def test_a_crash_in_a_callback_shows_the_callback(lab: Lab) -> None:
    with pytest.raises(DeploymentFailed) as caught:
        lab.up('Thing("a").arn.apply(lambda arn: arn.nope)')
    assert "AttributeError: 'str' object has no attribute 'nope'" in str(caught.value)
    assert "runner.py" not in str(caught.value)


def test_a_syntax_error_shows_its_line(lab: Lab) -> None:
    with pytest.raises(DeploymentFailed, match="SyntaxError") as caught:
        lab.up("x = = 1")
    assert "x = = 1" in str(caught.value)
    assert "runpy" not in str(caught.value)


def test_a_missing_configuration_value_is_one_line(lab: Lab) -> None:
    with pytest.raises(DeploymentFailed) as caught:
        lab.up('pulumi.Config().require("color")')
    assert "test:color" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_program_that_exits_early_fails_and_deletes_nothing(lab: Lab) -> None:
    lab.up('Thing("a")')
    with pytest.raises(DeploymentFailed, match=r"called sys.exit\(0\) before it was done"):
        lab.up("import sys; sys.exit(0)")
    assert lab.cloud.operations() == []


def test_an_error_that_the_program_logs_makes_the_deployment_fail(lab: Lab) -> None:
    lab.up('Thing("a")')
    with pytest.raises(DeploymentFailed, match="not like this"):
        lab.up('pulumi.log.error("not like this")')
    assert lab.cloud.operations() == []


def test_a_failed_deployment_keeps_the_last_outputs_of_the_stack(lab: Lab) -> None:
    lab.up('pulumi.export("x", 1)')
    with pytest.raises(DeploymentFailed):
        lab.up('pulumi.export("x", 2)\n1 / 0')
    assert lab.resources()[0]["outputs"] == {"x": 1}


def test_a_function_that_fails_ends_the_program_with_its_reason(lab: Lab) -> None:
    with pytest.raises(DeploymentFailed, match="fake:index:refuse: refused") as caught:
        lab.up('pulumi.runtime.invoke("fake:index:refuse", {})')
    assert len(caught.value.errors) == 1


def test_a_function_that_fails_is_the_programs_to_handle(lab: Lab) -> None:
    summary = lab.up(
        """
        async def attempt():
            try:
                await pulumi.runtime.invoke_async("fake:index:refuse", {})
            except Exception as error:
                return str(error)
        pulumi.export("error", pulumi.Output.from_input(attempt()))
        """
    )
    assert "fake:index:refuse: refused" in summary.outputs["error"]


def test_python_that_can_not_be_started_is_one_error(lab: Lab) -> None:
    stack = Stack(project="p", name="s", root=lab.root, config={})
    engine = Engine(stack, lab.state_path, lab.cloud, reporter=lab.recorder, python="/nowhere/python")
    with pytest.raises(EngineError, match="/nowhere/python: the program can't be started"):
        engine.up()
