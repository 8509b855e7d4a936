"""One deployed local stack for all tests of a process that only use it."""

from collections.abc import Iterator

import pytest

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
