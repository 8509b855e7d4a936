"""The roles of a stack, whatever stacks will hold: who takes each, with which rights, and the calls made with it.

Functions' own calls are shown on a running stack (test_function_rights.py). Here stand the calls that an AWS
service makes with a role, as AWS documents them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.components.graph import FUNCTION, ROLE, ROLE_POLICY, STATE_MACHINE, TARGET, Graph, Resource
from tests.security.iam import Call, Statement, pairs

ACCOUNT = "aws:apigateway/account:Account"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"

# type -> the input that names the role, and the service that takes it
TAKEN_BY = {
    FUNCTION: ("role", "lambda.amazonaws.com"),
    STATE_MACHINE: ("roleArn", "states.amazonaws.com"),
    TARGET: ("roleArn", "events.amazonaws.com"),
    ACCOUNT: ("cloudwatchRoleArn", "apigateway.amazonaws.com"),
}

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
FUNCTION_NETWORK = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
# https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
FLOW_TRACES = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
)


@dataclass(frozen=True, kw_only=True)
class Role:
    name: str
    trust: list[Statement]
    statements: list[Statement]
    managed: list[str]
    users: list[Resource]
    delegated: list[Call]

    @property
    def service(self) -> str:
        (service,) = {TAKEN_BY[user.type][1] for user in self.users}
        return service


def roles(graph: Graph) -> Iterator[Role]:
    for role in graph.of(ROLE):
        own = [each for each in graph.of(ROLE_POLICY) if each.inputs["role"] in _names(role)]
        managed = [
            each.inputs["policyArn"] for each in graph.of(ATTACHMENT) if each.inputs["role"] in _names(role)
        ]
        statements = [statement for policy in own for statement in policy.document("policy")["Statement"]]
        yield Role(
            name=role.name.removeprefix(f"{graph.prefix}-").removesuffix("-role"),
            trust=role.document("assumeRolePolicy")["Statement"],
            statements=statements,
            delegated=list(delegated_calls(statements, graph)),
            managed=[*managed, *role.inputs.get("managedPolicyArns", ())],
            users=[
                each
                for type_, (field, _) in TAKEN_BY.items()
                for each in graph.of(type_)
                if each.inputs.get(field) == role.outputs["arn"]
            ],
        )


def _names(role: Resource) -> set[str]:
    return {f"{role.name}-id", role.outputs["name"], role.outputs["arn"]}


def delegated_calls(statements: list[Statement], graph: Graph) -> Iterator[Call]:
    """What SNS calls with the rights of who publishes: the topic's key.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    keys = {each.outputs["arn"]: each.inputs.get("kmsMasterKeyId") for each in graph.of("aws:sns/topic:Topic")}
    for _, action, resource in pairs(statements):
        if action == "sns:Publish" and keys[resource]:
            yield from (
                Call(action=f"kms:{name}", resource=keys[resource]) for name in ("GenerateDataKey", "Decrypt")
            )


def documented_calls(user: Resource) -> Iterator[Call]:
    """What the service calls for this resource, with its role."""
    if user.type == FUNCTION:
        stream = f"{user.inputs['loggingConfig']['logGroup']}:log-stream:2026/11/28/[$LATEST]0123456789abcdef"
        prefix = ":".join([*user.outputs["arn"].split(":")[:2], "logs", *user.outputs["arn"].split(":")[3:5]])
        context = {"lambda:sourcefunctionarn": user.outputs["arn"]}
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            yield Call(action=action, resource=f"{prefix}:log-group:{stream}", context=context)
        if user.inputs.get("vpcConfig"):
            yield from (Call(action=action) for action in FUNCTION_NETWORK)
        if user.inputs.get("tracingConfig", {}).get("mode") == "Active":
            yield from (Call(action=f"xray:{name}") for name in ("PutTraceSegments", "PutTelemetryRecords"))
    elif user.type == STATE_MACHINE:
        for function in invoked(user.document("definition")):
            yield Call(action="lambda:InvokeFunction", resource=function)
        if user.inputs.get("loggingConfiguration", {}).get("level", "OFF") != "OFF":
            yield from (Call(action=action) for action in LOG_DELIVERY)
        if user.inputs.get("tracingConfiguration", {}).get("enabled"):
            yield from (Call(action=action) for action in FLOW_TRACES)
    elif user.type == TARGET:
        if ":stateMachine:" in user.inputs["arn"]:
            yield Call(action="states:StartExecution", resource=user.inputs["arn"])
        else:
            raise AssertionError(f"write down what EventBridge calls for a target such as {user.inputs['arn']}")


def forbidden_calls(user: Resource) -> Iterator[Call]:
    """What a role allows its service and must not allow the code that runs with it."""
    if user.type == FUNCTION and user.inputs.get("vpcConfig"):
        context = {"lambda:sourcefunctionarn": user.outputs["arn"]}
        yield from (Call(action=action, context=context) for action in FUNCTION_NETWORK)


def invoked(definition: dict[str, Any]) -> set[str]:
    return {
        state["Arguments"]["FunctionName"] for state in definition["States"].values() if state["Type"] == "Task"
    }
