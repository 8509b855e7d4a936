from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import cloud, emulator_process, lambda_interpreter
from local_cloud.home import Home, is_free
from tests.local_cloud.lab import Lab, eventually


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
        yield Lab(emulator.endpoint_url)
        cloud.stop(home)


@pytest.fixture(scope="session")
def unrepaired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """MiniStack as it comes."""
    folder = tmp_path_factory.mktemp("unrepaired")
    port = next(port for port in range(32_000, 32_700) if is_free(port))
    env = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "ERROR",
        "SECRET_OF_THE_PERSON": "seen",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=env, cwd=folder, stdout=log, stderr=log
        )
    assert eventually(lambda: not is_free(port), 20), (folder / "log").read_text()
    yield Lab(f"http://127.0.0.1:{port}")
    process.terminate()
    process.wait(20)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home of the test's own, stopped and removed whatever happens."""
    own = Home(tmp_path / "home")
    yield own
    cloud.stop(own)
