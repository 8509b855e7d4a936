"""AWS clients: made at first use, one for each execution environment, with bounded time-outs."""

from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# Both tries together stay below the shortest function time-out, that of the backends.
_CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})


@cache
def client(service: str) -> Any:
    return boto3.client(service, config=_CONFIG)


class UnreadableAnswer(BotoCoreError):  # type: ignore[misc] # botocore has no types
    """AWS, or something on the way to it, answered in other words than AWS's: the work may be done or not."""

    fmt = "an answer that can't be read"


def call(method: Callable[..., Any], proof: str | None = None, **arguments: Any) -> dict[str, Any]:
    """The answer. `proof`: the member by which it says that the work is done.

    Raises BotoCoreError or ClientError.
    """
    try:
        answer = dict(method(**arguments))
    except (BotoCoreError, ClientError):
        raise
    except Exception as error:  # botocore lets the errors of its parsers out: ResponseParserError, KeyError, …
        raise UnreadableAnswer from error
    if proof is not None and proof not in answer:
        raise UnreadableAnswer
    return answer
