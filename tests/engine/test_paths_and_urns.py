from __future__ import annotations

import pytest

from local_cloud.engine import EngineError
from local_cloud.engine.paths import differs, keep, parse
from local_cloud.engine.urn import describe, make_urn, name_of, type_of
from local_cloud.engine.values import Secret

OLD = {"a": {"b": 1, "c": 2}, "l": [{"x": 1}, {"x": 2}], "s": Secret({"k": 1})}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a[0].b", ("a", 0, "b")),
        ('a["b.c"]', ("a", "b.c")),
        ("a[*].b", ("a", "*", "b")),
        ("*", ("*",)),
    ],
)
def test_a_path_is_read(text: str, path: tuple[object, ...]) -> None:
    assert parse(text) == path


def test_what_is_not_a_path_is_refused() -> None:
    with pytest.raises(EngineError, match=r"'a\[' is not a property path"):
        parse("a[")


@pytest.mark.parametrize(
    ("path", "new", "kept"),
    [
        ("a.b", {"a": {"b": 9, "c": 9}}, {"a": {"b": 1, "c": 9}}),
        ("a.b", {"a": {"c": 9}}, {"a": {"c": 9, "b": 1}}),
        ("a.z", {"a": {"z": 9}}, {"a": {}}),
        ("z", {"z": 9, "y": 1}, {"y": 1}),
        ("l[1].x", {"l": [{"x": 8}, {"x": 9}]}, {"l": [{"x": 8}, {"x": 2}]}),
        ("l[*].x", {"l": [{"x": 8}, {"x": 9}]}, {"l": [{"x": 1}, {"x": 2}]}),
        ("*", {"z": 9}, OLD),
        ("s.k", {"s": Secret({"k": 9})}, {"s": Secret({"k": 1})}),
    ],
)
def test_what_a_path_names_is_kept(path: str, new: object, kept: object) -> None:
    assert keep(parse(path), OLD, new) == kept


@pytest.mark.parametrize(
    ("path", "new", "different"),
    [
        ("a.b", {"a": {"b": 1, "c": 9}}, False),
        ("a.b", {"a": {"b": 9, "c": 2}}, True),
        ("a.b", {}, True),
        ("l[*].x", {"l": [{"x": 1}, {"x": 9}]}, True),
        ("l[*].x", {"l": [{"x": 1, "y": 1}, {"x": 2}]}, False),
        ("*", OLD, False),
        ("s.k", {"s": {"k": 1}}, False),
    ],
)
def test_a_difference_counts_where_the_path_points(path: str, new: object, different: bool) -> None:
    assert differs(parse(path), OLD, new) is different


def test_a_urn_has_the_types_of_its_parents_but_not_the_stacks() -> None:
    stack = make_urn("dev", "shop", "", "pulumi:pulumi:Stack", "shop-dev")
    outer = make_urn("dev", "shop", stack, "shop:x:Outer", "o")
    inner = make_urn("dev", "shop", outer, "aws:sqs/queue:Queue", "q::1")
    assert inner == "urn:pulumi:dev::shop::shop:x:Outer$aws:sqs/queue:Queue::q::1"
    assert (type_of(inner), name_of(inner)) == ("aws:sqs/queue:Queue", "q::1")
    assert describe(inner) == "aws:sqs/queue:Queue 'q::1'"
