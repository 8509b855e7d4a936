"""The web form: a page served from a function's own URL."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import functions
from components.function import LambdaFunction
from components.functions import FunctionFactory

# A function's URL has no throttle of its own: each that may run at once takes ten requests a second at most.
# https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-throttling
CONCURRENCY = 10


@dataclass(frozen=True, kw_only=True)
class WebFormArgs:
    """`api_url`: where the page sends the lead."""

    factory: FunctionFactory
    api_url: pulumi.Input[str]


class WebForm(pulumi.ComponentResource):
    url: pulumi.Output[str]

    def __init__(self, name: str, args: WebFormArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:web:WebForm", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        function = LambdaFunction(
            name,
            args.factory.args(
                "intake.web_form",
                description="Serves the web form's files",
                timeout=functions.INTAKE_TIMEOUT,
                schemas=["Lead", "LeadReceipt", "LeadStatus"],
                data=["web"],
                environment={"API_URL": args.api_url},
                reserved_concurrency=CONCURRENCY,
            ),
            opts=child,
        )
        url = aws.lambda_.FunctionUrl(
            f"{name}-url", function_name=function.name, authorization_type="NONE", opts=child
        )
        # A public page: anybody may read it, through its URL only. Lambda asks for both permissions.
        aws.lambda_.Permission(
            f"{name}-public-url",
            action="lambda:InvokeFunctionUrl",
            function=function.name,
            principal="*",
            function_url_auth_type="NONE",
            opts=child,
        )
        aws.lambda_.Permission(
            f"{name}-public-invoke",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="*",
            invoked_via_function_url=True,
            opts=child,
        )
        self.url = url.function_url
        self.register_outputs({"url": self.url})
