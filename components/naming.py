"""The names that come from the stack's name, each held to its service's rule before anything is created."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.errors import ConfigurationError

AUTOMATIC_SUFFIX = "-1234567"  # as long as what Pulumi appends to a name that the program doesn't set
DOCS = "https://docs.aws.amazon.com"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`source`: the page of AWS's documentation that says so. `property`: the argument that holds the name."""

    pattern: str
    source: str
    property: str = "name"


_RDS = f"{DOCS}/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"
_EVENTS = f"{DOCS}/eventbridge/latest/APIReference"
RULES: Mapping[str, Rule] = {
    "aws:apigateway/stage:Stage": Rule(
        pattern=r"[A-Za-z0-9_-]{1,128}",
        source=f"{DOCS}/apigateway/latest/developerguide/api-gateway-known-issues.html",
        property="stage_name",
    ),
    "aws:cloudwatch/dashboard:Dashboard": Rule(
        pattern=r"[A-Za-z0-9_-]{1,255}",
        source=f"{DOCS}/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html",
        property="dashboard_name",
    ),
    "aws:cloudwatch/eventArchive:EventArchive": Rule(
        pattern=r"[A-Za-z0-9._-]{1,48}", source=f"{_EVENTS}/API_CreateArchive.html"
    ),
    "aws:cloudwatch/eventBus:EventBus": Rule(
        pattern=r"(?!default$)[A-Za-z0-9._-]{1,256}", source=f"{_EVENTS}/API_CreateEventBus.html"
    ),
    "aws:cloudwatch/eventRule:EventRule": Rule(
        pattern=r"[A-Za-z0-9._-]{1,64}", source=f"{_EVENTS}/API_PutRule.html"
    ),
    "aws:cloudwatch/logGroup:LogGroup": Rule(
        pattern=r"[A-Za-z0-9._/#-]{1,512}",
        source=f"{DOCS}/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
    ),
    "aws:dynamodb/table:Table": Rule(
        pattern=r"[A-Za-z0-9._-]{3,255}",
        source=f"{DOCS}/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html",
    ),
    "aws:iam/role:Role": Rule(
        pattern=r"[A-Za-z0-9_+=,.@-]{1,64}", source=f"{DOCS}/IAM/latest/APIReference/API_CreateRole.html"
    ),
    "aws:lambda/function:Function": Rule(
        pattern=r"[A-Za-z0-9_-]{1,64}", source=f"{DOCS}/lambda/latest/api/API_CreateFunction.html"
    ),
    "aws:rds/instance:Instance": Rule(
        pattern=r"(?=.{1,63}$)[A-Za-z](?:-?[A-Za-z0-9])*", source=_RDS, property="identifier"
    ),
    "aws:rds/parameterGroup:ParameterGroup": Rule(pattern=r"(?=.{1,255}$)[A-Za-z](?:-?[A-Za-z0-9])*", source=_RDS),
    "aws:secretsmanager/secret:Secret": Rule(
        pattern=r"[A-Za-z0-9/_+=.@-]{1,512}",
        source=f"{DOCS}/secretsmanager/latest/apireference/API_CreateSecret.html",
    ),
    "aws:sfn/stateMachine:StateMachine": Rule(
        pattern=r"[A-Za-z0-9_-]{1,80}",
        source=f"{DOCS}/step-functions/latest/apireference/API_CreateStateMachine.html",
    ),
    "aws:sns/topic:Topic": Rule(
        pattern=r"[A-Za-z0-9_-]{1,256}", source=f"{DOCS}/sns/latest/api/API_CreateTopic.html"
    ),
    "aws:sqs/queue:Queue": Rule(
        pattern=r"[A-Za-z0-9_-]{1,80}",
        source=f"{DOCS}/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
    ),
}


def check_names(stack: str) -> None:
    """From here on, a resource whose service would refuse its name raises ConfigurationError."""

    def check(args: pulumi.ResourceTransformationArgs) -> None:
        rule = RULES.get(args.type_)
        if rule is None:
            return
        given = args.props.get(rule.property)
        name = args.name + AUTOMATIC_SUFFIX if given is None else given
        if isinstance(name, str) and not re.fullmatch(rule.pattern, name):
            kind = args.type_.rpartition(":")[2]
            raise ConfigurationError(
                f"the stack's name {stack!r} makes the {kind} {name!r} of {len(name)} characters, and AWS"
                f" refuses that ({rule.source}): choose a short stack name of letters, digits and single hyphens"
            )

    pulumi.runtime.register_stack_transformation(check)
