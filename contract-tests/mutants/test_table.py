"""Every row applies to the source as it is today."""

import ast
from collections import Counter
from functools import cache

import pytest
import yaml

from mutants.bench import ROOT
from mutants.mutant import KINDS, Mutant
from mutants.table import ALL


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.title)
def test_a_row_changes_the_source_into_what_can_still_be_read(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    mutated = mutant.apply(source)
    assert mutated != source
    if mutant.file.endswith(".py"):
        assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(source)), "it changes a comment only"
    elif mutant.file.endswith(".yaml"):
        assert document(mutated) != document(source), "it changes the layout only"


@cache
def document(text: str) -> object:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def test_every_kind_is_there_and_no_two_mutants_are_alike() -> None:
    kinds = Counter(mutant.kind for mutant in ALL)
    assert set(kinds) == set(KINDS)
    assert kinds.total() >= 50
    assert [title for title, count in Counter(mutant.title for mutant in ALL).items() if count > 1] == []
    assert [mutant.title for mutant in ALL if "," in mutant.title] == [], (
        "--only takes several, with commas between"
    )
    breakages = Counter((mutant.file, mutant.after, mutant.old, mutant.new) for mutant in ALL)
    assert [each for each, count in breakages.items() if count > 1] == []


@pytest.mark.parametrize("killer", sorted({killer for mutant in ALL for killer in mutant.killers}))
def test_a_named_killer_exists(killer: str) -> None:
    file, _, name = killer.partition("::")
    text = (ROOT / "contract-tests" / file).read_text(encoding="utf-8")
    assert not name or f"\ndef {name}(" in text
