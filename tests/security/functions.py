"""A deployed function and its role: what it may do, what it really calls, and what happens with less."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from local_cloud.aws_key import AwsKey
from tests.security.iam import Statement
from tests.stack import Stack

# Rights that Lambda itself uses, with the function's role, and SNS for the topic's key, in the function's name:
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html; the emulator needs none of them.
OF_LAMBDA = ("logs:", "ec2:", "xray:", "kms:GenerateDataKey", "kms:Decrypt")


class Function:
    def __init__(self, stack: Stack, name: str) -> None:
        """`name`: without the stack's prefix."""
        self._stack = stack
        self._lambda, self._iam = stack.client("lambda"), stack.client("iam")
        self.name = name
        self.full_name = f"leadbridge-local-{name}"
        self._config = self._lambda.get_function_configuration(FunctionName=self.full_name)
        self._role = self._config["Role"].rpartition("/")[2]
        (self._policy,) = self._iam.list_role_policies(RoleName=self._role)["PolicyNames"]
        found = self._iam.get_role_policy(RoleName=self._role, PolicyName=self._policy)["PolicyDocument"]
        self.statements: list[Statement] = found["Statement"]

    def invoke(self, event: Any) -> bool:
        """Whether it ended well."""
        answer = self._lambda.invoke(FunctionName=self.full_name, Payload=json.dumps(event).encode())
        answer["Payload"].read()
        return "FunctionError" not in answer

    def start_afresh(self) -> None:
        """No present worker serves a further call: what one keeps, such as a secret, is asked for again."""
        self._lambda.update_function_configuration(
            FunctionName=self.full_name, Description=self._config["Description"]
        )

    @contextmanager
    def limited_to(self, statements: Sequence[Statement]) -> Iterator[None]:
        self._put(statements)
        try:
            yield
        finally:
            self._put(self.statements)

    def setting(self, name: str) -> str:
        return str(self._config["Environment"]["Variables"][name])

    def calls(self) -> set[tuple[str, str]]:
        """(action, resource) of what was asked of AWS and not refused, as the audit log has it."""
        trail = self._stack.client("cloudtrail")
        key = [{"AttributeKey": "AccessKeyId", "AttributeValue": self._access_key()}]
        events = trail.lookup_events(LookupAttributes=key)["Events"]
        return {call for event in events for call in _calls(json.loads(event["CloudTrailEvent"]))}

    def _access_key(self) -> str:
        """As the emulator makes it up for a function and its role."""
        text = f"{self._config['FunctionArn']}:{self._config['Role']}"
        return f"ASIA{hashlib.sha256(text.encode()).hexdigest()[:16].upper()}"

    def _put(self, statements: Sequence[Statement]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self._iam.put_role_policy(RoleName=self._role, PolicyName=self._policy, PolicyDocument=document)


def _calls(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    service = event["eventSource"].partition(".")[0]
    asked = event["requestParameters"]
    region, account = event["awsRegion"], event["recipientAccountId"]
    prefix = f"arn:aws:{service}:{region}:{account}"
    action = f"{service}:{asked.get('Action', event['eventName'])}"
    if service == "dynamodb":
        index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
        yield action, f"{prefix}:table/{asked['TableName']}{index}"
    elif service == "secretsmanager":
        yield action, asked["SecretId"]
    elif service == "kms":
        yield action, asked["KeyId"]
    elif service == "sqs":
        yield action, f"{prefix}:{asked['QueueUrl'].rpartition('/')[2]}"
    elif service == "sns":
        yield action, asked["TopicArn"]
    elif service == "events":
        yield from ((action, f"{prefix}:event-bus/{entry['EventBusName']}") for entry in asked["Entries"])
    else:
        raise AssertionError(f"say how to tell the resource of {action}: {asked}")


@contextmanager
def audit_log(stack: Stack) -> Iterator[None]:
    """The emulator's CloudTrail, which is off by default."""
    url = f"{stack.outputs['aws_endpoint_url']}/_ministack/config"
    for state in ("true", "false"):
        body = json.dumps({"cloudtrail._recording_enabled": state}).encode()
        headers = AwsKey.of_outputs(stack.outputs).signed_headers("POST", url, body)
        answer = stack.http.request("POST", url, body=body, headers=headers)
        assert answer.json()["applied"], answer.data
        if state == "true":
            yield
