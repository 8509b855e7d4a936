"""What tests of several folders share: a deployed local stack that they only use, and the graph of each stack."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from components.function import RUNTIME
from local_cloud import loopback
from tests.components.graph import STACKS, Graph, record
from tests.handlers import runtime
from tests.stack import LocalCloud, Stack

os.environ.update(loopback.spared(os.environ))  # every server that a test asks is on this machine


# A shell's background jobs ignore SIGINT, and so would every process that a test starts and interrupts.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    names = runtime.interpreters()
    missing = "" if RUNTIME in names else f"; {RUNTIME}, which AWS runs them on, is not on the PATH"
    return f"functions' archives are tried on: {', '.join(names)}{missing}"


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
