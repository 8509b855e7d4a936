"""The one role by which API Gateway writes the logs of all REST APIs of an account and region."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import iam

# API Gateway tries the role out, and refuses one with less than AWS's own policy grants:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
PUSH_LOGS_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"


@dataclass(frozen=True, kw_only=True)
class GatewayAccountArgs:
    """Nothing differs from stack to stack."""


class GatewayAccount(pulumi.ComponentResource):
    """Outlives its stack, since the logs of other stacks of the account would end with it."""

    def __init__(self, name: str, args: GatewayAccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:api:GatewayAccount", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        role = aws.iam.Role(
            f"{name}-logs-role",
            description="Lets API Gateway write the logs of this account's REST APIs",
            assume_role_policy=pulumi.Output.json_dumps(iam.trust("apigateway.amazonaws.com")),
            opts=kept,
        )
        rights = aws.iam.RolePolicyAttachment(
            f"{name}-logs-policy", role=role.name, policy_arn=PUSH_LOGS_POLICY, opts=kept
        )
        aws.apigateway.Account(
            f"{name}-settings",
            cloudwatch_role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True, depends_on=[rights]),
        )
        self.register_outputs({})
