"""AWS clients: made at first use, one for each execution environment, with bounded time-outs."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# Both tries together stay below the shortest function time-out, that of the backends.
_CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})


@cache
def client(service: str) -> Any:
    return boto3.client(service, config=_CONFIG)
