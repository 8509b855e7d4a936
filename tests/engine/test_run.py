from __future__ import annotations

import threading
from pathlib import Path

import pytest

from local_cloud.engine import Engine, EngineError, ProviderError, Stack
from local_cloud.engine.resource import Resource
from local_cloud.engine.run import Run, Stopping
from local_cloud.engine.state import State
from tests.engine.fakes import FakeCloud, Recorder

THING = Resource(urn="urn:pulumi:lab::test::fake:index:Thing::a", type="fake:index:Thing", custom=True)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    stack = Stack(
        project="test", name="lab", root=tmp_path, config={"k": "hunter22"}, secret_keys=frozenset({"k"})
    )
    return Run(
        stack,
        State(tmp_path / "state.json", tmp_path),
        FakeCloud(),
        Recorder(),
        parallel=1,
        preview=False,
        stopping=threading.Event(),
    )


def journal(run: Run) -> Path:
    return run.stack.root / "state.json.journal"


def test_nothing_begins_once_the_deployment_is_being_stopped(run: Run) -> None:
    run._stopping.set()
    for attempt in (
        lambda: run.operate("creating", THING, lambda: pytest.fail("began")),
        lambda: run.call("check", THING.urn, lambda: pytest.fail("began")),
        lambda: run.call_unexplained(lambda: pytest.fail("began")),
    ):
        with pytest.raises(Stopping):
            attempt()
    assert not journal(run).exists(), "what did not begin is not pending"


def test_what_waits_for_its_turn_does_not_begin_when_the_stop_comes_meanwhile(run: Run) -> None:
    holding, release = threading.Event(), threading.Event()
    ended: list[str] = []

    def hold() -> None:
        holding.set()
        release.wait(10)

    def wait_in_line() -> None:
        try:
            run.operate("creating", THING, lambda: ended.append("began"))
        except Stopping:
            ended.append("stopped")

    holder = threading.Thread(target=lambda: run.call("check", THING.urn, hold))
    waiter = threading.Thread(target=wait_in_line)
    holder.start()
    holding.wait(10)
    waiter.start()
    run._stopping.set()
    release.set()
    holder.join(10)
    waiter.join(10)
    assert ended == ["stopped"]


def test_an_operation_is_pending_while_it_lasts_and_not_when_it_failed(run: Run) -> None:
    def refuse() -> None:
        assert "creating" in journal(run).read_text()
        raise ProviderError("no")

    with pytest.raises(EngineError, match="fake:index:Thing 'a': create failed: no"):
        run.operate("creating", THING, refuse)
    assert State(run.stack.root / "state.json", run.stack.root, read_only=True).interrupted == ()


def test_secrets_are_masked_the_longest_first_and_short_ones_are_left(run: Run) -> None:
    run.learn_secrets(["hunter22-and-more", "abc"])
    assert run.masked("hunter22-and-more hunter22 abc") == "[secret] [secret] abc"


def test_an_engine_without_room_for_one_operation_is_refused(tmp_path: Path) -> None:
    stack = Stack(project="test", name="lab", root=tmp_path, config={})
    with pytest.raises(ValueError, match="parallel is 0; it must be at least 1"):
        Engine(stack, tmp_path / "s.json", FakeCloud(), reporter=Recorder(), parallel=0)
