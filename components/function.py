"""A Lambda function with its own role, its own log group and only the rights that it was given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components import iam

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"
MAX_TIMEOUT_SECONDS = 900  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

# Lambda itself calls these with the function's role, for interfaces that don't exist yet, so on any resource. The
# function's code has no use for them and is denied them: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
_VPC_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)


@dataclass(frozen=True, kw_only=True)
class VpcPlacement:
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class LambdaFunctionArgs:
    """`timeout`: seconds, below the caller's. `memory`: MB. `statements`: IAM rights beyond its own logs."""

    handler: str
    code: pulumi.Archive
    description: str
    timeout: int
    log_retention_days: int
    memory: int = 256
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    statements: Sequence[iam.Statement] = ()
    vpc: VpcPlacement | None = None
    reserved_concurrency: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= MAX_TIMEOUT_SECONDS:
            raise ValueError(f"{self.handler}: timeout {self.timeout} s; Lambda allows 1 to {MAX_TIMEOUT_SECONDS}")


class LambdaFunction(pulumi.ComponentResource):
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    invoke_arn: pulumi.Output[str]

    def __init__(self, name: str, args: LambdaFunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:function:LambdaFunction", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        role = aws.iam.Role(
            f"{name}-role",
            assume_role_policy=pulumi.Output.json_dumps(iam.trust("lambda.amazonaws.com")),
            opts=child,
        )
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs", name=f"/aws/lambda/{name}", retention_in_days=args.log_retention_days, opts=child
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.id,
            policy=pulumi.Output.json_dumps(iam.document(self._statements(name, args, logs))),
            opts=child,
        )
        self._function = aws.lambda_.Function(
            f"{name}-function",
            name=name,
            description=args.description,
            code=args.code,
            handler=args.handler,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            role=role.arn,
            timeout=args.timeout,
            memory_size=args.memory,
            reserved_concurrent_executions=args.reserved_concurrency,
            environment={"variables": args.environment} if args.environment else None,
            vpc_config={
                "subnet_ids": args.vpc.subnet_ids,
                "security_group_ids": args.vpc.security_group_ids,
            }
            if args.vpc
            else None,
            tracing_config={"mode": "Active"},
            logging_config={"log_format": "Text", "log_group": logs.name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.name = self._function.name
        self.arn = self._function.arn
        self.invoke_arn = self._function.invoke_arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    @staticmethod
    def _statements(name: str, args: LambdaFunctionArgs, logs: aws.cloudwatch.LogGroup) -> list[iam.Statement]:
        own_logs = pulumi.Output.concat(logs.arn, ":*")
        statements = [iam.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [own_logs]), *args.statements]
        statements.append(iam.allow(iam.TRACE_ACTIONS, ["*"]))
        if args.vpc:
            function_arn = iam.neighbour(logs.arn, "lambda", f"function:{name}")
            by_its_code = {"ArnEquals": {"lambda:SourceFunctionArn": function_arn}}
            statements += [iam.allow(_VPC_ACTIONS, ["*"]), iam.deny(_VPC_ACTIONS, ["*"], by_its_code)]
        return statements

    def invoke_statement(self) -> iam.Statement:
        return iam.allow(["lambda:InvokeFunction"], [self.arn])

    def keep_what_fails(
        self, name: str, *, destination_arn: Any, maximum_age: int, retries: int, parent: pulumi.Resource
    ) -> None:
        """Where Lambda puts an asynchronous call that the function can't serve; its role must be allowed to.

        `maximum_age`: seconds that a call waits, 60 to 21,600; `retries`: 0 to 2. The most that Lambda allows.
        """
        aws.lambda_.FunctionEventInvokeConfig(
            f"{name}-invoke-config",
            function_name=self._function.name,
            maximum_event_age_in_seconds=maximum_age,
            maximum_retry_attempts=retries,
            destination_config={"on_failure": {"destination": destination_arn}},
            opts=pulumi.ResourceOptions(parent=parent),
        )

    def allow_invoke(self, name: str, principal: str, source_arn: Any, parent: pulumi.Resource) -> pulumi.Resource:
        """Let a service call the function, for one source only."""
        return aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=self._function.name,
            principal=principal,
            source_arn=source_arn,
            opts=pulumi.ResourceOptions(parent=parent),
        )
