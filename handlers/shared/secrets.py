"""Secrets Manager, cached for the life of the execution environment until somebody asks for a fresh value."""

from typing import Any, Protocol


class SecretSource(Protocol):
    def get(self, *, fresh: bool = False) -> str: ...


class ManagedSecret:
    """One secret's current value. `fresh=True` reads it again: so a warm function survives a rotation."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn
        self._value: str | None = None

    def get(self, *, fresh: bool = False) -> str:
        if self._value is None or fresh:
            self._value = str(self._client.get_secret_value(SecretId=self._arn)["SecretString"])
        return self._value
