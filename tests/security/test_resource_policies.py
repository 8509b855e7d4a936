"""Who may call what belongs to the stack: functions' permissions, the dead-letter queue."""

from collections.abc import Iterator

import pytest

from components import openapi
from tests.components.graph import FUNCTION, PERMISSION, ROLE_POLICY, ROOT, RULE, TARGET, Graph, Resource
from tests.security import exceptions
from tests.security.iam import Call, Statement, allowed, granting, pairs

GATEWAY, EVENTS = "apigateway.amazonaws.com", "events.amazonaws.com"
STRANGERS = ("999999999999", "111122223333")


def permission(resource: Resource, function_arn: str) -> Statement:
    """As AddPermission writes it into the function's policy."""
    source = {"ArnLike": {"aws:SourceArn": resource.inputs["sourceArn"]}} if "sourceArn" in resource.inputs else {}
    principal = resource.inputs["principal"]
    return {
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"Service": principal},
        "Action": resource.inputs["action"],
        "Resource": function_arn,
        **({"Condition": source} if source else {}),
    }


def policies(graph: Graph) -> dict[str, list[Statement]]:
    """Function's ARN -> who may call it, beyond the public page."""
    found: dict[str, list[Statement]] = {each.outputs["arn"]: [] for each in graph.of(FUNCTION)}
    arns = {each.inputs["name"]: each.outputs["arn"] for each in graph.of(FUNCTION)}
    for each in graph.of(PERMISSION):
        if each.inputs["principal"] != "*":
            arn = arns[each.inputs["function"]]
            found[arn].append(permission(each, arn))
    return found


def gateway_calls(graph: Graph) -> Iterator[Call]:
    """API Gateway names the method that it calls for: a request, with what stands in place of parameters."""
    api = graph.one("aws:apigateway/restApi:RestApi")
    stage = graph.one("aws:apigateway/stage:Stage").inputs["stageName"]
    for method, path in openapi.operations(openapi.load(ROOT / "openapi.yaml")).values():
        uri = api.document("body")["paths"][path][method.lower()]["x-amazon-apigateway-integration"]["uri"]
        source = f"{api.outputs['executionArn']}/{stage}/{method}{path.replace('{', '').replace('}', '')}"
        function = uri.partition("/functions/")[2].removesuffix("/invocations")
        yield Call(
            action="lambda:InvokeFunction", resource=function, service=GATEWAY, context={"aws:sourcearn": source}
        )


def rule_of(target: Resource, graph: Graph) -> str:
    (rule,) = [each for each in graph.of(RULE) if each.outputs["name"] == target.inputs["rule"]]
    return str(rule.outputs["arn"])


def rule_calls(graph: Graph) -> Iterator[Call]:
    for target in graph.of(TARGET):
        if ":function:" in target.inputs["arn"]:
            context = {"aws:sourcearn": rule_of(target, graph)}
            yield Call(
                action="lambda:InvokeFunction", resource=target.inputs["arn"], service=EVENTS, context=context
            )


def calls(graph: Graph) -> list[Call]:
    return [*gateway_calls(graph), *rule_calls(graph)]


def elsewhere(call: Call, source: str) -> Call:
    return Call(
        action=call.action, resource=call.resource, service=call.service, context={"aws:sourcearn": source}
    )


def test_every_call_of_a_function_is_permitted_by_one_statement(graph: Graph) -> None:
    found = policies(graph)
    for call in calls(graph):
        assert len(granting(found[call.resource], call)) == 1, call


def test_no_permission_is_left_over(graph: Graph) -> None:
    used = {(call.resource, at) for call in calls(graph) for at in granting(policies(graph)[call.resource], call)}
    assert used == {(arn, at) for arn, found in policies(graph).items() for at in range(len(found))}


def test_a_method_may_call_its_own_function_and_no_other(graph: Graph) -> None:
    found = policies(graph)
    for call in gateway_calls(graph):
        for other in set(found) - {call.resource}:
            wrong = Call(action=call.action, resource=other, service=call.service, context=call.context)
            assert not allowed(found[other], wrong), (call, other)


