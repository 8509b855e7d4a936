"""Python functions run on our own runtime, in a clean interpreter, on a bounded number of workers.

MiniStack 1.5.33 runs them on its own interpreter with its own packages and variables, starts a process for
every concurrent call (a burst of 100 leads: 265 processes, 7.7 GB), kills the process after a handler's exception,
names every exception Runtime.HandlerError so that no Catch or Retry matches it, and waits 50 ms for the log lines
of a handler that wrote none.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_cloud.emulator.lambda_executor import Executor, Result
from local_cloud.emulator.lambda_pool import Pools
from local_cloud.emulator.repairs import replace


def apply(
    *, python: Path, marker: str, folder: Path, endpoint_url: str, workers_per_function: int, idle_seconds: float
) -> None:
    pools = Pools(workers_per_function, idle_seconds)
    executor = Executor(
        python=python,
        marker=marker,
        folder=folder,
        endpoint_url=endpoint_url,
        pools=pools,
        account_and_region=lambda_runtime._account_region_from_function_config,
        credentials=lambda_runtime.execution_credentials,
    )

    def execute(func: dict[str, Any], event: Any, request_id: str) -> Result:
        config = func.get("config") or func
        if not str(config.get("Runtime", "")).startswith("python"):
            other: Result = original_execute(func, event, request_id)
            return other
        return executor.execute(func, event, request_id, lambda_svc._xray_trace_id_for_invocation(config))

    def invalidate(
        func_name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
    ) -> None:
        executor.retire(func_name, qualifier, account, region)
        original_invalidate(func_name, qualifier, account, region)

    def reset() -> None:
        pools.retire()
        original_reset()

    original_execute = replace(lambda_svc, "_execute_function_warm", execute, parameters="func, event, request_id")
    original_invalidate = replace(
        lambda_svc, "invalidate_worker", invalidate, parameters="func_name, qualifier, account, region"
    )
    original_reset = replace(lambda_runtime, "reset", reset, parameters="")
    threading.Thread(target=pools.reap_forever, daemon=True, name="leadbridge-idle-workers").start()
