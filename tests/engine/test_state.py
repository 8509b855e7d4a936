from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from local_cloud.engine import EngineError, StateCorrupt, read_outputs, statefile
from local_cloud.engine.resource import Resource
from local_cloud.engine.state import State, in_dependency_order
from local_cloud.engine.urn import make_urn
from tests.engine.fakes import Lab


def thing(name: str, **fields: object) -> Resource:
    urn = make_urn("lab", "test", "", "fake:index:Thing", name)
    values: dict[str, object] = {"type": "fake:index:Thing", "custom": True, "id": f"id-{name}", **fields}
    return Resource(urn=urn, **values)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "state.json"


def opened(path: Path, *, read_only: bool = False) -> State:
    return State(path, path.parent, read_only=read_only)


def journal(path: Path) -> Path:
    return statefile.journal_path(path)


def test_each_change_is_one_line_of_the_journal_and_the_file_is_written_at_the_end(path: Path) -> None:
    state = opened(path)
    state.put(thing("a"))
    state.begin("creating", thing("b"))
    state.put(thing("b"))
    assert len(journal(path).read_text().splitlines()) == 3
    assert not path.exists()
    state.close()
    assert not journal(path).exists()
    assert {resource.name for resource in opened(path).all()} == {"a", "b"}


def test_what_is_unchanged_writes_nothing(path: Path) -> None:
    state = opened(path)
    state.put(thing("a"))
    state.close()
    state = opened(path)
    state.put(state.all()[0])
    assert not journal(path).exists()


def test_a_journal_left_behind_is_folded_in_by_the_next_to_open(path: Path) -> None:
    state = opened(path)
    state.put(thing("a"), thing("b"))
    state.begin("deleting", thing("a"))
    state.drop(thing("a"))
    state.begin("creating", thing("c"))

    looked = opened(path, read_only=True)
    assert [resource.name for resource in looked.all()] == ["b"]
    assert journal(path).exists(), "who only reads changes nothing"

    after = opened(path)
    assert [resource.name for resource in after.all()] == ["b"]
    assert after.interrupted == (("creating", thing("c").urn),)
    assert not journal(path).exists()
    operations = json.loads(path.read_text())["deployment"]["pending_operations"]
    assert [(one["type"], one["resource"]["urn"]) for one in operations] == [("creating", thing("c").urn)]
    after.forget_interrupted()
    after.close()
    assert opened(path).interrupted == ()


def test_a_line_that_was_never_finished_is_ignored(path: Path) -> None:
    state = opened(path)
    state.put(thing("a"))
    with journal(path).open("a") as file:
        file.write('{"drop":["urn:pulumi:lab::test::fake:ind')
    assert [resource.name for resource in opened(path).all()] == ["a"]


def test_replaying_a_journal_twice_gives_the_same_state(path: Path) -> None:
    state = opened(path)
    state.put(thing("a"), thing("b"))
    state.close()
    state = opened(path)
    state.put(thing("a", id="new"), replace(thing("a"), delete=True))
    state.drop(replace(thing("a"), delete=True))
    state.drop(thing("b"))
    lines = journal(path).read_bytes()
    state.close()
    journal(path).write_bytes(lines)  # as if the engine died between writing the state and removing the journal
    assert [(resource.id, resource.delete) for resource in opened(path).all()] == [("new", False)]


def test_a_replaced_resource_and_its_successor_are_kept_apart(path: Path) -> None:
    state = opened(path)
    state.put(thing("a", id="new"), replace(thing("a", id="old"), delete=True))
    state.close()
    state = opened(path)
    live = state.live(thing("a").urn)
    assert live is not None
    assert live.id == "new"
    assert {resource.id for resource in state.all()} == {"new", "old"}


@pytest.mark.parametrize("text", ["{", '{"version": 2, "deployment": {}}', '{"deployment": {}}', "[]"])
def test_a_state_that_can_not_be_read_is_named_and_left_alone(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(StateCorrupt, match=str(path)):
        opened(path)
    assert path.read_text() == text


def test_a_damaged_line_within_the_journal_is_named(path: Path) -> None:
    path.parent.mkdir()
    journal(path).write_text('{"put":[]}\nnonsense\n{"put":[]}\n')
    with pytest.raises(StateCorrupt, match=r"state\.json\.journal, line 2"):
        opened(path)


def test_resources_are_written_after_what_they_need(path: Path) -> None:
    a, b = thing("a"), thing("b", dependencies=(thing("a").urn,))
    c = thing("c", property_dependencies={"of": (b.urn,)}, parent=a.urn)
    assert [one.name for one in in_dependency_order([c, b, a])] == ["a", "b", "c"]


def test_references_to_what_is_gone_are_dropped(path: Path) -> None:
    b = thing("b", dependencies=("urn:x", "urn:y"), property_dependencies={"of": ("urn:x",)}, deleted_with="urn:x")
    (written,) = in_dependency_order([b])
    assert written.needs() == frozenset()


def test_outputs_are_read_from_a_state_that_is_being_written(path: Path) -> None:
    assert read_outputs(path) == {}
    state = opened(path)
    urn = make_urn("lab", "test", "", "pulumi:pulumi:Stack", "test-lab")
    state.put(Resource(urn=urn, type="pulumi:pulumi:Stack", custom=False, outputs={"x": [1]}))
    assert read_outputs(path) == {"x": [1]}


def test_the_state_has_the_form_that_the_pulumi_cli_reads(lab: Lab) -> None:
    lab.up(
        """
        a = Thing("a", opts=pulumi.ResourceOptions(version="1.2.3"))
        Thing("b", of=a.arn, opts=pulumi.ResourceOptions(version="1.2.3", protect=True))
        """
    )
    document = lab.state()
    assert document["version"] == 3
    manifest = document["deployment"]["manifest"]
    assert manifest.keys() == {"time", "magic", "version"}
    known = set()
    for resource in lab.resources():
        assert {"urn", "custom", "type"} <= resource.keys()
        if resource["custom"] and not resource["type"].startswith("pulumi:providers"):
            assert resource["provider"].rsplit("::", 1)[0] in known, "a provider comes before what it serves"
        assert set(resource.get("dependencies", ())) <= known
        assert resource.get("parent", next(iter(known), None)) in {*known, None}
        known.add(resource["urn"])
    a, b = lab.resource("a"), lab.resource("b")
    assert b["dependencies"] == [a["urn"]]
    assert b["propertyDependencies"] == {"of": [a["urn"]]}
    assert b["protect"] is True
    assert {"id", "inputs", "outputs", "created", "modified"} <= b.keys()


def test_fields_that_only_the_pulumi_cli_knows_survive(path: Path) -> None:
    document = {**thing("a").to_json(), "sourcePosition": "project:///__main__.py#1"}
    assert Resource.from_json(document, path.parent).to_json() == document


def test_a_state_of_the_cli_with_encrypted_secrets_says_how_to_export_it(lab: Lab) -> None:
    lab.up('Thing("a", password=pulumi.Output.secret("hunter22"))')
    text = lab.state_path.read_text().replace('"plaintext"', '"ciphertext"')
    lab.state_path.write_text(text)
    with pytest.raises(EngineError, match="pulumi stack export --show-secrets"):
        lab.destroy()