@pytest.mark.parametrize("account", STRANGERS)
def test_nobody_elses_api_or_rule_may_call_a_function(graph: Graph, account: str) -> None:
    found = policies(graph)
    for call in calls(graph):
        source = call.context["aws:sourcearn"]
        for wrong in (source.replace("123456789012", account), source.replace("api1", "api2") + "x"):
            assert not allowed(found[call.resource], elsewhere(call, wrong)), wrong
        assert not allowed(
            found[call.resource], Call(action=call.action, resource=call.resource, service=call.service)
        )


def test_what_is_public_has_a_reason_and_every_reason_a_use(graph: Graph) -> None:
    public = {
        each.name.removeprefix(f"{graph.prefix}-")
        for each in graph.of(PERMISSION)
        if "sourceArn" not in each.inputs
    }
    assert public == set(exceptions.PUBLIC)


def test_the_dead_letter_queue_takes_events_of_this_bus_alone(graph: Graph) -> None:
    statements = graph.one("aws:sqs/queuePolicy:QueuePolicy").document("policy")["Statement"]
    (queue,) = {each.outputs["arn"] for each in graph.of("aws:sqs/queue:Queue")}

    def sending(source: str | None, service: str = EVENTS) -> Call:
        context = {} if source is None else {"aws:sourcearn": source}
        return Call(action="sqs:SendMessage", resource=queue, service=service, context=context)

    sources = {
        rule_of(target, graph)
        for target in graph.of(TARGET)
        if queue in (target.inputs["arn"], target.inputs.get("deadLetterConfig", {}).get("arn"))
    }
    assert len(sources) > 1
    for source in sources:
        assert allowed(statements, sending(source)), source
        assert not allowed(statements, sending(source.replace("123456789012", STRANGERS[0])))
        assert not allowed(statements, sending(source.replace("/leadbridge-", "/another-")))
        assert not allowed(statements, sending(source, "sns.amazonaws.com"))
    assert not allowed(statements, sending(None))


def resource_policies(graph: Graph) -> dict[str, list[Statement]]:
    """Name -> what a queue, a topic or a key says itself."""
    return {
        each.name: each.document("policy")["Statement"]
        for each in graph.resources
        if "policy" in each.inputs and each.type != ROLE_POLICY
    }


def test_what_a_resource_says_itself_is_narrow_or_has_a_reason(graph: Graph) -> None:
    wide = set()
    for name, statements in resource_policies(graph).items():
        for _, action, resource in pairs(statements):
            if "*" in action or "*" in resource:
                assert (action, resource) in exceptions.IN_RESOURCE_POLICIES, f"{name}: {action} on {resource}"
                wide.add((action, resource))
        for statement in statements:
            assert "Condition" in statement or "AWS" in statement["Principal"], f"{name}: any source may call"
    assert wide == set(exceptions.IN_RESOURCE_POLICIES), "a reason is left over"


def test_alarms_of_this_account_alone_publish_alerts_and_use_their_key(graph: Graph) -> None:
    (topic,) = graph.of("aws:sns/topic:Topic")
    key = graph.one("aws:kms/key:Key", "alerts-key")
    assert topic.inputs["kmsMasterKeyId"] == key.outputs["arn"]
    policies = resource_policies(graph)
    publishing = (graph.one("aws:sns/topicPolicy:TopicPolicy").name, "sns:Publish", topic.outputs["arn"])
    for name, action, resource in (
        publishing,
        (key.name, "kms:GenerateDataKey", key.outputs["arn"]),
        (key.name, "kms:Decrypt", key.outputs["arn"]),
    ):

        def asked(service: str, account: str, action: str = action, resource: str = resource) -> Call:
            return Call(action=action, resource=resource, service=service, context={"aws:sourceaccount": account})

        assert allowed(policies[name], asked("cloudwatch.amazonaws.com", "123456789012"))
        assert not allowed(policies[name], asked("cloudwatch.amazonaws.com", STRANGERS[0]))
        assert not allowed(policies[name], asked("events.amazonaws.com", "123456789012"))
