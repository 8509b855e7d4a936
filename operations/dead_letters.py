"""The dead-letter queue: events that could not start an execution, and events that are no leads."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from operations.stack import Stack

BATCH = 10  # what SQS gives and takes at once
# How long a message is hidden while it is looked at; after a kill of the command, too.
HIDDEN_SECONDS = 300
LAST_LOOK_SECONDS = 1


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """`event` is None for a message that is no event. `error`: why EventBridge gave up, where it says so."""

    message_id: str
    receipt: str
    event: Mapping[str, Any] | None
    error: str
    error_text: str
    target: str
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
    return DeadLetter(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        event=_event(message["Body"]),
        error=attributes.get("ERROR_CODE", ""),
        error_text=attributes.get("ERROR_MESSAGE", ""),
        target=attributes.get("TARGET_ARN", ""),
        sent_at=int(message["Attributes"]["SentTimestamp"]) / 1000,
    )


def _event(body: str) -> Mapping[str, Any] | None:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("detail"), dict) else None
