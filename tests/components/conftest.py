import copy
from collections.abc import Callable
from functools import cache

import pytest

from components import openapi
from tests.components.graph import ROOT, STACKS, Graph, record


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


@pytest.fixture(scope="session")
def contract() -> openapi.Document:
    return openapi.load(ROOT / "openapi.yaml")


@pytest.fixture
def document(contract: openapi.Document) -> openapi.Document:
    """A copy of the contract, to change."""
    return copy.deepcopy(contract)
