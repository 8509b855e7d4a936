from __future__ import annotations

import json
import stat

import pytest

from local_cloud.engine import DeploymentFailed, ProviderError, read_outputs
from local_cloud.engine.signatures import SECRET, SIGNATURE
from tests.engine.fakes import Lab

PROGRAM = """
secret = pulumi.Output.secret("hunter22")
a = Thing("a", password=secret, nested={"user": "x", "password": secret},
          color="red", opts=pulumi.ResourceOptions(additional_secret_outputs=["version"]))
b = Thing("b", copy=a.password)
pulumi.export("password", b.copy)
pulumi.export("color", a.color)
"""


def is_secret(form: object) -> bool:
    return isinstance(form, dict) and form.get(SIGNATURE) == SECRET


def test_secrets_are_plain_to_the_provider_and_marked_in_the_state(lab: Lab) -> None:
    summary = lab.up(PROGRAM)
    assert lab.cloud.arguments["create", "a"]["nested"] == {"user": "x", "password": "hunter22"}
    inputs, outputs = lab.resource("a")["inputs"], lab.resource("a")["outputs"]
    assert inputs["password"] == {SIGNATURE: SECRET, "plaintext": json.dumps("hunter22")}
    assert is_secret(inputs["nested"]["password"])
    assert inputs["nested"]["user"] == "x", "the mark goes no further than the secret"
    assert is_secret(outputs["password"]), "an output is secret when the input of its name is"
    assert is_secret(outputs["nested"])
    assert is_secret(outputs["version"]), "additional_secret_outputs"
    assert is_secret(outputs["secretToken"]), "the provider says so"
    assert outputs["color"] == "red"
    assert is_secret(lab.resource("b")["inputs"]["copy"]), "a secret stays one where it is passed on"
    stack = lab.resources()[0]
    assert is_secret(stack["outputs"]["password"])
    assert summary.outputs == {"password": "hunter22", "color": "red"}
    assert read_outputs(lab.state_path) == summary.outputs
    assert "hunter22" not in repr(summary)


def test_secret_marks_alone_are_no_change_and_are_recorded(lab: Lab) -> None:
    lab.up('Thing("a", password="hunter22")')
    assert lab.up('Thing("a", password=pulumi.Output.secret("hunter22"))').counts == {"same": 2}
    assert is_secret(lab.resource("a")["inputs"]["password"])
    assert is_secret(lab.resource("a")["outputs"]["password"])


def test_secrets_are_masked_in_messages_and_errors(lab: Lab) -> None:
    lab.config, lab.secret_keys = {"test:key": "k3y-of-config"}, frozenset({"test:key"})
    lab.cloud.faults["create", "a"] = ProviderError("CreateThing: bad password hunter22")
    with pytest.raises(DeploymentFailed) as caught:
        lab.up('print("k3y-of-config"); Thing("a", password=pulumi.Output.secret("hunter22"))')
    assert "CreateThing: bad password [secret]" in str(caught.value)
    shown = json.dumps(lab.recorder.messages)
    assert "[secret]" in shown
    assert "hunter22" not in shown
    assert "k3y-of-config" not in shown


def test_a_secret_that_the_cloud_made_up_is_masked_too(lab: Lab) -> None:
    lab.up('Thing("a").secretToken.apply(lambda token: print("got", token))')
    assert lab.recorder.texts("info") == ["got [secret]"]


def test_the_state_its_journal_and_its_lock_are_readable_by_their_owner_only(lab: Lab) -> None:
    modes = {}

    def look(operation: str, name: str) -> None:
        if (operation, name) == ("create", "b"):
            journal = lab.state_path.with_name("test.json.journal")
            modes["journal"] = stat.S_IMODE(journal.stat().st_mode)

    lab.cloud.during = look
    lab.up(PROGRAM)
    modes["state"] = stat.S_IMODE(lab.state_path.stat().st_mode)
    modes["lock"] = stat.S_IMODE(lab.state_path.with_name("test.json.lock").stat().st_mode)
    assert modes == {"journal": 0o600, "state": 0o600, "lock": 0o600}
