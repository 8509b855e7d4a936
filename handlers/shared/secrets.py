"""Secrets Manager, cached for the life of the execution environment until somebody asks for a fresh value."""

from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import aws
from handlers.shared.errors import Unavailable


class SecretSource(Protocol):
    """Raises Unavailable when the value can't be read."""

    def get(self, *, fresh: bool = False) -> str: ...


class ManagedSecret:
    """One secret's current value. `fresh=True` reads it again: so a warm function survives a rotation."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn
        self._value: str | None = None

    def get(self, *, fresh: bool = False) -> str:
        if self._value is None or fresh:
            try:
                answer = aws.call(self._client.get_secret_value, "SecretString", SecretId=self._arn)
            except (BotoCoreError, ClientError) as error:
                raise Unavailable("a secret can't be read; try again later") from error
            self._value = str(answer["SecretString"])
        return self._value
