"""Runs an invocation of a Python function on one of its workers, and words every failure as AWS does."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from local_cloud.emulator.lambda_code import CodeStore, environment
from local_cloud.emulator.lambda_pool import NoWorkerFree, Pools
from local_cloud.emulator.lambda_worker import (
    LoadFailed,
    NotDelivered,
    Worker,
    WorkerDied,
    WorkerTimedOut,
)

logger = logging.getLogger("leadbridge.lambda")

INIT_SECONDS = 10.0  # AWS's limit of the init phase, after which it tries once more within the timeout
PATIENCE = 900.0  # how long a call waits for a free worker: the longest that a function may run
MAX_RESPONSE = 6_291_556  # bytes, AWS's limit of a synchronous response

Result = dict[str, Any]


@dataclasses.dataclass
class Served:
    """How the invocation was served, for what writes its log. Times are in seconds."""

    log_stream: str
    init: float | None = None
    duration: float = 0.0


# Of the invocation in this context; None when no worker of ours served it.
served: ContextVar[Served | None] = ContextVar("served", default=None)


class Executor:
    """`credentials` and `region` come from the function's settings, as the emulator knows them."""

    def __init__(
        self,
        *,
        python: Path,
        marker: str,
        folder: Path,
        endpoint_url: str,
        pools: Pools,
        account_and_region: Callable[[Mapping[str, Any]], tuple[str, str]],
        credentials: Callable[[Mapping[str, Any]], Mapping[str, str]],
    ) -> None:
        self._python = python
        self._marker = marker
        self._code = CodeStore(folder)
        self._endpoint_url = endpoint_url
        self._pools = pools
        self._account_and_region = account_and_region
        self._credentials = credentials
        # Its writing end closes when this process dies, however it dies: the workers then end too.
        self._lifeline, self._keep_open = os.pipe()

    def retire(
        self, name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
    ) -> None:
        """The function's code or settings changed, or it is gone: no further call goes to the present workers."""
        wanted = (account, region, name, qualifier)

        def matches(key: str) -> bool:
            return all(want in (None, part) for want, part in zip(wanted, key.split(":"), strict=True))

        self._pools.retire(matches)

    def execute(
        self, function: Mapping[str, Any], event: Any, request_id: str, trace_id: str | None = None
    ) -> Result:
        """The invocation in the form in which the emulator's executors answer."""
        served.set(None)
        config = function.get("config") or function
        archive = function.get("code_zip")
        if not archive:
            return _failure(request_id, "Runtime.InvalidEntrypoint", "the function has no code")
        if config.get("Layers"):
            message = "the local cloud has no Lambda layers: package what the function needs in its archive"
            return _failure(request_id, "Runtime.LayersUnsupported", message)
        account, region = self._account_and_region(config)
        qualifier = config.get("Version", "$LATEST")
        pool = self._pools.of(f"{account}:{region}:{config['FunctionName']}:{qualifier}")
        version = f"{config['CodeSha256']} {config['RevisionId']}"

        def start() -> Worker:
            return self._start(config, archive, version, region)

        try:
            # as text of its own: the runtime says so when it can't read it, and lives
            text = json.dumps(event)
        except RecursionError as error:
            return _failure(request_id, "Runtime.UnmarshalError", f"Unable to unmarshal input: {error}")
        invocation = {
            "event": text,
            "id": request_id,
            "arn": config["FunctionArn"],
            "trace": trace_id,
        }
        timeout = float(config.get("Timeout", 3))
        for attempt in (1, 2):
            try:
                worker, is_new = pool.acquire(version, start, PATIENCE)
            except NoWorkerFree:
                return _failure(request_id, "Runtime.NoWorkerFree", f"no worker was free within {PATIENCE:.0f} s")
            except OSError as error:
                return _failure(request_id, "Runtime.StartFailed", f"no process could be started: {error}")
            try:
                return self._run(worker, is_new, invocation, timeout)
            except NotDelivered:
                # The worker was killed while idle: AWS, too, takes another environment then.
                logger.warning("%s: an idle worker had ended; the call goes to another", config["FunctionName"])
                if attempt == 2:
                    return _failure(request_id, "Runtime.ExitError", "Runtime exited without providing a reason")
            finally:
                pool.release(worker)
        raise AssertionError("unreachable")

    def _start(self, config: Mapping[str, Any], archive: bytes, version: str, region: str) -> Worker:
        task_root = self._code.unpack(archive)
        stream = time.strftime(
            f"%Y/%m/%d/[{config.get('Version', '$LATEST')}]{secrets.token_hex(16)}", time.gmtime()
        )
        variables = environment(
            config,
            task_root=task_root,
            log_stream=stream,
            credentials=self._credentials(config),
            region=region,
            endpoint_url=self._endpoint_url,
        )
        return Worker(
            python=self._python,
            lifeline=self._lifeline,
            marker=self._marker,
            task_root=task_root,
            environment=variables,
            version=version,
        )

    def _run(self, worker: Worker, is_new: bool, invocation: dict[str, Any], timeout: float) -> Result:
        request_id = invocation["id"]
        note = Served(worker.log_stream)
        served.set(note)
        began = time.monotonic()
        try:
            if is_new:
                worker.load(max(INIT_SECONDS, timeout))
                note.init, began = time.monotonic() - began, time.monotonic()
            invocation["deadline_ms"] = int((time.time() + timeout) * 1000)
            succeeded, answer = worker.invoke(invocation, timeout)
        except LoadFailed as error:
            worker.retired = True
            return {"body": error.payload | {"requestId": request_id}, "error": True, "log": worker.take_log()}
        except WorkerTimedOut:
            worker.retired = True
            message = f"Task timed out after {timeout:.2f} seconds"
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            return _failure(
                request_id, "Sandbox.Timedout", message, f"{worker.take_log()}{now} {request_id} {message}"
            )
        except NotDelivered:
            worker.retired = True
            raise
        except WorkerDied as error:
            worker.retired = True
            logger.warning("worker of %s: %s", invocation["arn"], error)
            return _failure(
                request_id,
                "Runtime.ExitError",
                str(error),
                f"{worker.take_log()}RequestId: {request_id} Error: {error}",
            )
        finally:
            note.duration = time.monotonic() - began
        log = worker.take_log()
        if not succeeded:
            return {"body": json.loads(answer), "error": True, "log": log}
        if len(answer) > MAX_RESPONSE:
            message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
            return {
                "body": _error(request_id, "Function.ResponseSizeTooLarge", message),
                "error": True,
                "log": log,
            }
        return {"body": json.loads(answer), "log": log}


def _error(request_id: str, error_type: str, message: str) -> dict[str, Any]:
    return {"errorType": error_type, "errorMessage": message, "requestId": request_id}


def _failure(request_id: str, error_type: str, message: str, log: str = "") -> Result:
    message = f"RequestId: {request_id} Error: {message}"
    return {"body": {"errorType": error_type, "errorMessage": message}, "error": True, "log": log or message}
