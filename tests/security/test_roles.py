"""Each role of each stack does what AWS documents for the service that takes it, and nothing else.

Both ways: every documented call is allowed, and whatever is taken away, one of them is refused.
"""

from collections.abc import Iterator

from tests.components.graph import Graph, Resource
from tests.security import exceptions
from tests.security.iam import Call, allowed, applies, granting, pairs, without
from tests.security.roles import Role, documented_calls, forbidden_calls, roles


def found_roles(graph: Graph) -> list[Role]:
    found = list(roles(graph))
    assert found
    return found


def by_services(role: Role) -> list[Call]:
    return [*role.delegated, *(call for user in role.users for call in documented_calls(user))]


def taking(user: Resource, role: Role, **context: str) -> Call:
    return Call(action="sts:AssumeRole", service=role.service, context=context)


def source_of(user: Resource, graph: Graph) -> str:
    """What AWS tells as the source when the service takes the role."""
    if "rule" in user.inputs:
        (rule,) = [
            each
            for each in graph.of("aws:cloudwatch/eventRule:EventRule")
            if each.outputs["name"] == user.inputs["rule"]
        ]
        return str(rule.outputs["arn"])
    return str(user.outputs["arn"])


def test_every_role_is_taken_by_one_service_that_we_know(graph: Graph) -> None:
    for role in found_roles(graph):
        assert role.users, f"nothing takes {role.name}: say in roles.py who does, or remove it"
        assert role.service


def test_a_service_may_make_every_call_that_is_documented_for_it(graph: Graph) -> None:
    for role in found_roles(graph):
        refused = [call for call in by_services(role) if not role.managed and not allowed(role.statements, call)]
        assert not refused, role.name


def test_every_call_of_a_service_is_granted_by_one_statement(graph: Graph) -> None:
    for role in found_roles(graph):
        for call in by_services(role):
            assert role.managed or len(granting(role.statements, call)) == 1, (role.name, call)


def needless(role: Role, ours: set[str]) -> Iterator[tuple[str, str]]:
    """What could be taken away, although none of `ours` needs it."""
    for at, action, resource in pairs(role.statements):
        if action in ours or role.statements[at]["Effect"] != "Allow":
            continue
        rest = without(role.statements, at, action, resource)
        if all(allowed(rest, call) for call in by_services(role)):
            yield action, resource


def test_whatever_is_taken_from_a_role_a_documented_call_is_refused(graph: Graph) -> None:
    for role in found_roles(graph):
        if role.service == "lambda.amazonaws.com":
            continue  # functions call for themselves, too: the next test
        assert list(needless(role, set())) == [], role.name


def test_a_functions_rights_are_its_services_or_its_codes(graph: Graph) -> None:
    services = {"logs", "ec2", "xray", "kms"}
    for role in found_roles(graph):
        if role.service == "lambda.amazonaws.com":
            actions = {action for _, action, _ in pairs(role.statements)}
            own = {each for each in actions if each.partition(":")[0] not in services or each == "kms:GenerateMac"}
            assert list(needless(role, own)) == [], role.name


def test_no_function_may_use_in_its_code_what_lambda_needs_for_the_network(graph: Graph) -> None:
    tried = 0
    for role in found_roles(graph):
        for user in role.users:
            for call in forbidden_calls(user):
                tried += 1
                assert not allowed(role.statements, call), (role.name, call)
        for at, statement in enumerate(role.statements):
            if statement["Effect"] == "Deny":
                rest = role.statements[:at] + role.statements[at + 1 :]
                calls = [call for user in role.users for call in forbidden_calls(user)]
                assert all(allowed(rest, call) for call in calls), "the denial is what refuses"
                assert not [call for call in by_services(role) if applies(statement, call)]
    assert tried


def test_a_role_is_taken_by_its_service_for_its_resource_alone(graph: Graph) -> None:
    stranger = "arn:aws:states:us-east-1:999999999999:stateMachine:other"
    without_source = set()
    for role in found_roles(graph):
        for user in role.users:
            if role.service in exceptions.ANY_SOURCE:
                without_source.add(role.service)
                assert allowed(role.trust, taking(user, role))
            else:
                source = source_of(user, graph)
                assert allowed(role.trust, taking(user, role, **{"aws:sourcearn": source})), role.name
                for other in (stranger, f"{source}2", source.replace("123456789012", "999999999999")):
                    assert not allowed(role.trust, taking(user, role, **{"aws:sourcearn": other})), role.name
                assert not allowed(role.trust, taking(user, role)), "a call that names no source"
        for service in (
            "ec2.amazonaws.com",
            "states.amazonaws.com",
            "events.amazonaws.com",
            "lambda.amazonaws.com",
        ):
            if service != role.service:
                call = Call(action="sts:AssumeRole", service=service, context={"aws:sourcearn": stranger})
                assert not allowed(role.trust, call), role.name
    assert without_source <= set(exceptions.ANY_SOURCE)


def test_no_action_and_no_resource_is_left_open_without_a_reason(graph: Graph) -> None:
    for role in found_roles(graph):
        for _, action, resource in pairs(role.statements):
            assert "*" not in action, f"{role.name}: {action}"
            if resource == "*":
                assert action in exceptions.ANY_RESOURCE, f"{role.name}: {action} on any resource"
            elif "*" in resource:
                end = resource[resource.index("*") - 1 :]
                assert (action, end) in exceptions.PART_OF_A_RESOURCE, f"{role.name}: {action} on {resource}"
        assert set(role.managed) <= set(exceptions.MANAGED), role.name


def test_no_reason_is_left_over(dev: Graph, prod: Graph) -> None:
    everything = [role for graph in (dev, prod) for role in found_roles(graph)]
    said = {(action, resource) for role in everything for _, action, resource in pairs(role.statements)}
    assert set(exceptions.ANY_RESOURCE) == {action for action, resource in said if resource == "*"}
    ends = {(action, resource[resource.index("*") - 1 :]) for action, resource in said if "*" in resource[1:]}
    assert set(exceptions.PART_OF_A_RESOURCE) == ends
    assert set(exceptions.MANAGED) == {policy for role in everything for policy in role.managed}
    assert set(exceptions.ANY_SOURCE) == {role.service for role in everything if "Condition" not in role.trust[0]}
