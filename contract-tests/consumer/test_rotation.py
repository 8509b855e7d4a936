"""The API key may be rotated while the flow's functions are warm."""

import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from support import contract, rut
from support.stack import Stack


@pytest.fixture
def rotate(stack: Stack) -> Iterator[Callable[[], None]]:
    """Brings a new key into use and takes the old one its plan; afterwards the old one is in use again."""
    if not stack.outputs:
        pytest.skip("the key of a stage elsewhere is not this test's to rotate")
    gateway, secrets = stack.aws("apigateway"), stack.aws("secretsmanager")
    (old,) = (each for each in gateway.get_api_keys(includeValues=True)["items"] if each["value"] == stack.api_key)
    (plan,) = gateway.get_usage_plans(keyId=old["id"])["items"]
    (secret,) = (
        each["ARN"]
        for each in secrets.list_secrets()["SecretList"]
        if secrets.get_secret_value(SecretId=each["ARN"])["SecretString"] == stack.api_key
    )
    new = gateway.create_api_key(name=f"rotated-{uuid.uuid4().hex[:8]}", enabled=True)
    value = gateway.get_api_key(apiKey=new["id"], includeValue=True)["value"]
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=new["id"], keyType="API_KEY")

    def rotated() -> None:
        secrets.put_secret_value(SecretId=secret, SecretString=value)
        gateway.delete_usage_plan_key(usagePlanId=plan["id"], keyId=old["id"])

    yield rotated
    known = {each["id"] for each in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]}
    if old["id"] not in known:
        gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=old["id"], keyType="API_KEY")
    secrets.put_secret_value(SecretId=secret, SecretString=stack.api_key)
    gateway.delete_usage_plan_key(usagePlanId=plan["id"], keyId=new["id"])
    gateway.delete_api_key(apiKey=new["id"])


def completed(stack: Stack) -> bool:
    body = contract.example("submitLead", rut.new())
    lead_id = contract.hold("submitLead", stack.request("POST", "/leads", body, key=False), 202)["leadId"]
    stack.await_leads([lead_id])
    status = contract.hold("getLead", stack.request("GET", f"/leads/{lead_id}", key=False), 200)
    return bool(status["status"] == "COMPLETED")


def test_a_rotated_key_fails_no_lead(stack: Stack, rotate: Callable[[], None]) -> None:
    assert completed(stack), "the functions are warm from here on"
    rotate()
    refused = stack.request("POST", "/create_client", contract.example("createClient", rut.new()))
    contract.hold("createClient", refused, 403)
    assert completed(stack)


def test_a_key_that_is_put_wrong_for_a_moment_fails_no_lead(stack: Stack, rotate: Callable[[], None]) -> None:
    """What no header could carry: the functions must neither keep it nor say it."""
    secrets = stack.aws("secretsmanager")
    assert completed(stack), "the functions are warm from here on"
    rotate()
    (secret,) = (each["ARN"] for each in secrets.list_secrets()["SecretList"] if "key-secret" in each["Name"])
    right = secrets.get_secret_value(SecretId=secret)["SecretString"]
    secrets.put_secret_value(SecretId=secret, SecretString=f"{right}\n")
    body = contract.example("submitLead", rut.new())
    lead_id = contract.hold("submitLead", stack.request("POST", "/leads", body, key=False), 202)["leadId"]
    said = wait_for_log(stack, lead_id, "step not done")
    assert "a secret does not hold what it should" in said
    secrets.put_secret_value(SecretId=secret, SecretString=right)
    stack.await_leads([lead_id])
    status = contract.hold("getLead", stack.request("GET", f"/leads/{lead_id}", key=False), 200)
    assert status["status"] == "COMPLETED"
    assert right not in "".join(log_lines(stack, right)), "a secret is never part of a log"


def log_lines(stack: Stack, text: str) -> list[str]:
    """Those of the functions that hold the text."""
    logs = stack.aws("logs")
    groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    events = (event for group in groups for event in logs.filter_log_events(logGroupName=group)["events"])
    return [event["message"] for event in events if text in event["message"]]


def wait_for_log(stack: Stack, *texts: str) -> str:
    deadline = time.monotonic() + 30
    while True:
        for line in log_lines(stack, texts[0]):
            if all(text in line for text in texts):
                return line
        assert time.monotonic() < deadline, f"no log line with {texts}"
        time.sleep(0.1)
