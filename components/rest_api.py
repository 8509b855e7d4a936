"""The REST API that openapi.yaml describes: its functions, its stage, its key."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components import gateway_limits, iam, openapi
from components.function import LambdaFunction

# What a person needs to know of a request, and no more: a path, a query or an address can hold personal data.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
ACCESS_LOG_FIELDS: Mapping[str, str] = {
    "requestId": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "refusal": "$context.error.responseType",
    "latencyMs": "$context.responseLatency",
    "integrationLatencyMs": "$context.integrationLatency",
    "integrationStatus": "$context.integrationStatus",
    "responseBytes": "$context.responseLength",
    "apiKeyId": "$context.identity.apiKeyId",
}


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """Requests per second in the long run, and at once."""

    rate: int
    burst: int


@dataclass(frozen=True, kw_only=True)
class RestApiArgs:
    """`functions`: operationId -> function. `intake`: for what anybody may send; `crm`: for what needs the key.

    `account`: what API Gateway must have before it can write logs; None where the account has it already.
    """

    document: openapi.Document
    functions: Mapping[str, LambdaFunction]
    stage_name: str
    allowed_origin: str
    intake: Throttle
    crm: Throttle
    log_retention_days: int
    account: pulumi.Resource | None = None


class RestApi(pulumi.ComponentResource):
    name: pulumi.Output[str]
    stage_name: pulumi.Output[str]
    url: pulumi.Output[str]
    api_key: pulumi.Output[str]
    api_key_secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: RestApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:api:RestApi", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        gateway_limits.check(args.document)
        arns = {operation: function.invoke_arn for operation, function in args.functions.items()}
        body = pulumi.Output.json_dumps(openapi.for_gateway(args.document, arns, args.allowed_origin))

        api = aws.apigateway.RestApi(
            f"{name}-rest-api",
            name=name,
            body=body,
            endpoint_configuration={"types": "REGIONAL"},
            opts=child,
        )
        permissions = []
        for operation, (method, path) in openapi.operations(args.document).items():
            path_pattern = "/".join("*" if part.startswith("{") else part for part in path.split("/"))
            source = pulumi.Output.concat(api.execution_arn, "/*/", method, path_pattern)
            function = args.functions[operation]
            permissions.append(
                function.allow_invoke(f"{name}-{operation}", "apigateway.amazonaws.com", source, self)
            )
        # A new deployment for each new body, made before the old one goes: the stage never serves an old contract.
        deployment = aws.apigateway.Deployment(
            f"{name}-deployment",
            rest_api=api.id,
            triggers={"body": body.apply(_digest)},
            opts=child,
        )
        logs = aws.cloudwatch.LogGroup(
            f"{name}-access-logs",
            name=f"/aws/apigateway/{name}",
            retention_in_days=args.log_retention_days,
            opts=child,
        )
        # it must not call a function that it may not call yet, nor log where it may not
        before: list[pulumi.Resource] = [*permissions, *([args.account] if args.account else [])]
        stage = aws.apigateway.Stage(
            f"{name}-stage",
            rest_api=api.id,
            deployment=deployment.id,
            stage_name=args.stage_name,
            # a trace would hold the whole URL, and with it a RUT, and the address of who asked
            xray_tracing_enabled=False,
            access_log_settings={"destination_arn": logs.arn, "format": json.dumps(ACCESS_LOG_FIELDS)},
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )
        self._throttle(name, args, api, stage)
        key = aws.apigateway.ApiKey(f"{name}-orchestration-key", description="The orchestration's", opts=child)
        plan_key = self._plan(name, args.crm, api, stage, key)
        self.name = api.name
        self.stage_name = stage.stage_name
        self.url = stage.invoke_url
        self.api_key = key.value
        self.api_key_secret_arn = self._keep_key(name, key, plan_key)
        self.register_outputs({"url": self.url})

    def _throttle(
        self, name: str, args: RestApiArgs, api: aws.apigateway.RestApi, stage: aws.apigateway.Stage
    ) -> None:
        limits = {
            operation: (openapi.method_path(method, path), args.intake if public else args.crm)
            for operation, (method, path) in openapi.operations(args.document).items()
            for public in [args.document["paths"][path][method.lower()].get("security") == []]
        }
        # the others are preflights and wrong methods, which anybody may send
        for role, (method_path, limit) in {**limits, "others": ("*/*", args.intake)}.items():
            aws.apigateway.MethodSettings(
                f"{name}-throttle-{role}",
                rest_api=api.id,
                stage_name=stage.stage_name,
                method_path=method_path,
                settings={"throttling_rate_limit": limit.rate, "throttling_burst_limit": limit.burst},
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _plan(
        self, name: str, throttle: Throttle, api: Any, stage: Any, key: aws.apigateway.ApiKey
    ) -> pulumi.Resource:
        child = pulumi.ResourceOptions(parent=self)
        plan = aws.apigateway.UsagePlan(
            f"{name}-orchestration-plan",
            api_stages=[{"api_id": api.id, "stage": stage.stage_name}],
            throttle_settings={"rate_limit": throttle.rate, "burst_limit": throttle.burst},
            opts=child,
        )
        return aws.apigateway.UsagePlanKey(
            f"{name}-orchestration-plan-key",
            key_id=key.id,
            key_type="API_KEY",
            usage_plan_id=plan.id,
            opts=child,
        )

    def _keep_key(self, name: str, key: aws.apigateway.ApiKey, plan_key: pulumi.Resource) -> pulumi.Output[str]:
        """Where the orchestration reads the key, so that it stands in no environment and can be rotated."""
        child = pulumi.ResourceOptions(parent=self)
        secret = aws.secretsmanager.Secret(
            f"{name}-key-secret", description="The CRM API key that the orchestration sends", opts=child
        )
        version = aws.secretsmanager.SecretVersion(
            f"{name}-key-secret-value",
            secret_id=secret.id,
            secret_string=key.value,
            # whoever reads the key may use it: without its plan the gateway would refuse it
            opts=pulumi.ResourceOptions(parent=self, depends_on=[plan_key]),
        )
        return version.secret_arn

    def read_key_statement(self) -> iam.Statement:
        return iam.allow(["secretsmanager:GetSecretValue"], [self.api_key_secret_arn])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
