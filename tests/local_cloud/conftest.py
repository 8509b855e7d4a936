from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import cloud, emulator_process, lambda_interpreter
from local_cloud.home import Home
from tests.local_cloud.lab import Lab
from tests.plain_emulator import KEY, plain_emulator


@pytest.fixture(scope="session")
def lambda_python() -> Path:
    return lambda_interpreter.ensure()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, lambda_python: Path) -> Iterator[Lab]:
    """The repaired emulator, shared by the tests that leave it running."""
    home = Home(tmp_path_factory.mktemp("lab") / "home")
    with home.lock("tests"):
        emulator = emulator_process.start(
            home,
            lambda_python=lambda_python,
            region="us-east-1",
            settings={"SFN_WAIT_SCALE": "0.01", "LAMBDA_WARM_TTL_SECONDS": "1"},
        )
        yield Lab.of(emulator)
        cloud.stop(home)


@pytest.fixture(scope="session")
def unrepaired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """MiniStack as it comes."""
    with plain_emulator(
        tmp_path_factory.mktemp("unrepaired"), LOG_LEVEL="ERROR", SECRET_OF_THE_PERSON="seen"
    ) as url:
        yield Lab(url, KEY)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home of the test's own, stopped and removed whatever happens."""
    own = Home(tmp_path / "home")
    yield own
    cloud.stop(own)
