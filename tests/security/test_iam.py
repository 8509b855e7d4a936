"""The evaluator that the other tests trust."""

from typing import Any

import pytest

from tests.security.iam import Call, NotUnderstood, allowed, granting, matches, pairs, without

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/leads"
READ = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": TABLE}
WRITE = {
    "Effect": "Allow",
    "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"],
    "Resource": [TABLE, f"{TABLE}2"],
}


def call(action: str = "dynamodb:GetItem", resource: str = TABLE, **more: Any) -> Call:
    return Call(action=action, resource=resource, **more)


@pytest.mark.parametrize(
    ("statements", "asked", "answer"),
    [
        ([], call(), False),
        ([READ], call(), True),
        ([READ], call("dynamodb:getitem"), True),
        ([READ], call("dynamodb:GetItems"), False),
        ([READ], call(resource=f"{TABLE}/index/failed"), False),
        ([READ], call(resource=TABLE.upper()), False),
        ([READ | {"Action": "dynamodb:Get*"}], call(), True),
        ([READ | {"Action": "dynamodb:?etItem"}], call(), True),
        ([READ | {"Resource": "*"}], call(resource="anything"), True),
        ([READ | {"Resource": f"{TABLE}/*"}], call(), False),
        ([READ, READ | {"Effect": "Deny"}], call(), False),
        ([READ | {"Effect": "Deny"}, READ], call(), False),
        ([READ, WRITE | {"Effect": "Deny"}], call(), True),
    ],
)
def test_a_call_is_allowed_by_a_statement_and_by_no_denial(statements: list, asked: Call, answer: bool) -> None:
    assert allowed(statements, asked) is answer


@pytest.mark.parametrize(
    ("operator", "expected", "value", "answer"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", ["b", "a"], "a", True),
        ("StringEquals", "a", None, False),
        ("StringLike", "a*", "ab", True),
        ("Bool", "true", "True", True),
        ("ArnLike", "arn:aws:events:*:1:rule/bus/*", "arn:aws:events:eu-west-1:1:rule/bus/lead", True),
        ("ArnLike", "arn:aws:events:*:1:rule/bus/*", "arn:aws:events:eu-west-1:2:rule/bus/lead", False),
        ("ArnLike", "arn:aws:events:*:rule/bus/lead", "arn:aws:events:eu-west-1:1:rule/bus/lead", False),
        ("ArnEquals", "arn:aws:states:r:1:stateMachine:m", "arn:aws:states:r:1:stateMachine:m2", False),
        ("ArnEquals", "arn:aws:states:r:1:stateMachine:m", None, False),
    ],
)
def test_a_condition_holds_or_the_statement_says_nothing(
    operator: str, expected: Any, value: str | None, answer: bool
) -> None:
    statement = READ | {"Condition": {operator: {"aws:SourceArn": expected}}}
    context = {} if value is None else {"aws:sourcearn": value}
    assert allowed([statement], call(context=context)) is answer


def test_all_conditions_must_hold() -> None:
    both = {"StringEquals": {"aws:SourceAccount": "1"}, "ArnLike": {"aws:SourceArn": "arn:aws:x:r:1:*"}}
    context = {"aws:sourceaccount": "1", "aws:sourcearn": "arn:aws:x:r:1:y"}
    assert allowed([READ | {"Condition": both}], call(context=context))
    assert not allowed([READ | {"Condition": both}], call(context=context | {"aws:sourceaccount": "2"}))


def test_a_principal_must_be_the_calling_service() -> None:
    statement = READ | {"Principal": {"Service": "events.amazonaws.com"}}
    assert allowed([statement], call(service="events.amazonaws.com"))
    assert not allowed([statement], call(service="states.amazonaws.com"))
    assert not allowed([statement], call())


@pytest.mark.parametrize(
    "strange",
    [
        {"NotAction": "dynamodb:GetItem"},
        {"NotResource": TABLE},
        {"Effect": "Perhaps"},
        {"Condition": {"StringEqualsIfExists": {"aws:SourceArn": "x"}}},
        {"Principal": {"Federated": "accounts.example"}},
    ],
)
def test_what_it_does_not_understand_it_refuses(strange: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        allowed([READ | strange], call())


def test_it_says_which_statements_grant() -> None:
    assert granting([WRITE, READ, READ], call()) == [1, 2]


def test_a_wildcard_is_no_regular_expression() -> None:
    assert matches("a.c*", "a.cd")
    assert not matches("a.c", "abc")


def test_taking_one_thing_away_leaves_the_rest() -> None:
    rest = without([READ, WRITE], 1, "dynamodb:PutItem", TABLE)
    assert sorted(
        set(pairs([READ, WRITE])) - {(1, "dynamodb:PutItem", TABLE)}, key=lambda each: each[1:]
    ) == sorted(
        ((0 if action == "dynamodb:GetItem" else 1, action, resource) for _, action, resource in pairs(rest)),
        key=lambda each: each[1:],
    )
    assert without([READ], 0, "dynamodb:GetItem") == []
    assert not allowed(without([WRITE], 0, "dynamodb:PutItem"), call("dynamodb:PutItem", f"{TABLE}2"))
