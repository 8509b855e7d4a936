"""Where alerts go: a topic under a key of its own, and the people who read it."""

import re
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components import iam
from components.errors import ConfigurationError

_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
NOBODY = "none"


def checked_readers(email: str, *, protect: bool) -> str | None:
    """Who gets the alerts by e-mail; None for nobody, which a protected stack has to say in so many words."""
    if email == NOBODY or not (email or protect):
        return None
    if not email:
        raise ConfigurationError(
            "alertEmail is empty and protect is true, so that nobody would hear of a failed lead; say who reads"
            " the alerts: pulumi config set alertEmail oncall@example.com, or, where they are read otherwise from"
            f" the stack's alert_topic_arn: pulumi config set alertEmail {NOBODY}"
        )
    if not _MAIL.fullmatch(email):
        raise ConfigurationError(
            f"alertEmail is {email!r}, which is not an e-mail address; use one, or {NOBODY} for nobody"
        )
    return email


@dataclass(frozen=True, kw_only=True)
class AlertsArgs:
    """`email`: gets every alert, after it has confirmed the subscription. `account`: AWS's number of it."""

    account: str
    email: str | None = None


class Alerts(pulumi.ComponentResource):
    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:operations:Alerts", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # CloudWatch can't publish under AWS's own key for SNS, whose policy nobody can change
        self._key = aws.kms.Key(
            f"{name}-key",
            description="Encrypts the alerts on their way",
            enable_key_rotation=True,
            policy=pulumi.Output.json_dumps(key_policy(args.account)),
            opts=child,
        )
        topic = aws.sns.Topic(f"{name}-topic", kms_master_key_id=self._key.arn, opts=child)
        aws.sns.TopicPolicy(
            f"{name}-topic-policy",
            arn=topic.arn,
            policy=pulumi.Output.json_dumps(topic_policy(topic.arn, args.account)),
            opts=child,
        )
        if args.email:
            aws.sns.TopicSubscription(
                f"{name}-email", topic=topic.arn, protocol="email", endpoint=args.email, opts=child
            )
        self.topic_arn = topic.arn
        self.register_outputs({"topic_arn": self.topic_arn})

    def publish_statements(self) -> list[iam.Statement]:
        return [
            iam.allow(["sns:Publish"], [self.topic_arn]),
            iam.allow(["kms:GenerateDataKey", "kms:Decrypt"], [self._key.arn]),
        ]


def key_policy(account: str) -> dict[str, Any]:
    """The account's roles by their own policies, and this account's alarms."""
    return iam.document(
        [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            _alarms_may(["kms:GenerateDataKey*", "kms:Decrypt"], "*", account),
        ]
    )


def topic_policy(topic_arn: Any, account: str) -> dict[str, Any]:
    """Roles of the account publish by their own policies; AWS's services need a word here."""
    return iam.document([_alarms_may(["sns:Publish"], topic_arn, account)])


def _alarms_may(actions: list[str], resource: Any, account: str) -> iam.Statement:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": actions,
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
