"""The engine with the classes that real programs use."""

from __future__ import annotations

from importlib.metadata import version

from tests.engine.fakes import Lab

PROGRAM = """
import json
import pulumi_aws as aws

class Intake(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("leadbridge:intake:Intake", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.queue = aws.sqs.Queue(f"{name}-queue", visibility_timeout_seconds=30, opts=child)
        role = aws.iam.Role(f"{name}-role", assume_role_policy=json.dumps({}), opts=child)
        self.function = aws.lambda_.Function(
            f"{name}-function",
            role=role.arn,
            handler="app.handler",
            runtime="python3.12",
            code=pulumi.AssetArchive({"app.py": pulumi.StringAsset("def handler(event, context): pass")}),
            environment={"variables": {"QUEUE": self.queue.arn, "KEY": pulumi.Output.secret("hunter22")}},
            opts=child,
        )
        self.register_outputs({"function": self.function.arn})

intake = Intake("intake")
pulumi.export("function", intake.function.arn)
pulumi.export("account", aws.get_caller_identity_output().account_id)
"""


def test_a_program_of_aws_resources_is_previewed_deployed_and_redeployed_without_changes(lab: Lab) -> None:
    lab.cloud.answers["aws:index/getCallerIdentity:getCallerIdentity"] = {"accountId": "000000000000", "id": "0"}
    assert lab.preview(PROGRAM).counts == {"create": 5}
    summary = lab.up()
    assert summary.counts == {"create": 5}
    assert summary.outputs["account"] == "000000000000"
    sent = lab.cloud.arguments["create", "intake-function"]
    assert sent["environment"] == {
        "variables": {"QUEUE": lab.resource("intake-queue")["outputs"]["arn"], "KEY": "hunter22"}
    }
    assert sent["code"].assets["app.py"].text.startswith("def handler")
    assert lab.resource("intake-queue")["inputs"]["visibilityTimeoutSeconds"] == 30
    assert lab.resource(f"default_{version('pulumi_aws').replace('.', '_')}")["type"] == "pulumi:providers:aws"
    assert lab.up().counts == {"same": 5}
    assert lab.preview().counts == {"same": 5}
    assert lab.destroy().counts == {"delete": 5}
    assert lab.cloud.things == {}
