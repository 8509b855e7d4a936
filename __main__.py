"""Leadbridge: carries leads from cloud channels into a company's customer database (CRM)."""

from pathlib import Path

import pulumi
import pulumi_aws as aws

from components import openapi
from components.alerts import Alerts, AlertsArgs
from components.backends import Backends, BackendsArgs
from components.database import Database, DatabaseArgs, check_connection_budget
from components.event_bus import EventBus, EventBusArgs
from components.functions import FunctionFactory
from components.gateway_account import GatewayAccount, GatewayAccountArgs
from components.intake import Intake, IntakeArgs
from components.lead_age import LeadAge, LeadAgeArgs
from components.lead_flow import LeadFlow, LeadFlowArgs
from components.lead_table import LeadTable, LeadTableArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.naming import check_names
from components.network import Network, NetworkArgs, usable_zones
from components.orchestration import Orchestration, OrchestrationArgs
from components.private_link import PrivateLink, PrivateLinkArgs
from components.rest_api import RestApi, RestApiArgs
from components.settings import StackSettings
from components.tags import tag_everything
from components.web_form import WebForm, WebFormArgs

ROOT = Path(__file__).parent

# Configuration
settings = StackSettings.read(pulumi.Config(), ROOT)
document = openapi.load(ROOT / "openapi.yaml")
region = aws.get_region().region
stack = pulumi.get_stack()
name = f"{pulumi.get_project()}-{stack}"
check_names(stack)
tag_everything({"project": pulumi.get_project(), "stack": stack})
factory = FunctionFactory(root=ROOT, document=document, log_retention_days=settings.log_retention_days)
check_connection_budget(
    functions=len(openapi.operations(document, tag="crm")),
    concurrency=settings.backend_concurrency,
    limit=settings.database.connection_limit,
)

# Where leads are on their way
bus = EventBus(
    f"{name}-leads",
    EventBusArgs(rule_prefix=name, archive_days=settings.archive_days, protect=settings.protect),
)
leads = LeadTable(f"{name}-leads", LeadTableArgs(protect=settings.protect))
alerts = Alerts(
    f"{name}-alerts", AlertsArgs(account=aws.get_caller_identity().account_id, email=settings.alert_email)
)

# The customer database and the only functions that know it
network = Network(
    f"{name}-network",
    NetworkArgs(
        cidr=settings.vpc_cidr,
        region=region,
        zones=usable_zones(),
        protect=settings.protect and settings.database.in_the_vpc,
    ),
)
link = PrivateLink(f"{name}-link", PrivateLinkArgs(network=network, vpn=settings.vpn)) if settings.vpn else None
database = Database(
    f"{name}-crm",
    DatabaseArgs(
        name=settings.database_name,
        server=settings.database,
        network=network,
        tls=settings.database_tls,
        ca=settings.database_ca,
        protect=settings.protect,
    ),
)
backends = Backends(
    f"{name}-api",
    BackendsArgs(
        factory=factory,
        database=database,
        network=network,
        concurrency=settings.backend_concurrency,
        protect=settings.protect,
        link=link,
    ),
)

# The contract, and who takes leads in
intake = Intake(
    f"{name}-intake",
    IntakeArgs(
        factory=factory,
        bus=bus,
        leads=leads,
        allowed_origin=settings.allowed_origin,
        daily_limit=settings.intake_daily_limit,
    ),
)
account = GatewayAccount(f"{name}-gateway", GatewayAccountArgs()) if settings.gateway_account else None
api = RestApi(
    f"{name}-api",
    RestApiArgs(
        document=document,
        functions={**intake.functions, **backends.functions},
        stage_name=stack,
        allowed_origin=settings.allowed_origin,
        intake=settings.intake,
        crm=settings.crm,
        log_retention_days=settings.log_retention_days,
        account=account,
    ),
)
form = WebForm(f"{name}-form", WebFormArgs(factory=factory, api_url=api.url))

# The flow that carries a lead through the API
orchestration = Orchestration(
    f"{name}-flow", OrchestrationArgs(factory=factory, api=api, bus=bus, leads=leads, alerts=alerts)
)
flow = LeadFlow(
    f"{name}-flow",
    LeadFlowArgs(bus=bus, functions=orchestration.functions, log_retention_days=settings.log_retention_days),
)

# What a person hears of
age = LeadAge(f"{name}-lead-age", LeadAgeArgs(factory=factory, leads=leads))
Monitoring(
    name,
    MonitoringArgs(
        stack=stack,
        region=region,
        alerts=alerts,
        bus=bus,
        flow=flow,
        age=age,
        intake=intake,
        daily_limit=settings.intake_daily_limit,
        api=api,
        backends=backends,
        database=database,
        link=link,
    ),
)

# Outputs
pulumi.export("api_url", api.url)
pulumi.export("api_key", pulumi.Output.secret(api.api_key))
pulumi.export("event_bus_name", bus.name)
pulumi.export("dead_letter_queue_url", bus.dead_letter_queue_url)
pulumi.export("lead_flow_arn", flow.arn)
pulumi.export("lead_table_name", leads.name)
pulumi.export("catch_errors_arn", orchestration.functions["CatchErrors"].arn)
pulumi.export("alert_topic_arn", alerts.topic_arn)
pulumi.export("form_url", form.url)
pulumi.export("migrations_function_name", backends.migrations.name)
pulumi.export("region", region)
if link:
    pulumi.export("vpn_connection_id", link.connection_id)
