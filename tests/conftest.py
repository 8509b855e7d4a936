"""What tests of several folders share: a deployed local stack that they only use, and the graph of each stack."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.components.graph import STACKS, Graph, record
from tests.stack import LocalCloud, Stack


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("home"))
    cloud.up()
    yield cloud
    cloud.down()


@pytest.fixture(scope="session")
def stack(cloud: LocalCloud) -> Stack:
    return Stack(cloud.outputs())


@pytest.fixture(scope="session")
def graph_of() -> Callable[[str], Graph]:
    """The graph of a stack, recorded once."""
    return cache(record)


@pytest.fixture(scope="session", params=STACKS)
def graph(request: pytest.FixtureRequest, graph_of: Callable[[str], Graph]) -> Graph:
    return graph_of(request.param)


@pytest.fixture(scope="session")
def dev(graph_of: Callable[[str], Graph]) -> Graph:
    return graph_of("dev")


@pytest.fixture(scope="session")
def prod(graph_of: Callable[[str], Graph]) -> Graph:
    return graph_of("prod")
