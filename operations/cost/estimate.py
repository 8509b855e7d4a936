"""A stack's monthly cost, line by line."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from operations.cost import flow
from operations.cost.errors import CostError
from operations.cost.graph import FUNCTION, STATE_MACHINE, Graph, Resource
from operations.cost.prices import Prices
from operations.cost.worst import Door, worst_day

KB_PER_GB = 1024 * 1024
# Express executions are billed in chunks of 64 MB: https://aws.amazon.com/step-functions/pricing/
EXPRESS_MEMORY_GB = 64 / 1024

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}

STAGE = "aws:apigateway/stage:Stage"
ARCHIVE = "aws:cloudwatch/eventArchive:EventArchive"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TABLE = "aws:dynamodb/table:Table"
USED_BY_LEADS = {ARCHIVE, FUNCTION, LOG_GROUP, STAGE, STATE_MACHINE, TABLE, "aws:cloudwatch/eventBus:EventBus"}
# Billed by use that a lead which meets no trouble does not cause, or not at all.
WITHOUT_COST = {
    "aws:apigateway/account:Account",
    "aws:apigateway/apiKey:ApiKey",
    "aws:apigateway/deployment:Deployment",
    "aws:apigateway/methodSettings:MethodSettings",
    "aws:apigateway/restApi:RestApi",
    "aws:apigateway/usagePlan:UsagePlan",
    "aws:apigateway/usagePlanKey:UsagePlanKey",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:ec2/customerGateway:CustomerGateway",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ec2/vpnConnectionRoute:VpnConnectionRoute",
    "aws:ec2/vpnGateway:VpnGateway",
    "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "aws:lambda/functionUrl:FunctionUrl",
    "aws:lambda/invocation:Invocation",
    "aws:lambda/permission:Permission",
    "aws:rds/parameterGroup:ParameterGroup",
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topic:Topic",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:sqs/queue:Queue",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    what: str
    quantity: float
    unit: str
    usd: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """`express_usd`: what the executions would cost as Express ones, which end after five minutes.

    `worst`: what strangers can bring about in a day.
    """

    leads: float
    transitions: int
    fixed: tuple[Line, ...]
    used: tuple[Line, ...]
    express_usd: float
    worst: tuple[Door, ...]

    @property
    def total(self) -> float:
        return sum(line.usd for line in (*self.fixed, *self.used))

    @property
    def per_million(self) -> float:
        """What a million leads add to the fixed prices."""
        return sum(line.usd for line in self.used) / self.leads * 1_000_000

    @property
    def worst_total(self) -> float:
        """The most that strangers can add to a day's bill."""
        return sum(door.usd for door in self.worst)


def estimate(graph: Graph, leads_per_day: float, prices: Prices) -> Estimate:
    """Raise CostError for a resource whose cost is not known."""
    unknown = sorted(graph.types() - WITHOUT_COST - USED_BY_LEADS - set(_FIXED))
    if unknown:
        raise CostError(
            f"no price is known for {', '.join(unknown)}; add it to operations/cost/estimate.py and prices.json"
        )
    leads = leads_per_day * prices.days
    fixed: dict[str, Line] = {}
    for resource in graph.resources:
        for line in _FIXED[resource.type](resource, prices) if resource.type in _FIXED else ():
            before = fixed.get(line.what)
            fixed[line.what] = line if before is None else _sum(before, line)
    path = flow.happy_path(graph.definition())
    express = prices.of("states_express_request") + (
        prices.assumed("flow_seconds") * EXPRESS_MEMORY_GB * prices.of("states_express_gb_second")
    )
    used = tuple(_used(graph, leads, len(path), prices))
    return Estimate(
        leads=leads,
        transitions=len(path),
        fixed=tuple(fixed.values()),
        used=used,
        express_usd=express * leads,
        worst=worst_day(graph, sum(line.usd for line in used) / leads, prices),
    )


def _sum(one: Line, other: Line) -> Line:
    return Line(what=one.what, quantity=one.quantity + other.quantity, unit=one.unit, usd=one.usd + other.usd)


def _used(graph: Graph, leads: float, transitions: int, prices: Prices) -> Iterator[Line]:
    """What each lead uses; everything that follows from the flow is counted there."""
    functions = {each.inputs["name"]: each for each in graph.of(FUNCTION)}
    steps = [_by_reference(functions, called) for called in flow.functions_called(graph.definition())]
    crm_calls = sum("CRM_API_URL" in _environment(step) for step in steps)
    asks = prices.assumed("status_questions")
    requests = 1 + asks + crm_calls
    calls = requests + len(steps)  # each request is answered by one function
    memory_gb = max(each.inputs["memorySize"] for each in functions.values()) / 1024
    writes = 1 + len(steps) + prices.assumed("index_writes")  # submitted, claimed, each step's progress

    def line(what: str, per_lead: float, unit: str, price: str) -> Line:
        return Line(what=what, quantity=per_lead * leads, unit=unit, usd=per_lead * leads * prices.of(price))

    yield line("Step Functions, Standard", transitions, "transitions", "states_transition")
    yield line("API Gateway", requests, "requests", "api_request")
    yield line("Lambda requests", calls, "requests", "lambda_request")
    seconds = calls * prices.assumed("lambda_seconds") * memory_gb
    yield line("Lambda time", seconds, "GB-seconds", "lambda_gb_second_arm64")
    yield line("EventBridge", 1, "events", "event")
    yield line("DynamoDB writes", writes, "writes", "table_write")
    yield line("DynamoDB reads", asks, "reads", "table_read")
    fingerprints = sum("FINGERPRINT_KEY_ARN" in _environment(step) for step in steps)
    if fingerprints:  # and one where the lead is submitted
        yield line("Fingerprints", 1 + fingerprints, "requests", "key_request")
    yield from _kept(graph, prices, line)
    log_kb = calls * prices.assumed("log_kb_per_call")
    if any(stage.inputs.get("accessLogSettings") for stage in graph.of(STAGE)):
        log_kb += requests * prices.assumed("log_kb_per_request")
    months = max(each.inputs["retentionInDays"] for each in graph.of(LOG_GROUP)) / prices.days
    yield line("Logs written", log_kb / KB_PER_GB, "GB", "log_gb")
    yield line("Logs kept", log_kb / KB_PER_GB * months, "GB", "log_gb_month")
    if any((each.inputs.get("tracingConfig") or {}).get("mode") == "Active" for each in functions.values()):
        yield line("Traces", (requests + 1) * prices.assumed("traced_share"), "traces", "trace")


