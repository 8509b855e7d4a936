"""What the parts of one preview, deployment or destruction share."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from .errors import EngineError
from .goal import Goal
from .model import Reporter, Stack, Step
from .provider import CheckFailed, Provider, ProviderError
from .resource import Resource
from .state import State
from .urn import describe, make_urn, name_of
from .values import SECRET_MASK, secret_texts

T = TypeVar("T")

SHORTEST_MASKED_TEXT = 4
"""Masking shorter secrets would hide ordinary words."""


class Stopping(EngineError):
    """The deployment is being stopped; nothing new begins."""


class AlreadyReported(EngineError):
    """A failure whose cause has been reported."""


class Run:
    def __init__(
        self,
        stack: Stack,
        state: State,
        provider: Provider,
        reporter: Reporter,
        *,
        parallel: int,
        preview: bool,
        stopping: threading.Event,
    ) -> None:
        self.stack, self.state, self.provider = stack, state, provider
        self.preview, self.parallel = preview, parallel
        self.registered: dict[str, Resource] = {}
        self.replaced: set[str] = set()
        self.errors: list[str] = []
        self.steps: list[Step] = []
        self._claimed: set[str] = set()
        self._reporter = reporter
        self._slots = threading.BoundedSemaphore(parallel)
        self._stopping = stopping
        self._lock = threading.Lock()
        self._secrets: set[str] = set()
        self.learn_secrets(stack.config[key] for key in stack.secret_keys if key in stack.config)

    def urn(self, goal: Goal) -> str:
        return make_urn(self.stack.name, self.stack.project, goal.parent, goal.type, goal.name)

    def claim(self, urn: str) -> None:
        with self._lock:
            if urn in self._claimed:
                raise EngineError(
                    f"{describe(urn)}: registered twice by the program ({urn}); give one another name"
                )
            self._claimed.add(urn)

    def is_claimed(self, urn: str) -> bool:
        with self._lock:
            return urn in self._claimed

    # What is shown

    def learn_secrets(self, texts: Iterable[str]) -> None:
        with self._lock:
            self._secrets.update(text for text in texts if len(text) >= SHORTEST_MASKED_TEXT)

    def learn_secrets_of(self, properties: Mapping[str, Any]) -> None:
        self.learn_secrets(secret_texts(dict(properties)))

    def masked(self, text: str) -> str:
        with self._lock:
            for secret in sorted(self._secrets, key=len, reverse=True):
                text = text.replace(secret, SECRET_MASK)
        return text

    def message(self, severity: str, text: str) -> None:
        masked = self.masked(text)
        with self._lock:
            self._reporter.message(severity, masked)

    def fail(self, text: str) -> None:
        """Reports an error, and makes the deployment end as failed."""
        masked = self.masked(text)
        with self._lock:
            self.errors.append(masked)
            self._reporter.message("error", masked)

    def step(self, op: str, resource: Resource, detail: str = "") -> None:
        if resource.is_default_provider:
            return
        with self._lock:
            name = name_of(resource.urn)
            self.steps.append(Step(op, resource.type, name, resource.urn, detail))
            self._reporter.step(op, resource.type, name, detail)

    def counts(self) -> dict[str, int]:
        return dict(Counter(step.op for step in self.steps))

    # Work

    def call(self, what: str, urn: str, function: Callable[[], T]) -> T:
        """Runs a call of the provider, at most `parallel` at a time."""
        with self._slots:
            if self._stopping.is_set():
                raise Stopping("the deployment is being stopped")
            return _explained(what, urn, function)

    def call_unexplained(self, function: Callable[[], T]) -> T:
        """Like `call`, with the provider's own exceptions."""
        with self._slots:
            if self._stopping.is_set():
                raise Stopping("the deployment is being stopped")
            return function()

    def operate(self, kind: str, resource: Resource, function: Callable[[], T]) -> T:
        """Runs a call that changes the cloud; the caller records its outcome in the state."""
        what = {"creating": "create", "updating": "update", "deleting": "delete"}[kind]
        with self._slots:
            if self._stopping.is_set():
                raise Stopping("the deployment is being stopped")
            self.state.begin(kind, resource)
            try:
                return _explained(what, resource.urn, function)
            except BaseException:
                self.state.abandon(resource.urn)
                raise


def _explained(what: str, urn: str, function: Callable[[], T]) -> T:
    try:
        return function()
    except (CheckFailed, ProviderError, EngineError) as error:
        raise EngineError(f"{describe(urn)}: {what} failed: {error}") from error
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise EngineError(
            f"{describe(urn)}: {what} failed: {type(error).__name__}: {error}"
            f" (a fault of the provider, at {frame.filename}:{frame.lineno})"
        ) from error
