"""One deployed stack for each worker: the one that the environment names, or a local one of the tests' own."""

import os
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from support import contract, journal
from support.loopback import spare_from_proxies
from support.stack import Stack, local_cloud

spare_from_proxies()


def pytest_report_header() -> str:
    return f"contract: SEED={contract.seed()}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    given = Stack.given()
    if given:
        with nullcontext() if journal.FILE in os.environ else journal.opened(given.url):
            yield given
        return
    home = tmp_path_factory.mktemp("home")
    os.environ[journal.FOLDER] = str(home / "test-rows")  # the rows go with the stack
    try:
        stack = Stack.deployed(home)
        with nullcontext() if journal.FILE in os.environ else journal.opened(stack.url):
            yield stack
    finally:
        local_cloud("down", home)
