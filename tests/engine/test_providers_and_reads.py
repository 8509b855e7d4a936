from __future__ import annotations

import pytest

from local_cloud.engine import DeploymentFailed
from tests.engine.fakes import Lab

EXPLICIT = """
class Fake(pulumi.ProviderResource):
    def __init__(self, name, **props):
        super().__init__("fake", name, props, None)
provider = Fake("mine", region="{region}")
Thing("a", opts=pulumi.ResourceOptions(provider=provider))
"""


def test_the_default_provider_of_a_package_version_is_a_resource_with_the_packages_configuration(lab: Lab) -> None:
    lab.config = {"fake:region": "us-east-1", "test:x": "y"}
    summary = lab.up('Thing("a", opts=pulumi.ResourceOptions(version="7.51.1"))')
    provider = lab.resource("default_7_51_1")
    assert provider["urn"] == "urn:pulumi:lab::test::pulumi:providers:fake::default_7_51_1"
    assert provider["inputs"] == {"region": "us-east-1", "version": "7.51.1"}
    assert lab.resource("a")["provider"] == f"{provider['urn']}::{provider['id']}"
    assert summary.counts == {"create": 2}, "default providers are not counted"
    lab.up()
    assert lab.resource("default_7_51_1")["id"] == provider["id"]


def test_a_new_version_brings_its_own_default_provider_and_drops_the_old_one(lab: Lab) -> None:
    lab.up('Thing("a", opts=pulumi.ResourceOptions(version="1.0.0"))')
    lab.up('Thing("a", opts=pulumi.ResourceOptions(version="2.0.0-beta+1"))')
    providers = [one["urn"] for one in lab.resources() if one["type"] == "pulumi:providers:fake"]
    assert [urn.rsplit("::", 1)[1] for urn in providers] == ["default_2_0_0_beta_1"]


def test_an_explicit_provider_is_created_updated_and_deleted_after_what_it_serves(lab: Lab) -> None:
    assert lab.preview(EXPLICIT.format(region="a")).counts == {"create": 3}
    lab.up(EXPLICIT.format(region="a"))
    provider = lab.resource("mine")
    assert lab.resource("a")["provider"] == f"{provider['urn']}::{provider['id']}"
    assert lab.up(EXPLICIT.format(region="b")).counts == {"update": 1, "same": 2}
    assert lab.resource("mine")["inputs"] == {"region": "b"}
    steps = [step.name for step in lab.destroy().steps]
    assert steps.index("a") < steps.index("mine")


READ = """
class Found(pulumi.CustomResource):
    def __init__(self, name, opts):
        super().__init__("fake:index:Thing", name, {{"arn": None, "color": None}}, opts)
found = Found("found", pulumi.ResourceOptions(id="{id}"))
pulumi.export("color", found.color)
pulumi.export("id", found.id)
"""


def test_an_existing_resource_is_read_and_never_deleted(lab: Lab) -> None:
    lab.cloud.things["ext-1"] = {"name": "n", "arn": "arn:ext", "color": "blue", "secretToken": "token-of-n"}
    summary = lab.up(READ.format(id="ext-1"))
    assert summary.counts == {"create": 1, "read": 1}
    assert summary.outputs == {"color": "blue", "id": "ext-1"}
    assert lab.resource("found")["external"] is True
    assert lab.preview().outputs == {"color": "blue", "id": "ext-1"}, "a preview knows what was read before"
    lab.up("")
    assert lab.cloud.operations() == []
    assert "ext-1" in lab.cloud.things


def test_reading_what_does_not_exist_fails_naming_the_id(lab: Lab) -> None:
    with pytest.raises(DeploymentFailed, match="'found': there is no such resource with the id 'gone'"):
        lab.up(READ.format(id="gone"))


def test_a_preview_reads_nothing(lab: Lab) -> None:
    assert lab.preview(READ.format(id="ext-1")).outputs == {"id": "ext-1"}
    assert lab.cloud.operations("read") == []
