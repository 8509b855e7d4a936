"""The function that measures, each minute, how long the oldest unfinished lead has waited, and the day's leads."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import functions
from components.alarms import Metric
from components.function import LambdaFunction
from components.functions import FunctionFactory
from components.lead_table import LeadTable


@dataclass(frozen=True, kw_only=True)
class LeadAgeArgs:
    factory: FunctionFactory
    leads: LeadTable


class LeadAge(pulumi.ComponentResource):
    """`metric`: seconds, the least of five minutes, so that a replay of old leads rings no bell.

    `taken_today`: how many leads the intake has taken since midnight (UTC).
    """

    metric: Metric
    taken_today: Metric

    def __init__(self, name: str, args: LeadAgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:operations:LeadAge", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        function = LambdaFunction(
            name,
            args.factory.args(
                "orchestration.measure_leads",
                description="Measures how long the oldest unfinished lead has waited, and the leads of the day",
                timeout=functions.STEP_TIMEOUT,
                environment={"LEAD_TABLE_NAME": args.leads.name},
                statements=[args.leads.unfinished_statement(), args.leads.statement("GetItem")],
            ),
            opts=child,
        )
        rule = aws.cloudwatch.EventRule(
            f"{name}-each-minute",
            description="Measures the oldest unfinished lead",
            schedule_expression="rate(1 minute)",
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            arn=function.arn,
            # the next minute measures anew
            retry_policy={"maximum_event_age_in_seconds": 60, "maximum_retry_attempts": 0},
            opts=child,
        )
        function.allow_invoke(f"{name}-schedule", "events.amazonaws.com", rule.arn, self)
        self.metric = Metric(
            namespace="Leadbridge",
            name="OldestUnfinishedLeadAge",
            dimensions={"LeadTable": args.leads.name},
            stat="Minimum",
        )
        self.taken_today = Metric(
            namespace="Leadbridge",
            name="LeadsTakenToday",
            dimensions={"LeadTable": args.leads.name},
            stat="Maximum",
        )
        self.register_outputs({})