def _kept(graph: Graph, prices: Prices, line: Callable[[str, float, str, str], Line]) -> Iterator[Line]:
    event_gb = prices.assumed("event_kb") / KB_PER_GB
    for archive in graph.of(ARCHIVE):
        yield line("Archive written", event_gb, "GB", "archive_gb")
        months = archive.inputs["retentionDays"] / prices.days
        yield line("Archive kept", event_gb * months, "GB", "archive_gb_month")
    item_gb = prices.assumed("table_kb") / KB_PER_GB * prices.assumed("table_days") / prices.days
    for table in graph.of(TABLE):
        yield line("DynamoDB kept", item_gb, "GB", "table_gb_month")
        if (table.inputs.get("pointInTimeRecovery") or {}).get("enabled"):
            yield line("DynamoDB backup", item_gb, "GB", "table_backup_gb_month")


def _by_reference(functions: dict[str, Resource], reference: str) -> Resource:
    name = reference.rpartition(":function:")[2].partition(":")[0]
    if name not in functions:
        raise CostError(f"the flow calls {reference}, which is not a function of this stack")
    return functions[name]


def _environment(function: Resource) -> dict[str, str]:
    return dict((function.inputs.get("environment") or {}).get("variables") or {})


def _database(resource: Resource, prices: Prices) -> list[Line]:
    copies = 2 if resource.inputs.get("multiAz") else 1
    size, storage = resource.inputs["instanceClass"], resource.inputs["allocatedStorage"]
    hours = prices.hours * copies
    lines = [
        Line(what=f"RDS {size}", quantity=hours, unit="hours", usd=hours * prices.of_class("database_hour", size)),
        _fixed("RDS storage", storage * copies, "GB", prices.of("database_gb_month")),
    ]
    if resource.inputs.get("manageMasterUserPassword"):
        lines.append(_fixed("Secrets", 1, "secrets", prices.of("secret_month")))
    return lines


def _endpoint(resource: Resource, prices: Prices) -> list[Line]:
    if resource.inputs.get("vpcEndpointType") != "Interface":
        return []
    hours = prices.hours * len(resource.inputs["subnetIds"])
    return [_fixed("VPC endpoints", hours, "hours", prices.of("endpoint_hour"))]


def _fixed(what: str, quantity: float, unit: str, price: float) -> Line:
    return Line(what=what, quantity=quantity, unit=unit, usd=quantity * price)


def _each(what: str, unit: str, price: str) -> Callable[[Resource, Prices], list[Line]]:
    return lambda _resource, prices: [_fixed(what, 1, unit, prices.of(price))]


def _alarm(resource: Resource, prices: Prices) -> list[Line]:
    """Billed by the metrics that it watches."""
    watched = [each["metric"] for each in resource.inputs.get("metricQueries") or [] if each.get("metric")]
    watched = watched or [resource.inputs]
    own = sum(not str(metric["namespace"]).startswith("AWS/") for metric in watched)
    lines = [_fixed("Alarms", len(watched), "metrics", prices.of("alarm_month"))]
    return lines + ([_fixed("Metrics of our own", own, "metrics", prices.of("metric_month"))] if own else [])


def _rule(resource: Resource, prices: Prices) -> list[Line]:
    """A rule with a schedule calls a function, all day."""
    schedule = resource.inputs.get("scheduleExpression")
    if not schedule:
        return []
    rate = _RATE.fullmatch(schedule)
    if not rate:
        raise CostError(f"{resource.name} runs by {schedule!r}; only rate(…) can be counted here")
    calls = prices.hours * 60 / (int(rate[1]) * _MINUTES[rate[2]])
    usd = prices.of("lambda_request") + (
        prices.assumed("lambda_seconds") * prices.assumed("scheduled_gb") * prices.of("lambda_gb_second_arm64")
    )
    return [_fixed("Scheduled calls", calls, "calls", usd)]


def _vpn(_resource: Resource, prices: Prices) -> list[Line]:
    return [_fixed("VPN connection", prices.hours, "hours", prices.of("vpn_hour"))]


_FIXED: dict[str, Callable[[Resource, Prices], Sequence[Line]]] = {
    "aws:cloudwatch/dashboard:Dashboard": _each("Dashboards", "dashboards", "dashboard_month"),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _each("Metrics", "metrics", "metric_month"),
    "aws:cloudwatch/eventRule:EventRule": _rule,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ec2/vpnConnection:VpnConnection": _vpn,
    "aws:kms/key:Key": _each("Keys", "keys", "key_month"),
    "aws:rds/instance:Instance": _database,
    "aws:secretsmanager/secret:Secret": _each("Secrets", "secrets", "secret_month"),
}
