"""The state machine that carries a lead into the CRM, and the rules that start it and watch over it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components import flow_definition, iam
from components.event_bus import EventBus, lead_pattern
from components.function import LambdaFunction

# The log delivery actions know no resource: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
_LOG_DELIVERY_ACTIONS = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
# Step Functions asks X-Ray itself which executions to trace: https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
_TRACE_ACTIONS = (*iam.TRACE_ACTIONS, "xray:GetSamplingRules", "xray:GetSamplingTargets")


# Lambda's most, for the report of an interrupted execution: a throttled CatchErrors has six hours to recover.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
MAXIMUM_REPORT_AGE_SECONDS, REPORT_RETRIES = 6 * 3600, 2


def interrupted_pattern(state_machine_arn: Any) -> dict[str, Any]:
    """Executions that ended without CatchErrors: it was not reached, could not be caught, or failed itself."""
    # a change may lack the cause, and only `exists` matches a key that is not there
    not_our_failure = [{"anything-but": {"prefix": flow_definition.FAILED_CAUSE}}, {"exists": False}]
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [state_machine_arn],
            "$or": [
                {"status": ["TIMED_OUT", "ABORTED"]},
                {"status": ["FAILED"], "cause": not_our_failure},
            ],
        },
    }


@dataclass(frozen=True, kw_only=True)
class LeadFlowArgs:
    """`functions`: one for each of flow_definition.FUNCTION_STATES."""

    bus: EventBus
    functions: Mapping[str, LambdaFunction]
    log_retention_days: int

    def __post_init__(self) -> None:
        missing = sorted(set(flow_definition.FUNCTION_STATES) ^ set(self.functions))
        if missing:
            raise ValueError(f"states and functions don't match: {', '.join(missing)}")


class LeadFlow(pulumi.ComponentResource):
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: LeadFlowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:flow:LeadFlow", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/vendedlogs/states/{name}",
            retention_in_days=args.log_retention_days,
            opts=child,
        )
        role = aws.iam.Role(
            f"{name}-role",
            assume_role_policy=pulumi.Output.json_dumps(
                iam.trust(
                    "states.amazonaws.com", source_arn=iam.neighbour(logs.arn, "states", f"stateMachine:{name}")
                )
            ),
            opts=child,
        )
        invoke = iam.allow(["lambda:InvokeFunction"], [function.arn for function in args.functions.values()])
        account_wide = iam.allow([*_LOG_DELIVERY_ACTIONS, *_TRACE_ACTIONS], ["*"])
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.id,
            policy=pulumi.Output.json_dumps(iam.document([invoke, account_wide])),
            opts=child,
        )
        arns = {state: function.arn for state, function in args.functions.items()}
        machine = aws.sfn.StateMachine(
            f"{name}-state-machine",
            name=name,
            type="STANDARD",
            role_arn=role.arn,
            definition=pulumi.Output.json_dumps(flow_definition.definition(arns)),
            logging_configuration={
                "level": "ERROR",
                # the data of an execution is personal data: it stays out of the logs
                "include_execution_data": False,
                "log_destination": pulumi.Output.concat(logs.arn, ":*"),
            },
            tracing_configuration={"enabled": True},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.arn = machine.arn
        self._start_on_lead(name, args.bus)
        self._record_interrupted(name, args.bus, args.functions["CatchErrors"])
        self.register_outputs({"arn": self.arn})

    def _start_on_lead(self, name: str, bus: EventBus) -> None:
        child = pulumi.ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            f"{name}-lead",
            description="A lead starts the flow",
            event_bus_name=bus.name,
            event_pattern=pulumi.Output.json_dumps(lead_pattern()),
            opts=child,
        )
        role = aws.iam.Role(
            f"{name}-start-role",
            assume_role_policy=pulumi.Output.json_dumps(iam.trust("events.amazonaws.com", source_arn=rule.arn)),
            opts=child,
        )
        start = aws.iam.RolePolicy(
            f"{name}-start-policy",
            role=role.id,
            policy=pulumi.Output.json_dumps(iam.document([iam.allow(["states:StartExecution"], [self.arn])])),
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-start",
            event_bus_name=bus.name,
            rule=rule.name,
            arn=self.arn,
            role_arn=role.arn,
            **bus.delivery(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[start]),
        )

    def _record_interrupted(self, name: str, bus: EventBus, catch_errors: LambdaFunction) -> None:
        child = pulumi.ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            f"{name}-interrupted",
            description="An execution that ended without CatchErrors is recorded as a failed lead",
            event_pattern=pulumi.Output.json_dumps(interrupted_pattern(self.arn)),
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-interrupted-target", rule=rule.name, arn=catch_errors.arn, opts=child, **bus.delivery()
        )
        # EventBridge's part ends when Lambda has queued the call: what the function then can't do waits there too
        catch_errors.keep_what_fails(
            f"{name}-interrupted",
            destination_arn=bus.dead_letter_queue_arn,
            maximum_age=MAXIMUM_REPORT_AGE_SECONDS,
            retries=REPORT_RETRIES,
            parent=self,
        )
        catch_errors.allow_invoke(f"{name}-interrupted", "events.amazonaws.com", rule.arn, self)
