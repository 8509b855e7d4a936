"""Executions of the lead flow: what became of one, and the one that replays a lead."""

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from operations.errors import NotTaken
from operations.stack import Stack

RUNNING, GONE = "RUNNING", "GONE"


@dataclass(frozen=True, kw_only=True)
class Execution:
    """`status`: Step Functions' own, or GONE where it knows no such execution (any more)."""

    arn: str
    status: str
    input: str | None = None


class Executions:
    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("stepfunctions")
        self._flow = stack.flow_arn

    def describe(self, arn: str) -> Execution:
        try:
            answer = self._client.describe_execution(executionArn=arn)
        except ClientError as error:
            if _code(error) in ("ExecutionDoesNotExist", "InvalidArn"):
                return Execution(arn=arn, status=GONE)
            raise
        return Execution(arn=arn, status=answer["status"], input=answer.get("input"))

    def start_once(
        self, lead_id: str, failed_execution: str, event: str, still_failed: Callable[[], bool]
    ) -> tuple[Execution, bool] | None:
        """The execution that replays this very failure, and whether it was started now; None: no need any more.

        Its name is made from the failure, and Step Functions takes a name once: whoever asks again, or at the
        same moment, finds that execution instead of starting another. An earlier replay that has ended without
        any effect on the lead makes room for the next.
        """
        digest = hashlib.sha256(f"{lead_id} {failed_execution}".encode()).hexdigest()[:32]
        for attempt in itertools.count(1):
            name = f"replay-{digest}-{attempt}"
            arn = f"{self._flow.replace(':stateMachine:', ':execution:')}:{name}"
            try:
                answer = self._client.start_execution(stateMachineArn=self._flow, name=name, input=event)
            except ClientError as error:
                if _code(error) != "ExecutionAlreadyExists":
                    raise
            else:
                if answer.get("executionArn") != arn:
                    raise NotTaken(f"{lead_id}: Step Functions did not say that it started {arn}.")
                return Execution(arn=arn, status=RUNNING), True
            earlier = self.describe(arn)
            if earlier.status == RUNNING:
                return earlier, False
            if not still_failed():
                return None
        raise AssertionError("unreachable")


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
