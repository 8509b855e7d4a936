"""What of a stack is watched: the alarms with their thresholds, and the dashboard that answers how leads do."""

from dataclasses import dataclass

import pulumi

from components.alarms import Alarm, Alarms, AlarmsArgs, Metric
from components.alerts import Alerts
from components.backends import Backends
from components.dashboard import Dashboard, DashboardArgs, Graph
from components.database import Database, SimulatedDatabase
from components.event_bus import EventBus
from components.intake import Intake
from components.lead_age import LeadAge
from components.lead_flow import LeadFlow
from components.private_link import PrivateLink
from components.rest_api import RestApi

FAILED_LEADS = 1
DEAD_LETTERS = 1
THROTTLED_CALLS = 1
API_ERRORS = 5
API_LATENCY_MS = 5_000
# Longer than the retries of one step go on, in practically every case.
OLDEST_LEAD_SECONDS = 1_800
CONNECTIONS_SHARE = 0.8
FREE_STORAGE_SHARE = 0.15
BYTES_PER_GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """`stack`: the name that the operator's commands take. `daily_limit`: leads that the intake takes in a day."""

    stack: str
    region: str
    alerts: Alerts
    bus: EventBus
    flow: LeadFlow
    age: LeadAge
    intake: Intake
    daily_limit: int
    api: RestApi
    backends: Backends
    database: Database
    link: PrivateLink | None = None


class Monitoring(pulumi.ComponentResource):
    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:operations:Monitoring", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        watched = _Metrics(args)
        alarms = Alarms(
            f"{name}-alarm",
            AlarmsArgs(
                alarms={
                    **_lead_alarms(args, watched),
                    **_api_alarms(watched),
                    **_database_alarms(args, watched),
                    **_link_alarms(args),
                },
                topic_arn=args.alerts.topic_arn,
            ),
            child,
        )
        Dashboard(
            f"{name}-dashboard",
            DashboardArgs(
                region=args.region, graphs=_graphs(args, watched), alarm_arns=list(alarms.arns.values())
            ),
            child,
        )
        self.register_outputs({})


