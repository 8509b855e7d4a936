"""Where alerts go: a topic, and the people who read it."""

import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import iam
from components.errors import ConfigurationError

_MAIL = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, kw_only=True)
class AlertsArgs:
    """`email`: gets every alert, after it has confirmed the subscription."""

    email: str | None = None

    def __post_init__(self) -> None:
        if self.email is not None and not _MAIL.fullmatch(self.email):
            raise ConfigurationError(
                f"alertEmail is {self.email!r}, which is not an e-mail address; use one, or leave it empty"
            )


class Alerts(pulumi.ComponentResource):
    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:operations:Alerts", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(f"{name}-topic", kms_master_key_id="alias/aws/sns", opts=child)
        if args.email:
            aws.sns.TopicSubscription(
                f"{name}-email", topic=topic.arn, protocol="email", endpoint=args.email, opts=child
            )
        self.topic_arn = topic.arn
        self.register_outputs({"topic_arn": self.topic_arn})

    def publish_statement(self) -> iam.Statement:
        return iam.allow(["sns:Publish"], [self.topic_arn])
