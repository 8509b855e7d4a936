"""A stack under faults: leads go in, and everything that became of them is read back from outside."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.leads import Lead
from tests.faults.plan import PATIENCE
from tests.faults.wiring import Lines, lines, scaled_waits
from tests.stack import Stack, wait_for

ENTRIES_AT_ONCE = 10  # what PutEvents takes
KEYS_AT_ONCE = 100  # what BatchGetItem takes
FINAL = ("COMPLETED", "FAILED")


class Bench:
    """`home`: the local cloud's, whose database lets its administrator in by a socket."""

    def __init__(self, stack: Stack, home: Path, wired: Lines) -> None:
        self.stack = stack
        self.home = home
        self.lines = wired
        self.plan = wired.plan
        self._events = stack.client("events")
        self._table = stack.client("dynamodb")
        self.flow = stack.client("stepfunctions")
        self._queue = stack.client("sqs")
        self._alerts = self._listen_to_alerts()

    def put(self, leads: Iterable[Lead]) -> None:
        """Their events on the bus, as an app puts them."""
        batch = list(leads)
        for at in range(0, len(batch), ENTRIES_AT_ONCE):
            part = batch[at : at + ENTRIES_AT_ONCE]
            answer = self._events.put_events(
                Entries=[
                    {
                        "EventBusName": self.stack.outputs["event_bus_name"],
                        "Source": f"leadbridge.{lead.data['origin']}",
                        "DetailType": "LeadReceived",
                        "Detail": json.dumps(lead.detail),
                    }
                    for lead in part
                ]
            )
            assert answer["FailedEntryCount"] == 0, answer
            for lead in part:
                lead.sent += 1

    def submit(self, lead: Lead, patience: float = PATIENCE) -> list[int]:
        """Through the API, again until it is accepted, as a sender does; the statuses before."""
        refused: list[int] = []

        def attempt() -> bool | None:
            response = self.stack.request("POST", "/leads", lead.data)
            if response.status == 202:
                lead.id = response.json()["leadId"]
                lead.sent += 1
                return True
            assert response.status >= 429, f"the API refused a good lead: {response.status} {response.data!r}"
            refused.append(response.status)
            return None

        wait_for(attempt, patience, "a lead to be accepted")
        return refused

    def items(self, leads: Iterable[Lead]) -> dict[str, dict[str, Any]]:
        """The table's items by lead id, in DynamoDB's notation."""
        name = self.stack.outputs["lead_table_name"]
        ids = list({lead.id for lead in leads})
        found: dict[str, dict[str, Any]] = {}
        for at in range(0, len(ids), KEYS_AT_ONCE):
            keys = [{"leadId": {"S": lead_id}} for lead_id in ids[at : at + KEYS_AT_ONCE]]
            while keys:
                answer = self._table.batch_get_item(RequestItems={name: {"Keys": keys, "ConsistentRead": True}})
                found |= {item["leadId"]["S"]: item for item in answer["Responses"][name]}
                keys = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
        return found

    def settle(self, leads: Iterable[Lead], *, among: Iterable[str] = FINAL, timeout: float = PATIENCE) -> None:
        """Until every lead has one of the statuses."""
        waiting, wanted = list(leads), set(among)

        def look() -> bool | None:
            items = self.items(waiting)
            waiting[:] = [lead for lead in waiting if items.get(lead.id, _NOTHING)["status"]["S"] not in wanted]
            if waiting:
                time.sleep(0.05)
            return None if waiting else True

        try:
            wait_for(look, timeout, "leads to end")
        except AssertionError:
            states = [self.items([lead]).get(lead.id) for lead in waiting[:3]]
            raise AssertionError(f"{len(waiting)} leads have not ended in {timeout} s, such as {states}") from None

    def executions(self, since: float = 0, **narrow: str) -> list[dict[str, Any]]:
        """Those that started since, with their inputs; `statusFilter` narrows them."""
        pages = self.flow.get_paginator("list_executions").paginate(
            stateMachineArn=self.stack.outputs["lead_flow_arn"], **narrow
        )
        arns = [
            each["executionArn"]
            for page in pages
            for each in page["executions"]
            if each["startDate"].timestamp() >= since
        ]
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda arn: self.flow.describe_execution(executionArn=arn), arns))

    def wait_until_idle(self, timeout: float = PATIENCE) -> None:
        """No execution runs any more."""
        arn = self.stack.outputs["lead_flow_arn"]

        def look() -> bool | None:
            listed = self.flow.list_executions(stateMachineArn=arn, statusFilter="RUNNING", maxResults=1)
            return None if listed["executions"] else True

        wait_for(look, timeout, "the executions to end")

    def wait_for_failed_tasks(self, leads: list[Lead], state: str) -> None:
        """Until each of them has met an error in the state, which its execution is about to retry."""
        waiting = {lead.id for lead in leads}

        def look() -> bool | None:
            for execution in self.executions(statusFilter="RUNNING"):
                lead_id = json.loads(execution["input"])["detail"].get("leadId")
                if lead_id in waiting and self._failed_in(execution["executionArn"], state):
                    waiting.discard(lead_id)
            return None if waiting else True

        wait_for(look, PATIENCE, f"{len(waiting)} leads to meet an error in {state}")

    def _failed_in(self, execution: str, state: str) -> bool:
        inside = False
        for event in self.flow.get_execution_history(executionArn=execution, maxResults=1000)["events"]:
            if event["type"] == "TaskStateEntered":
                inside = event["stateEnteredEventDetails"]["name"] == state
            elif event["type"] == "TaskFailed" and inside:
                return True
        return False

    def alerts(self) -> list[dict[str, str]]:
        """What was alerted since the last call."""
        found = []
        while True:
            answer = self._queue.receive_message(QueueUrl=self._alerts, MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                return found
            found += [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
            self._queue.delete_message_batch(
                QueueUrl=self._alerts,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )

    def log_lines(self, since: float) -> Iterator[tuple[str, str]]:
        """(function, line) of every function, without Lambda's own START, END and REPORT."""
        logs = self.stack.client("logs")
        for function in self.lines.aws:
            group = f"/aws/lambda/{self.lines.name_of(function)}"
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=int(since * 1000)
            )
            for page in pages:
                for event in page["events"]:
                    if not event["message"].startswith(("START ", "END ", "REPORT ")):
                        yield function, event["message"]

    def _listen_to_alerts(self) -> str:
        """A queue that gets what the topic's subscribers get."""
        url = self._queue.create_queue(QueueName=f"alerts-heard-{time.time_ns()}")["QueueUrl"]
        arn = self._queue.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = self.stack.outputs["alert_topic_arn"]
        allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]}
        self._queue.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        self.stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return url


_NOTHING = {"status": {"S": "unknown"}}


@contextmanager
def bench(stack: Stack, home: Path, scale: float) -> Iterator[Bench]:
    """The stack with a proxy on each line. `scale`: of the state machine's waits."""
    with lines(stack) as wired, scaled_waits(stack, scale):
        yield Bench(stack, home, wired)


def in_parallel(work: Callable[[Any], Any], items: Iterable[Any], at_once: int = 32) -> list[Any]:
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(work, items))
