"""The functions behind the public operations: take a lead, tell where it is."""

from dataclasses import dataclass

import pulumi

from components import functions
from components.event_bus import EventBus
from components.function import LambdaFunction
from components.functions import FunctionFactory
from components.lead_table import LeadTable


@dataclass(frozen=True, kw_only=True)
class IntakeArgs:
    """`allowed_origin`: the origin whose pages may call, or `*`. `daily_limit`: leads taken in a day (UTC)."""

    factory: FunctionFactory
    bus: EventBus
    leads: LeadTable
    allowed_origin: str
    daily_limit: int


class Intake(pulumi.ComponentResource):
    """`functions`: operationId -> function."""

    functions: dict[str, LambdaFunction]

    def __init__(self, name: str, args: IntakeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:api:Intake", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        common: dict[str, pulumi.Input[str]] = {
            "LEAD_TABLE_NAME": args.leads.name,
            "ALLOWED_ORIGIN": args.allowed_origin,
        }
        self.functions = {
            "submitLead": LambdaFunction(
                f"{name}-submit-lead",
                args.factory.args(
                    "intake.submit_lead",
                    description="Takes a lead and puts it on the event bus",
                    timeout=functions.INTAKE_TIMEOUT,
                    schemas=["Lead"],
                    environment={
                        **common,
                        "EVENT_BUS_NAME": args.bus.name,
                        "INTAKE_DAILY_LIMIT": str(args.daily_limit),
                        "FINGERPRINT_KEY_ARN": args.leads.fingerprint_key_arn,
                    },
                    statements=[
                        args.bus.put_events_statement(),
                        args.leads.statement("PutItem", "DeleteItem", "UpdateItem"),
                        args.leads.fingerprint_statement(),
                    ],
                ),
                opts=child,
            ),
            "getLead": LambdaFunction(
                f"{name}-get-lead",
                args.factory.args(
                    "intake.get_lead",
                    description="Tells where a lead is in the flow",
                    timeout=functions.INTAKE_TIMEOUT,
                    schemas=["LeadId"],
                    environment=common,
                    statements=[args.leads.statement("GetItem")],
                ),
                opts=child,
            ),
        }
        self.register_outputs({})