class _Metrics:
    """The metrics of the stack's parts, by name."""

    def __init__(self, args: MonitoringArgs) -> None:
        self._args = args

    def flow(self, name: str, stat: str = "Sum") -> Metric:
        dimensions = {"StateMachineArn": self._args.flow.arn}
        return Metric(namespace="AWS/States", name=name, dimensions=dimensions, stat=stat)

    def api(self, name: str, stat: str = "Sum") -> Metric:
        api = self._args.api
        dimensions = {"ApiName": api.name, "Stage": api.stage_name}
        return Metric(namespace="AWS/ApiGateway", name=name, dimensions=dimensions, stat=stat)

    def backends(self, name: str, stat: str = "Sum") -> list[Metric]:
        return [
            Metric(namespace="AWS/Lambda", name=name, dimensions={"FunctionName": function.name}, stat=stat)
            for function in self._args.backends.functions.values()
        ]

    def database(self, name: str, stat: str) -> list[Metric]:
        """None for a database of the company's own: whoever runs it watches it."""
        instance = self._args.database.instance
        dimensions = {"DBInstanceIdentifier": instance} if instance is not None else {}
        metric = Metric(namespace="AWS/RDS", name=name, dimensions=dimensions, stat=stat)
        return [metric] if dimensions else []

    @property
    def dead_letters(self) -> Metric:
        dimensions = {"QueueName": self._args.bus.dead_letter_queue_name}
        name = "ApproximateNumberOfMessagesVisible"
        return Metric(namespace="AWS/SQS", name=name, dimensions=dimensions, stat="Maximum")

    @property
    def failures(self) -> list[Metric]:
        return [self.flow(name) for name in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")]


def _lead_alarms(args: MonitoringArgs, watched: _Metrics) -> dict[str, Alarm]:
    stack = f"--stack {args.stack}"
    return {
        "failed-leads": Alarm(
            metrics=watched.failures,
            threshold=FAILED_LEADS,
            do=f"Leads have failed. See which and why with `python -m operations failed {stack}`, mend the cause,"
            f" and bring them through with `python -m operations replay --all {stack}`.",
        ),
        "dead-letters": Alarm(
            metrics=[watched.dead_letters],
            threshold=DEAD_LETTERS,
            do="Events could not be delivered, or are no leads. See why with"
            f" `python -m operations failed {stack}`, and bring them through with"
            f" `python -m operations replay --all {stack}`; AWS drops them after 14 days.",
        ),
        "oldest-lead": Alarm(
            metrics=[args.age.metric],
            threshold=OLDEST_LEAD_SECONDS,
            silence_is_bad=True,
            do=f"A lead has neither completed nor failed for {OLDEST_LEAD_SECONDS // 60} minutes, or nothing has"
            " been measured. Look at the running executions of the state machine and at what their step waits for,"
            " the API or the database; if none runs, at the dead-letter queue and at the function that measures.",
        ),
        "daily-limit": Alarm(
            metrics=[args.age.taken_today],
            threshold=args.daily_limit,
            do=f"The intake has taken {args.daily_limit} leads today, its limit, and answers 429 until midnight"
            " UTC; the leads that it took go on, and what comes over the bus or from a file is not stopped. Look"
            " at the API's access log and the new rows of the CRM: if the leads are real, raise intakeDailyLimit"
            " and deploy; if they are not, find their sender, and put a firewall (WAF) before the stage.",
        ),
    }


def _api_alarms(watched: _Metrics) -> dict[str, Alarm]:
    return {
        "throttles": Alarm(
            metrics=watched.backends("Throttles"),
            threshold=THROTTLED_CALLS,
            periods=3,
            do="The backends have refused calls for a quarter of an hour, because all that may run at once do. If"
            " the database has connections to spare, raise backendConcurrency; else enlarge the database first.",
        ),
        "api-errors": Alarm(
            metrics=[watched.api("5XXError")],
            threshold=API_ERRORS,
            do="The API answers with errors of its own. Find the requests in its access log by status, and their"
            " reason in the functions' logs by the lead's id; if it is the database, see if it can be reached.",
        ),
        "api-latency": Alarm(
            metrics=[watched.api("Latency", "p95")],
            threshold=API_LATENCY_MS,
            periods=3,
            do="One call in twenty to the API takes longer than"
            f" {API_LATENCY_MS // 1000} s. Look at the functions' traces in X-Ray, and at the database's load:"
            " locks, slow statements, connections.",
        ),
    }


def _database_alarms(args: MonitoringArgs, watched: _Metrics) -> dict[str, Alarm]:
    server = args.database.server
    if not isinstance(server, SimulatedDatabase):
        return {}
    return {
        "database-connections": Alarm(
            metrics=watched.database("DatabaseConnections", "Maximum"),
            threshold=round(CONNECTIONS_SHARE * server.connection_limit),
            periods=3,
            do=f"The database holds more than {CONNECTIONS_SHARE:.0%} of the connections that it allows. The"
            " backends stay below their budget: find who else is connected with SHOW PROCESSLIST, or take a larger"
            " databaseInstanceClass.",
        ),
        "database-storage": Alarm(
            metrics=watched.database("FreeStorageSpace", "Minimum"),
            threshold=FREE_STORAGE_SHARE * server.storage_gib * BYTES_PER_GIB,
            below=True,
            do=f"Less than {FREE_STORAGE_SHARE:.0%} of the database's storage is free. Raise databaseStorageGib"
            " and deploy; RDS grows it without an interruption, and again after six hours at the earliest.",
        ),
    }


def _link_alarms(args: MonitoringArgs) -> dict[str, Alarm]:
    if args.link is None:
        return {}
    return {
        "tunnel-down": Alarm(
            metrics=[_tunnels(args.link)],
            threshold=1,
            below=True,
            silence_is_bad=True,
            do="No tunnel of the VPN to the customer database is up, so that leads wait. Ask those who run the"
            " company's gateway whether it is up and as AWS's configuration of this connection says; see the"
            " tunnels' state and its reason under Site-to-Site VPN connections.",
        )
    }


def _tunnels(link: PrivateLink) -> Metric:
    """1 while either of the two tunnels is up, since AWS takes one down at a time for its upkeep."""
    dimensions = {"VpnId": link.connection_id}
    return Metric(namespace="AWS/VPN", name="TunnelState", dimensions=dimensions, stat="Maximum")


def _graphs(args: MonitoringArgs, watched: _Metrics) -> list[Graph]:
    submissions = Metric(
        namespace="AWS/Lambda",
        name="Invocations",
        dimensions={"FunctionName": args.intake.functions["submitLead"].name},
    )
    failed, timed_out, aborted = watched.failures
    graphs = [
        Graph(
            title="Are leads arriving?",
            metrics={
                "calls of submitLead": submissions,
                "taken up by the flow": watched.flow("ExecutionsStarted"),
            },
        ),
        Graph(title="Are they completing?", metrics={"completed": watched.flow("ExecutionsSucceeded")}),
        Graph(
            title="Are they failing?",
            metrics={
                "failed": failed,
                "timed out": timed_out,
                "aborted": aborted,
                "dead letters": watched.dead_letters,
            },
        ),
        Graph(
            title="How fast? (milliseconds in the flow)",
            metrics={
                "half within": watched.flow("ExecutionTime", "p50"),
                "95 % within": watched.flow("ExecutionTime", "p95"),
            },
        ),
        Graph(title="The oldest unfinished lead (seconds)", metrics={"age": args.age.metric}),
        Graph(
            title=f"Taken in today (UTC), of at most {args.daily_limit}", metrics={"leads": args.age.taken_today}
        ),
        Graph(
            title="The API",
            metrics={
                "calls": watched.api("Count"),
                "refused": watched.api("4XXError"),
                "errors": watched.api("5XXError"),
            },
        ),
        Graph(
            title="The API's answers (milliseconds)",
            metrics={"half within": watched.api("Latency", "p50"), "95 % within": watched.api("Latency", "p95")},
        ),
        Graph(
            title="Calls that the backends refused",
            metrics=dict(zip(args.backends.functions, watched.backends("Throttles"), strict=True)),
        ),
    ]
    connections = watched.database("DatabaseConnections", "Maximum")
    if connections:
        graphs.append(Graph(title="The database's connections", metrics={"open": connections[0]}))
    if args.link is not None:
        graphs.append(Graph(title="The VPN's tunnels (1: up)", metrics={"either": _tunnels(args.link)}))
    return graphs
