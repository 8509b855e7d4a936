"""The functions behind the states of the lead flow."""

from dataclasses import dataclass

import pulumi

from components import flow_definition, functions
from components.alerts import Alerts
from components.event_bus import EventBus
from components.function import LambdaFunction
from components.functions import FunctionFactory
from components.lead_table import LeadTable
from components.rest_api import RestApi

# The contract names the schema of a step's record as the step, with a capital.
RECEIVED_SCHEMAS = ("Lead", "LeadId", *(step.capitalize() for step in flow_definition.STEPS.values()))


@dataclass(frozen=True, kw_only=True)
class OrchestrationArgs:
    factory: FunctionFactory
    api: RestApi
    bus: EventBus
    leads: LeadTable
    alerts: Alerts


class Orchestration(pulumi.ComponentResource):
    """`functions`: state -> function, one for each of flow_definition.FUNCTION_STATES."""

    functions: dict[str, LambdaFunction]

    def __init__(self, name: str, args: OrchestrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:flow:Orchestration", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        table = {"LEAD_TABLE_NAME": args.leads.name}
        marked = {
            **table,
            "FINGERPRINT_KEY_ARN": args.leads.fingerprint_key_arn,
            "DEAD_LETTER_QUEUE_URL": args.bus.dead_letter_queue_url,
        }
        self.functions = {
            "ReceiveLead": LambdaFunction(
                f"{name}-receive-lead",
                args.factory.args(
                    "orchestration.receive_lead",
                    description="Checks and claims a lead",
                    timeout=functions.STEP_TIMEOUT,
                    schemas=RECEIVED_SCHEMAS,
                    environment=marked,
                    statements=[
                        args.leads.statement("UpdateItem"),
                        args.leads.fingerprint_statement(),
                        args.bus.dead_letter_statement(),
                    ],
                ),
                opts=child,
            ),
            "CatchErrors": LambdaFunction(
                f"{name}-catch-errors",
                args.factory.args(
                    "orchestration.catch_errors",
                    description="Records a failed lead and raises an alert",
                    timeout=functions.STEP_TIMEOUT,
                    schemas=["LeadId"],
                    environment={**marked, "ALERT_TOPIC_ARN": args.alerts.topic_arn},
                    statements=[
                        args.leads.statement("UpdateItem"),
                        args.leads.fingerprint_statement(),
                        args.bus.dead_letter_statement(),
                        *args.alerts.publish_statements(),
                    ],
                ),
                opts=child,
            ),
        }
        for state, step in flow_definition.STEPS.items():
            self.functions[state] = LambdaFunction(
                f"{name}-create-{step}",
                args.factory.args(
                    f"orchestration.create_{step}",
                    description=f"Creates the lead's {step} through the CRM API",
                    timeout=functions.STEP_TIMEOUT,
                    schemas=["ApiResponseBody"],
                    environment={
                        **table,
                        "CRM_API_URL": args.api.url,
                        "CRM_API_KEY_SECRET_ARN": args.api.api_key_secret_arn,
                    },
                    statements=[
                        args.leads.statement("GetItem", "UpdateItem"),
                        args.api.read_key_statement(),
                    ],
                ),
                opts=child,
            )
        self.register_outputs({})
