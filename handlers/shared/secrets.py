"""Secrets Manager. A value that could work is kept for the life of the execution environment, any other never.

Nothing of a value reaches an error or a log, however malformed it is.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeGuard, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import aws, log
from handlers.shared.errors import Unavailable

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# How often one execution environment asks: so many times at once, and then once in so many seconds.
READS_AT_ONCE = 20
SECONDS_FOR_A_READ = 1.0


class SecretSource(Protocol[T_co]):
    """Raises Unavailable when the value can't be read, or is none that could work."""

    def get(self, *, fresh: bool = False) -> T_co: ...


class ManagedSecret(Generic[T]):
    """One secret's current value. `fresh=True` reads it again: so a warm function survives a rotation.

    `parse` answers None for a text that is not what it should be; the next call reads again.
    """

    def __init__(
        self, client: Any, arn: str, parse: Callable[[str], T | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._arn = arn
        self._parse = parse
        self._value: T | None = None
        self._clock = clock
        self._reads_left = float(READS_AT_ONCE)
        self._counted_at = clock()

    def get(self, *, fresh: bool = False) -> T:
        if self._value is None or fresh:
            self._value = self._read()
        return self._value

    def _read(self) -> T:
        self._spend()
        try:
            answer = aws.call(self._client.get_secret_value, "SecretString", SecretId=self._arn)
        except (BotoCoreError, ClientError) as error:
            log.error("a secret can't be read", secret=self._arn, reason=_reason(error))
            raise Unavailable("a secret can't be read; try again later") from error
        text = answer["SecretString"]
        value = self._parse(text) if isinstance(text, str) else None
        if value is None:
            log.error("a secret does not hold what it should", secret=self._arn, check=self._parse.__name__)
            raise Unavailable("a secret does not hold what it should; try again later")
        return value

    def _spend(self) -> None:
        """A wrong secret under load must not become a storm of reads."""
        now = self._clock()
        earned = (now - self._counted_at) / SECONDS_FOR_A_READ
        self._reads_left = min(float(READS_AT_ONCE), self._reads_left + earned)
        self._counted_at = now
        if self._reads_left < 1:
            raise Unavailable("a secret is wrong and has just been read again; try again later")
        self._reads_left -= 1


@dataclass(frozen=True, kw_only=True)
class Credentials:
    username: str
    password: str = field(repr=False)


def parse_credentials(text: str) -> Credentials | None:
    """`{"username", "password"}`, each a text that is not empty; other members are left alone."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    username, password = value.get("username"), value.get("password")
    if not _is_text(username) or not _is_text(password):
        return None
    return Credentials(username=username, password=password)


def _is_text(value: object) -> TypeGuard[str]:
    """Whether it is text that can be sent: JSON may hold half of a surrogate pair."""
    return isinstance(value, str) and value != "" and value.encode(errors="replace").decode() == value


def _reason(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
