"""The emulator's process: MiniStack with its repairs, behind its guard, on one loopback port.

The owner's key pair comes in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which nobody else can read.

Usage: python -m local_cloud.emulator.server --port 24566 --lambda-python .venv-lambda/…/bin/python …
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local_cloud.aws_key import AwsKey


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    _raise_open_files_limit()
    # MiniStack reads its settings when it is imported, so they are set before.
    os.environ.update(GATEWAY_PORT=str(options.port), BIND_HOST="127.0.0.1")

    from local_cloud.emulator.repairs import (
        execution_start,
        function_credentials,
        gateway_errors,
        lambda_logs,
        lambda_runtime,
    )

    execution_start.apply()
    function_credentials.apply()
    gateway_errors.apply()
    lambda_logs.apply()
    lambda_runtime.apply(
        python=options.lambda_python,
        marker=options.marker,
        folder=Path(tempfile.gettempdir()) / "lambda-code",
        endpoint_url=f"http://127.0.0.1:{options.port}",
        workers_per_function=options.workers_per_function,
        idle_seconds=options.idle_seconds,
    )
    asyncio.run(serve_guarded(options.port, options.start_id))


async def serve_guarded(port: int, start_id: str) -> None:
    """MiniStack behind the guard, until the process is told to end."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    from local_cloud.emulator.guard import Guard

    key = AwsKey(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    guarded: Any = Guard(app, port=port, key=key, start_id=start_id)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.backlog = 1024
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = sys.maxsize
    config.graceful_timeout = 0.5
    config.loglevel = os.environ.get("LOG_LEVEL", "WARNING")
    await serve(guarded, config)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--start-id", required=True, help="a fresh random word for this run")
    parser.add_argument("--marker", required=True, help="a word by which this cloud's processes are found")
    parser.add_argument("--lambda-python", type=Path, required=True, help="the interpreter that runs functions")
    parser.add_argument("--workers-per-function", type=int, default=4)
    # MiniStack's own variable for the same thing.
    idle = float(os.environ.get("LAMBDA_WARM_TTL_SECONDS", "60"))
    parser.add_argument("--idle-seconds", type=float, default=idle, help="until a surplus worker ends")
    return parser.parse_args(arguments)


def _raise_open_files_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
