"""The dead-letter queue: events that could not start an execution, and events that are no leads.

Nothing in a message is believed but what SQS says of it: whoever may send to the queue has written the rest.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from handlers.shared import strict_json
from operations.stack import Stack

BATCH = 10  # what SQS gives and takes at once
# How long a message is hidden while it is looked at; after a kill of the command, too.
HIDDEN_SECONDS = 300
LAST_LOOK_SECONDS = 1


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """`event` is None for a message that is no event. `error`: why EventBridge or Lambda gave up, if it says so.

    `message_id` is SQS's own and tells letters apart; ids inside of an event may be anybody's.
    """

    message_id: str
    receipt: str
    event: Mapping[str, Any] | None
    error: str
    error_text: str
    sent_at: float


class DeadLetters:
    def __init__(self, stack: Stack) -> None:
        self._queue = stack.client("sqs")
        self._url = stack.queue_url

    @contextmanager
    def held(self) -> Iterator[Iterator[DeadLetter]]:
        """Reads the queue to its end. What was read is hidden meanwhile, and what wasn't deleted is seen again."""
        held: dict[str, DeadLetter] = {}
        try:
            yield self._read(held)
        finally:
            self._show_again(list(held.values()))

    def delete(self, letter: DeadLetter) -> None:
        self._queue.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)

    def _read(self, held: dict[str, DeadLetter]) -> Iterator[DeadLetter]:
        while True:
            answer = self._queue.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=HIDDEN_SECONDS,
                # a long poll asks every server of the queue: an empty answer then means that it is empty
                WaitTimeSeconds=LAST_LOOK_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            letters = [_letter(message) for message in answer.get("Messages", ())]
            new = [letter for letter in letters if letter.message_id not in held]
            held |= {letter.message_id: letter for letter in letters}
            if not new:  # at the end, or once around because reading took longer than they stay hidden
                return
            yield from new

    def _show_again(self, letters: list[DeadLetter]) -> None:
        for start in range(0, len(letters), BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                for number, letter in enumerate(letters[start : start + BATCH])
            ]
            # those that were deleted are answered as failed entries, which is right
            self._queue.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    attributes = {
        name: str(value.get("StringValue", "")) for name, value in message.get("MessageAttributes", {}).items()
    }
    body = _parsed(message["Body"])
    if isinstance(body, dict) and isinstance(context := body.get("requestContext"), dict):
        # Lambda's record of an asynchronous call that failed for good:
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        answer = body.get("responsePayload")
        error_type = answer.get("errorType", "an error") if isinstance(answer, dict) else "no answer"
        attributes = {
            "ERROR_CODE": str(context.get("condition", "")),
            "ERROR_MESSAGE": f"the function ended with {error_type}",
        }
        body = body.get("requestPayload")
    return DeadLetter(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        event=body if _is_event(body) else None,
        error=attributes.get("ERROR_CODE", ""),
        error_text=attributes.get("ERROR_MESSAGE", ""),
        sent_at=int(message["Attributes"]["SentTimestamp"]) / 1000,
    )


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return None if strict_json.is_too_deep(value) else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _is_event(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(value.get(name), str) for name in ("id", "source", "detail-type"))
        and isinstance(value.get("detail"), dict)
        and isinstance(resources := value.get("resources", []), list)
        and all(isinstance(each, str) for each in resources)
    )
