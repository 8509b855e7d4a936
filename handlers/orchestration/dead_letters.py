"""The dead-letter queue, for what CatchErrors can record under no id: an event that carries another lead's."""

import json
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import aws, settings, strict_json
from handlers.shared.errors import Unavailable


class DeadLetterQueue:
    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def put(self, event: Any, execution: str, code: str, reason: str) -> None:
        """As EventBridge would: the event, and why as attributes. May be repeated. Raise Unavailable.

        `reason` holds no personal data. An event nested too deeply is named by its execution, whose input it is.
        """
        body = f"the input of {execution}" if strict_json.is_too_deep(event) else json.dumps(event)
        attributes = {"ERROR_CODE": code, "ERROR_MESSAGE": reason}
        try:
            aws.call(
                self._client.send_message,
                "MessageId",
                QueueUrl=self._url,
                MessageBody=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("the dead-letter queue can't be reached; try again later") from error


@cache
def from_environment() -> DeadLetterQueue:
    return DeadLetterQueue(aws.client("sqs"), settings.required("DEAD_LETTER_QUEUE_URL"))
