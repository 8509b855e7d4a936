"""One deployed stack for each worker: the one that the environment names, or a local one of the tests' own."""

from collections.abc import Iterator

import pytest
from support import contract
from support.loopback import spare_from_proxies
from support.stack import Stack, local_cloud

spare_from_proxies()


def pytest_report_header() -> str:
    return f"contract: SEED={contract.seed()}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    given = Stack.given()
    if given:
        yield given
        return
    home = tmp_path_factory.mktemp("home")
    try:
        yield Stack.deployed(home)
    finally:
        local_cloud("down", home)
