"""Runs an unmodified __main__.py the way Pulumi's own Python language runner does.

Started as a script by `program.py` with the number of the control pipe's descriptor. It imports Pulumi, then
waits for its settings (one line of JSON), then runs the program. When the pipe closes the engine is gone.
"""

import gc

gc.disable()  # collecting while importing finds nothing and takes a tenth of the time

import asyncio  # noqa: E402
import atexit  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import runpy  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import traceback  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, BinaryIO, NoReturn  # noqa: E402

import grpc  # noqa: E402
import pulumi  # noqa: E402
import pulumi.runtime  # noqa: E402
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2_grpc  # noqa: E402

PROGRAM_FAILED = 32
ENGINE_ENDED_IT = 33

MAX_MESSAGE_BYTES = 400 * 1024 * 1024

ENGINE_GONE = "Resource monitor has terminated"
"""What the SDK says of a request that the engine ended; the engine has reported the reason."""

MACHINERY = re.compile(rf"^{re.escape(__file__)}$|<frozen runpy>|/asyncio/|/pulumi/runtime/")

UNSERVED = re.compile(r"The Pulumi CLI does not support (?:the )?(.+?)\. Please update the Pulumi CLI")


class QuietEngine:
    """Keeps debug lines, about ten per resource, from becoming one blocking request each."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def Log(self, request: Any) -> None:  # noqa: N802
        if request.severity != engine_pb2.DEBUG:
            self._stub.Log(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stub, name)


def main() -> int:
    control = open(int(sys.argv[1]), "rb", buffering=0)  # noqa: SIM115 - open as long as the process lives
    line = control.readline()
    if not line:
        return ENGINE_ENDED_IT
    settings = json.loads(line)
    threading.Thread(target=end_with_engine, args=(control,), daemon=True).start()
    program = Path(settings["root"], "__main__.py")
    sys.argv = [str(program)]
    sys.path.insert(0, settings["root"])
    configure(settings)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    gc.freeze()  # what is imported by now stays; collections need not look at it
    gc.enable()
    return run(program, settings["parallel"])


def end_with_engine(control: BinaryIO) -> None:
    control.read(1)
    os._exit(ENGINE_ENDED_IT)


def configure(settings: dict[str, Any]) -> None:
    options = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.enable_http_proxy", 0),  # the engine is on this machine
    ]
    channel = grpc.insecure_channel(settings["address"], options=options)
    pulumi.runtime.set_all_config(settings["config"], settings["secret_keys"])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=resource_pb2_grpc.ResourceMonitorStub(channel),
            engine=QuietEngine(engine_pb2_grpc.EngineStub(channel)),
            project=settings["project"],
            stack=settings["stack"],
            parallel=settings["parallel"],
            dry_run=settings["dry_run"],
            organization=settings["organization"],
            root_directory=settings["root"],
        )
    )


def run(program: Path, parallel: int) -> int:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pool = ThreadPoolExecutor(max_workers=parallel * 4)
    loop.set_default_executor(pool)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: execute(program)))
    except (Exception, SystemExit) as error:
        return report(error, program)
    finally:
        pool.shutdown(wait=True)
        loop.close()
    return 0


def execute(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def report(error: BaseException, program: Path) -> int:
    if any(ENGINE_GONE in str(one) for one in chain(error)):
        return ENGINE_ENDED_IT
    unserved = next((match for one in chain(error) if (match := UNSERVED.search(str(one)))), None)
    if unserved:
        pulumi.log.error(f"{unserved[1]} needs the Pulumi CLI: the local cloud's engine does not serve it")
    elif isinstance(error, pulumi.RunError):
        pulumi.log.error(str(error))
    elif isinstance(error, SystemExit):
        pulumi.log.error(f"{program.name} called sys.exit({error.code!r}) before it was done")
    else:
        pulumi.log.error(f"{program.name} failed:\n{trimmed_traceback(error, program)}")
    return PROGRAM_FAILED


def chain(error: BaseException | None) -> list[BaseException]:
    errors: list[BaseException] = []
    while error is not None and error not in errors:
        errors.append(error)
        error = error.__cause__ or error.__context__
    return errors


def trimmed_traceback(error: BaseException, program: Path) -> str:
    """The traceback from the program's own first line on, without this runner's and runpy's frames."""
    whole = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = whole
    while part is not None:
        part.stack = traceback.StackSummary.from_list(from_program_on(list(part.stack), program))
        part = part.__cause__ or part.__context__
    return "".join(whole.format()).rstrip()


def from_program_on(frames: list[traceback.FrameSummary], program: Path) -> list[traceback.FrameSummary]:
    own = [index for index, frame in enumerate(frames) if frame.filename == str(program)]
    if own:
        return frames[own[0] :]
    return [frame for frame in frames if not MACHINERY.search(frame.filename)]


def leave(code: int) -> NoReturn:
    """Ends the process as Python would, but for tearing down its modules, which takes a tenth of a second."""
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
