"""The process that the Pulumi CLI starts as `pulumi-resource-aws`, by the script in `bin/`."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from local_cloud import cloud
from local_cloud.engine import Provider, ProviderError
from local_cloud.engine.monitor import MESSAGE_OPTIONS
from local_cloud.errors import NotAnswering
from local_cloud.home import HOST, Home
from local_cloud.provider import AwsProvider, DatabaseServer
from local_cloud.pulumi_cli.peers import OwnUserOnly
from local_cloud.pulumi_cli.servicer import Servicer

HOME_VARIABLE = "LEADBRIDGE_HOME"
PARALLEL = 32


def provider_of(home: Home, settings: Mapping[str, str]) -> Provider:
    """Raises ProviderError when the home's cloud does not run, or does not answer."""
    try:
        running = cloud.running(home)
    except NotAnswering as error:
        raise ProviderError(str(error)) from error
    if running is None:
        raise ProviderError(f"the local cloud in {home.path} is not running: start it with `up`")
    database = running.database
    server = DatabaseServer(host=database.host, port=database.port, user=database.user, password=database.password)
    region = {"region": settings["region"]} if "region" in settings else {}
    return AwsProvider(running.emulator.endpoint_url, running.emulator.key, database=server, **region)


def plugin_version() -> str:
    """The one that the program's SDK asks the CLI for."""
    return importlib.metadata.version("pulumi-aws")


def main() -> int:
    path = os.environ.get(HOME_VARIABLE)
    if not path:
        print(  # noqa: T201
            f"{HOME_VARIABLE} is not set: this plugin is for `python -m local_cloud up --engine cli`"
            " and `python -m local_cloud pulumi`, which set it",
            file=sys.stderr,
        )
        return 1
    home = Home(Path(path))
    server = grpc.server(ThreadPoolExecutor(PARALLEL), options=MESSAGE_OPTIONS, interceptors=[OwnUserOnly()])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(
        Servicer(lambda settings: provider_of(home, settings), plugin_version(), Path.cwd()), server
    )
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    print(port, flush=True)  # noqa: T201 - the CLI reads it
    threading.Thread(target=end_with_cli, daemon=True).start()
    server.wait_for_termination()
    return 0


def end_with_cli() -> None:
    """The CLI ends its plugins; when it is killed, the pipe that it holds closes."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
