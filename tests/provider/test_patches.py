"""Patch operations; nothing here needs a cloud."""

from __future__ import annotations

from local_cloud.provider.patches import changes


def test_equal_values_need_no_patch() -> None:
    assert changes("/description", "one", "one") == []
    assert changes("/variables", {"a": "1"}, {"a": "1"}) == []


def test_a_value_is_replaced_and_one_that_is_gone_removed() -> None:
    assert changes("/description", None, "two") == [{"op": "replace", "path": "/description", "value": "two"}]
    assert changes("/description", "one", None) == [{"op": "remove", "path": "/description"}]


def test_values_go_as_text_and_false_as_the_empty_one() -> None:
    assert [changes("/x", None, value)[0]["value"] for value in (True, False, 10.0, 0.5)] == [
        "true",
        "",
        "10",
        "0.5",
    ]


def test_members_of_a_mapping_are_patched_one_by_one() -> None:
    assert changes("/variables", {"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "x/y~z": "5"}) == [
        {"op": "remove", "path": "/variables/a"},
        {"op": "replace", "path": "/variables/c", "value": "4"},
        {"op": "replace", "path": "/variables/x~1y~0z", "value": "5"},
    ]
