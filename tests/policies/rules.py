"""What must hold for every resource of every stack. A rule yields those that break it, and says nothing of why."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.components.graph import (
    FUNCTION,
    LOG_GROUP,
    PERMISSION,
    REST_API,
    STATE_MACHINE,
    TARGET,
    Graph,
    Resource,
)

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupRetention.html
# Between a secret's or a key's deletion and its end; unless one is given, the longest:
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
# https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
MIN_DAYS_OF_GRACE, MAX_DAYS_OF_GRACE = 7, 30
MIN_BACKUP_DAYS = 7  # ours; RDS keeps up to 35
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
MAX_QUEUE_RETENTION_SECONDS = 1_209_600
ANYWHERE = ("0.0.0.0/0", "::/0")
SECRET_NAME = re.compile(r"password|secret|token|api_?key|credential", re.IGNORECASE)
ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:.+")

Rule = Callable[[Graph], Iterator[Resource]]


def encrypted(graph: Graph) -> Iterator[Resource]:
    """At rest, and keys change by themselves."""
    holds: dict[str, Callable[[dict[str, Any]], bool]] = {
        "aws:sqs/queue:Queue": lambda given: given.get("sqsManagedSseEnabled") or given.get("kmsMasterKeyId"),
        "aws:sns/topic:Topic": lambda given: given.get("kmsMasterKeyId"),
        "aws:dynamodb/table:Table": lambda given: given.get("serverSideEncryption", {}).get("enabled"),
        "aws:rds/instance:Instance": lambda given: given.get("storageEncrypted"),
        "aws:kms/key:Key": lambda given: given.get("enableKeyRotation"),
        "aws:s3/bucket:Bucket": lambda given: True,  # S3 encrypts every object since 2023
    }
    yield from (each for each in graph.resources if each.type in holds and not holds[each.type](each.inputs))


def encrypted_on_the_way(graph: Graph) -> Iterator[Resource]:
    used = {each.inputs["parameterGroupName"] for each in graph.of("aws:rds/instance:Instance")}
    for group in graph.of("aws:rds/parameterGroup:ParameterGroup"):
        if (
            group.outputs["name"] in used
            and {"name": "require_secure_transport", "value": "1"} not in group.inputs["parameters"]
        ):
            yield group
    for function in graph.of(FUNCTION):
        variables = function.inputs.get("environment", {}).get("variables", {})
        if variables.get("DATABASE_TLS", "on") != "on" or ("DATABASE_TLS" in variables) > (
            "DATABASE_CA_FILE" in variables
        ):
            yield function


def not_public(graph: Graph) -> Iterator[Resource]:
    for each in graph.resources:
        given = each.inputs
        if (
            given.get("publiclyAccessible")
            or given.get("mapPublicIpOnLaunch")
            or given.get("authorizationType") == "NONE"
            or {given.get("cidrIpv4"), given.get("cidrIpv6")} & set(ANYWHERE)
            or (each.type == PERMISSION and given["principal"] == "*")
            or any("*" in principals(statement) and not for_some(statement) for statement in statements(each))
        ):
            yield each


def statements(resource: Resource) -> Iterator[dict[str, Any]]:
    """Of a policy on a resource; a role's own policy names no principal."""
    if resource.type != "aws:iam/rolePolicy:RolePolicy" and isinstance(resource.inputs.get("policy"), str):
        yield from resource.document("policy")["Statement"]


def for_some(statement: dict[str, Any]) -> bool:
    """Whether only principals pass that are named down to their account; the only way for an endpoint's policy."""
    named = statement.get("Condition", {}).get("ArnLike", {}).get("aws:PrincipalArn", [])
    return bool(named) and all(re.fullmatch(r"arn:aws:iam::\d{12}:role/[^*]{6,}\*?", arn) for arn in named)


