"""The event bus that leads travel on, its archive, and the dead-letter queue for what can't be delivered."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components import iam, lead_table
from components.errors import ConfigurationError

LEAD_SOURCES = ("leadbridge.web", "leadbridge.app")
LEAD_DETAIL_TYPE = "LeadReceived"
# EventBridge's own retries, the most that there are: after these an event waits in the dead-letter queue.
DELIVERY_DAYS = 1
RETRY_POLICY = aws.cloudwatch.EventTargetRetryPolicyArgs(
    maximum_event_age_in_seconds=DELIVERY_DAYS * 24 * 3600, maximum_retry_attempts=185
)
DEAD_LETTER_DAYS = 14  # the most that SQS keeps a message
# An expired event may be counted, and so stand, in the archive for another day:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
ARCHIVE_LAG_DAYS = 1
# A replayed event that meets its completed lead in the table does nothing. Once the lead is forgotten, it would
# write the client again, even one that was erased since.
MAX_ARCHIVE_DAYS = lead_table.RETENTION_DAYS - DELIVERY_DAYS - DEAD_LETTER_DAYS - ARCHIVE_LAG_DAYS
# What EventBridge takes, and the most that a queue can: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
MAX_EVENT_BYTES = 1024 * 1024


def lead_pattern() -> dict[str, Any]:
    return {"source": list(LEAD_SOURCES), "detail-type": [LEAD_DETAIL_TYPE]}


def stray_pattern() -> dict[str, Any]:
    """Everything that `lead_pattern` does not match: no event on the bus goes unseen."""
    return {
        "$or": [
            {"source": [{"anything-but": list(LEAD_SOURCES)}]},
            {"detail-type": [{"anything-but": [LEAD_DETAIL_TYPE]}]},
        ]
    }


def check_archive_days(days: int) -> None:
    """Raise ConfigurationError when an event could outlive the table's knowledge that its lead is done."""
    if not 1 <= days <= MAX_ARCHIVE_DAYS:
        raise ConfigurationError(
            f"archiveDays is {days}; use 1 to {MAX_ARCHIVE_DAYS}: the stack knows for"
            f" {lead_table.RETENTION_DAYS} days that a lead is done, and a replayed event may be"
            f" {DELIVERY_DAYS + DEAD_LETTER_DAYS} days on its way; a later one would write a client again that was"
            " erased since"
        )


@dataclass(frozen=True, kw_only=True)
class EventBusArgs:
    """`archive_days`: how long events can be replayed. `protect`: refuse to delete what holds events.

    `rule_prefix`: how the names of the stack's rules on the account's own bus begin; they too send dead letters.
    """

    rule_prefix: str
    archive_days: int = 30
    protect: bool = False

    def __post_init__(self) -> None:
        check_archive_days(self.archive_days)


class EventBus(pulumi.ComponentResource):
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    dead_letter_queue_arn: pulumi.Output[str]
    dead_letter_queue_name: pulumi.Output[str]
    dead_letter_queue_url: pulumi.Output[str]

    def __init__(self, name: str, args: EventBusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:events:EventBus", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=args.protect)

        bus = aws.cloudwatch.EventBus(f"{name}-bus", name=name, opts=child)
        aws.cloudwatch.EventArchive(
            f"{name}-archive",
            description="Every event, for a replay of a time window",
            event_source_arn=bus.arn,
            retention_days=args.archive_days,
            opts=kept,
        )
        queue = aws.sqs.Queue(
            f"{name}-dead-letters",
            message_retention_seconds=DEAD_LETTER_DAYS * 24 * 3600,
            max_message_size=MAX_EVENT_BYTES,
            sqs_managed_sse_enabled=True,
            opts=kept,
        )
        aws.sqs.QueuePolicy(
            f"{name}-dead-letters-policy",
            queue_url=queue.url,
            policy=pulumi.Output.json_dumps(_queue_policy(queue.arn, bus.arn, args.rule_prefix)),
            opts=child,
        )
        stray = aws.cloudwatch.EventRule(
            f"{name}-stray",
            description="Events that are not leads go to the dead-letter queue",
            event_bus_name=bus.name,
            event_pattern=pulumi.Output.json_dumps(stray_pattern()),
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-stray-target",
            event_bus_name=bus.name,
            rule=stray.name,
            arn=queue.arn,
            retry_policy=RETRY_POLICY,
            opts=child,
        )
        self.name = bus.name
        self.arn = bus.arn
        self.dead_letter_queue_arn = queue.arn
        self.dead_letter_queue_name = queue.name
        self.dead_letter_queue_url = queue.url
        self.register_outputs({"name": self.name, "arn": self.arn, "dead_letter_queue_url": queue.url})

    def delivery(self) -> dict[str, Any]:
        """For a rule's target: how hard EventBridge tries, and where an event goes that it gives up on."""
        return {"retry_policy": RETRY_POLICY, "dead_letter_config": {"arn": self.dead_letter_queue_arn}}

    def dead_letter_statement(self) -> iam.Statement:
        return iam.allow(["sqs:SendMessage"], [self.dead_letter_queue_arn])

    def put_events_statement(self) -> iam.Statement:
        return iam.allow(["events:PutEvents"], [self.arn])


def _queue_policy(queue_arn: Any, bus_arn: pulumi.Output[str], rule_prefix: str) -> dict[str, Any]:
    """EventBridge may send, for the rules of this bus and the stack's rules on the account's own bus only."""
    rules = [
        bus_arn.apply(lambda arn: arn.replace(":event-bus/", ":rule/") + "/*"),
        bus_arn.apply(lambda arn: f"{arn.partition(':event-bus/')[0]}:rule/{rule_prefix}-*"),
    ]
    return iam.document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnLike": {"aws:SourceArn": rules}},
            }
        ]
    )
