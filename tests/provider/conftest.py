"""A MiniStack of the tests' own, and a provider that works on it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from local_cloud.engine.provider import Diff, Properties
from local_cloud.provider import AwsProvider, DatabaseServer
from tests.plain_emulator import KEY, plain_emulator

REGION = "us-east-1"
DATABASE = DatabaseServer(host="127.0.0.1", port=34117, user="owner", password="a-secret-of-the-server")


@dataclass
class World:
    """The provider as the engine uses it; remembers what it made, to take it away again."""

    endpoint: str
    provider: AwsProvider
    made: list[tuple[str, str, Properties, Properties]] = field(default_factory=list)
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                region_name=REGION,
                endpoint_url=self.endpoint,
                aws_access_key_id=KEY.id,
                aws_secret_access_key=KEY.secret,
            )
        return self.clients[service]

    def check(
        self, type_: str, inputs: Properties, old: Properties | None = None, logical: str = "it"
    ) -> Properties:
        return self.provider.check(type_, urn(type_, logical), old, inputs)

    def make(self, type_: str, /, logical: str = "it", **inputs: Any) -> Properties:
        """Checks and creates; the outputs, with the `id`."""
        checked = self.check(type_, inputs, logical=logical)
        id_, outputs = self.provider.create(type_, urn(type_, logical), checked)
        self.made.append((type_, id_, checked, outputs))
        return {**outputs, "id": id_, "__inputs": checked}

    def change(self, type_: str, made: Properties, /, **inputs: Any) -> tuple[Diff, Properties]:
        """Checks, compares, and updates in place; the difference and the new outputs."""
        old = made["__inputs"]
        new = self.check(type_, inputs, old)
        diff = self.provider.diff(type_, old, made, new)
        assert diff.changed, "the test meant to change something"
        assert not diff.replace, "the test meant an update in place"
        outputs = self.provider.update(type_, made["id"], old, made, new)
        return diff, {**outputs, "id": made["id"], "__inputs": new}

    def clean(self) -> None:
        for type_, id_, inputs, outputs in reversed(self.made):
            self.provider.delete(type_, id_, inputs, outputs)


def urn(type_: str, logical: str) -> str:
    return f"urn:pulumi:local::leadbridge::{type_}::{logical}"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with plain_emulator(tmp_path_factory.mktemp("emulator")) as url:
        yield url


@pytest.fixture(scope="session")
def provider(emulator: str) -> AwsProvider:
    return AwsProvider(emulator, KEY, region=REGION, database=DATABASE)


@pytest.fixture
def world(emulator: str, provider: AwsProvider) -> Iterator[World]:
    world = World(emulator, provider)
    yield world
    world.clean()


@pytest.fixture
def calls(provider: AwsProvider) -> Iterator[Callable[[str], list[str]]]:
    """Gives the list into which the names of a service's operations go as the provider calls them."""
    undo: list[Callable[[], None]] = []

    def watch(service: str) -> list[str]:
        seen: list[str] = []
        events = provider._cloud.client(service).meta.events
        event = f"before-call.{service}"

        def note(model: Any, **_: Any) -> None:
            seen.append(model.name)

        events.register(event, note)
        undo.append(lambda: events.unregister(event, note))
        return seen

    yield watch
    for one in undo:
        one()


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: str


class Http:
    """Requests to an API of the emulator, as a client would make them."""

    def __call__(self, method: str, url: str, body: str | None = None, **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, None if body is None else body.encode(), sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return Reply(reply.status, dict(reply.headers), reply.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read().decode())


@pytest.fixture
def http() -> Http:
    return Http()
