from __future__ import annotations

import pytest

from local_cloud.engine import DeploymentFailed
from tests.engine.fakes import Lab

UNSERVED = {
    "an import": 'Thing("a", opts=pulumi.ResourceOptions(import_="id-7"))',
    "a stack reference": 'pulumi.StackReference("organization/test/other")',
    "a remote component": """
class Remote(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("fake:index:Remote", "r", {}, None, remote=True)
Remote()
""",
    "transforms": 'Thing("a", opts=pulumi.ResourceOptions(transforms=[lambda args: None]))',
    "invoke transforms": "pulumi.runtime.register_invoke_transform(lambda args: None)",
    "resource hooks": """
hooks = pulumi.ResourceHookBinding(after_create=[lambda args: None])
Thing("a", opts=pulumi.ResourceOptions(hooks=hooks))
""",
    "replacement_trigger": 'Thing("a", opts=pulumi.ResourceOptions(replacement_trigger=1))',
    "ReplaceWith option": """
a = Thing("a")
Thing("b", opts=pulumi.ResourceOptions(replace_with=[a]))
""",
    "calling the method fake:index:Thing/go": 'pulumi.runtime.call("fake:index:Thing/go", {})',
    "require_pulumi_version": 'pulumi.require_pulumi_version(">=3.0.0")',
    "a dynamic provider": """
from pulumi import dynamic
class P(dynamic.ResourceProvider):
    def create(self, props):
        return dynamic.CreateResult("x", {})
class D(dynamic.Resource):
    pass
D(P(), "d", {})
""",
}


@pytest.mark.parametrize("feature", UNSERVED)
def test_what_is_not_served_says_that_it_needs_the_pulumi_cli(lab: Lab, feature: str) -> None:
    with pytest.raises(DeploymentFailed) as caught:
        lab.up(UNSERVED[feature])
    assert len(caught.value.errors) == 1, caught.value.errors
    assert f"{feature} needs the Pulumi CLI" in caught.value.errors[0]
    assert "Traceback" not in caught.value.errors[0]
