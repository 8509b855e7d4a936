"""A stack's name that makes a name which AWS would refuse ends the preview."""

import pytest

from components.naming import RULES
from tests.components.graph import ProgramFailed, record


@pytest.mark.parametrize(
    ("stack", "kind"),
    [
        ("dev.1", "Queue"),
        ("dev_1", "ParameterGroup"),
        ("dev--1", "ParameterGroup"),
        ("dev-", "ParameterGroup"),
        ("ñandú", "EventBus"),
        ("a" * 40, "EventArchive"),
    ],
)
def test_stack_name_that_a_service_refuses_ends_the_preview(stack: str, kind: str) -> None:
    with pytest.raises(ProgramFailed, match=rf"the stack's name '{stack}' makes the {kind} .*https://"):
        record(stack, configured_as="dev")


@pytest.mark.parametrize("stack", ["Prod-2", "x", "a" * 14])
def test_stack_name_of_letters_digits_and_hyphens_is_taken(stack: str) -> None:
    named = [each for each in record(stack, configured_as="dev").resources if each.type in RULES]
    assert {each.type for each in named} == set(RULES), "a rule for what the program doesn't make"