def principals(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", "*")
    named = principal.values() if isinstance(principal, dict) else [principal]
    return [name for each in named for name in (each if isinstance(each, list) else [each])]


def forgets(graph: Graph) -> Iterator[Resource]:
    """Logs and events are kept as long as somebody said, and no longer."""
    for group in graph.of(LOG_GROUP):
        if not group.inputs.get("retentionInDays"):
            yield group
    for archive in graph.of("aws:cloudwatch/eventArchive:EventArchive"):
        if not archive.inputs.get("retentionDays"):
            yield archive
    for table in graph.of("aws:dynamodb/table:Table"):
        if not table.inputs.get("ttl", {}).get("enabled"):
            yield table


def remembers(graph: Graph) -> Iterator[Resource]:
    """What cannot be made again is backed up, and a dead letter waits as long as it can."""
    for instance in graph.of("aws:rds/instance:Instance"):
        if instance.inputs.get("backupRetentionPeriod", 0) < MIN_BACKUP_DAYS:
            yield instance
    for table in graph.of("aws:dynamodb/table:Table"):
        if not table.inputs.get("pointInTimeRecovery", {}).get("enabled"):
            yield table
    for queue in graph.of("aws:sqs/queue:Queue"):
        if queue.inputs.get("messageRetentionSeconds") != MAX_QUEUE_RETENTION_SECONDS:
            yield queue


def protected(graph: Graph) -> Iterator[Resource]:
    """AWS refuses the deletion of what holds data, where it can; Pulumi refuses it before it begins."""
    switches = {
        "aws:rds/instance:Instance": "deletionProtection",
        "aws:dynamodb/table:Table": "deletionProtectionEnabled",
        "aws:cloudwatch/eventArchive:EventArchive": None,
        "aws:sqs/queue:Queue": None,
    }
    for each in graph.resources:
        if each.type in switches:
            switch = switches[each.type]
            if not each.protected or (switch and not each.inputs[switch]):
                yield each


def leaves_a_copy(graph: Graph) -> Iterator[Resource]:
    """A database that is deleted all the same, or loses its zone, is not lost."""
    for instance in graph.of("aws:rds/instance:Instance"):
        given = instance.inputs
        if given["skipFinalSnapshot"] or given["deleteAutomatedBackups"] or not given["multiAz"]:
            yield instance
    for secret in graph.of("aws:secretsmanager/secret:Secret"):
        if secret.inputs.get("recoveryWindowInDays", MAX_DAYS_OF_GRACE) < MIN_DAYS_OF_GRACE:
            yield secret
    for key in graph.of("aws:kms/key:Key"):
        if key.inputs.get("deletionWindowInDays", MAX_DAYS_OF_GRACE) < MIN_DAYS_OF_GRACE:
            yield key


def tagged(graph: Graph) -> Iterator[Resource]:
    stack = {"project": "leadbridge", "stack": graph.prefix.removeprefix("leadbridge-")}
    for each in graph.resources:
        if (
            not each.component
            and takes_tags(each.type)
            and not stack.items() <= each.inputs.get("tags", {}).items()
        ):
            yield each


def takes_tags(type_: str) -> bool:
    area, _, name = type_.removeprefix("aws:").partition("/")
    module = importlib.import_module(f"pulumi_aws.{ {'lambda': 'lambda_'}.get(area, area) }")
    return "tags" in inspect.signature(getattr(module, name.partition(":")[2])._internal_init).parameters


def no_secret_in_plain_sight(graph: Graph) -> Iterator[Resource]:
    """An environment can be read by whoever may describe the function: it names secrets, and holds none."""
    for function in graph.of(FUNCTION):
        for name, value in function.inputs.get("environment", {}).get("variables", {}).items():
            if SECRET_NAME.search(name) and not ARN.fullmatch(value):
                yield function
    for each in graph.resources:
        for name, value in each.inputs.items():
            hidden = name in each.secrets or not isinstance(value, str) or name.lower().endswith(("arn", "id"))
            if SECRET_NAME.search(name) and not hidden and not ARN.fullmatch(value):
                yield each


def loses_no_event(graph: Graph) -> Iterator[Resource]:
    """A target is tried again, and what it can't take waits in the dead-letter queue."""
    queues = {each.outputs["arn"] for each in graph.of("aws:sqs/queue:Queue")}
    for target in graph.of(TARGET):
        retries = target.inputs.get("retryPolicy", {})
        queue = target.inputs.get("deadLetterConfig", {}).get("arn")
        if not retries.get("maximumRetryAttempts") or queue not in queues:
            yield target


def ends_before_its_caller(graph: Graph) -> Iterator[Resource]:
    by_arn = {each.outputs["arn"]: each for each in graph.of(FUNCTION)}
    waits: list[tuple[str, float]] = []
    for machine in graph.of(STATE_MACHINE):
        states = machine.document("definition")["States"].values()
        waits += [(s["Arguments"]["FunctionName"], s["TimeoutSeconds"]) for s in states if s["Type"] == "Task"]
    for api in graph.of(REST_API):
        for item in api.document("body")["paths"].values():
            for operation in item.values():
                integration = operation["x-amazon-apigateway-integration"]
                if integration["type"] == "aws_proxy":
                    function = integration["uri"].partition("/functions/")[2].removesuffix("/invocations")
                    waits.append((function, integration["timeoutInMillis"] / 1000))
    assert len(waits) > 10
    yield from (by_arn[function] for function, wait in waits if by_arn[function].inputs["timeout"] >= wait)


RULES: tuple[Rule, ...] = (
    encrypted,
    encrypted_on_the_way,
    not_public,
    forgets,
    remembers,
    protected,
    leaves_a_copy,
    tagged,
    no_secret_in_plain_sight,
    loses_no_event,
    ends_before_its_caller,
)
