"""The process that the Pulumi CLI starts."""

import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local_cloud.pulumi_cli.engine import PLUGIN


def start(folder: Path, **environment: str) -> subprocess.Popen[str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    link = folder / PLUGIN.name
    link.symlink_to(PLUGIN)
    return subprocess.Popen(
        [link, "127.0.0.1:1"],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with start(tmp_path, LEADBRIDGE_HOME=str(tmp_path / "home")) as process:
        yield process
        process.kill()


def test_it_says_its_port_and_has_the_version_that_the_program_asks_for(
    plugin: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert plugin.stdout
    with grpc.insecure_channel(f"127.0.0.1:{plugin.stdout.readline().strip()}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        assert stub.GetPluginInfo(empty_pb2.Empty()).version == importlib.metadata.version("pulumi-aws")
        with pytest.raises(grpc.RpcError) as caught:
            stub.Configure(provider_pb2.ConfigureRequest())
    assert caught.value.details() == f"the local cloud in {tmp_path / 'home'} is not running: start it with `up`"


def test_it_ends_when_the_cli_is_gone(plugin: subprocess.Popen[str]) -> None:
    assert plugin.stdin
    assert plugin.stdout
    plugin.stdout.readline()
    plugin.stdin.close()
    assert plugin.wait(20) == 0


def test_without_a_home_it_says_whose_it_is(tmp_path: Path) -> None:
    with start(tmp_path, LEADBRIDGE_HOME="") as process:
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said.startswith("LEADBRIDGE_HOME is not set: this plugin is for")
