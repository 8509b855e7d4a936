"""Every right of every function is needed, and no call is made that is not among them: shown on a running stack.

The emulator asks a role's policies at each call, so a right is taken away by a change of the policy alone.
"""

from collections.abc import Iterator

import pytest

from tests.security.exercises import EXERCISES, FORBIDDEN_BESIDES, Exercise
from tests.security.functions import OF_LAMBDA, Function, audit_log
from tests.security.iam import Call, Statement, granting, pairs, without
from tests.stack import Stack

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module", autouse=True)
def recorded(stack: Stack) -> Iterator[None]:
    with audit_log(stack):
        yield


@pytest.fixture(params=EXERCISES)
def function(request: pytest.FixtureRequest, stack: Stack) -> Function:
    return Function(stack, request.param)


def own(function: Function) -> set[tuple[int, str, str]]:
    return {each for each in pairs(function.statements) if not each[1].startswith(OF_LAMBDA)}


def base(function: Function, exercise: Exercise) -> list[Statement]:
    """The function's rights, less what the exercise needs to be refused."""
    besides = FORBIDDEN_BESIDES.get(exercise)
    found = [(at, action) for at, action, _ in own(function) if action == besides]
    return without(function.statements, *found[0]) if found else list(function.statements)


def test_the_exercises_are_those_of_the_stacks_functions(stack: Stack) -> None:
    listed = stack.client("lambda").get_paginator("list_functions").paginate()
    names = {
        each["FunctionName"].removeprefix("leadbridge-local-") for page in listed for each in page["Functions"]
    }
    assert names == set(EXERCISES)
    for name in names:
        assert {action for _, action, _ in own(Function(stack, name))} == set(EXERCISES[name]), name


def test_a_function_needs_each_of_its_rights_and_calls_nothing_else(stack: Stack, function: Function) -> None:
    for exercise in set(EXERCISES[function.name].values()):
        rights = base(function, exercise)
        for at, action, _ in sorted(pairs(rights)):
            if EXERCISES[function.name].get(action) is exercise:
                with function.limited_to(without(rights, at, action)):
                    assert not exercise(stack, function), f"{function.name} does not need {action}: {rights[at]}"
        with function.limited_to(rights):
            assert exercise(stack, function), f"{exercise.__name__} fails with all rights"
    calls = function.calls()
    assert calls == {(action, resource) for _, action, resource in own(function)}
    for action, resource in calls:
        assert len(granting(function.statements, Call(action=action, resource=resource))) == 1, (action, resource)
