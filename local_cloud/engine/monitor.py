"""The gRPC services that a Pulumi program talks to: a thin layer over the registrar and the reader."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, resource_pb2, resource_pb2_grpc

from .codec import decode
from .errors import EngineError, NeedsPulumiCli
from .messages import goal_from, read_goal_from
from .reader import InvokeFailed, Reader
from .registrar import Registrar
from .run import AlreadyReported, Run, Stopping
from .wire import properties_from, struct_from

T = TypeVar("T")

FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
)

MAX_MESSAGE_BYTES = 400 * 1024 * 1024
"""As in Pulumi's own engine."""

MESSAGE_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
)

SEVERITIES = {engine_pb2.INFO: "info", engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self, run: Run, registrar: Registrar, reader: Reader) -> None:
        self._run, self._registrar, self._reader = run, registrar, reader

    def GetDeploymentInfo(self, request: Any, context: Any) -> resource_pb2.DeploymentInfo:  # noqa: N802
        stack = self._run.stack
        return resource_pb2.DeploymentInfo(
            project=stack.project,
            stack=stack.name,
            organization=ORGANIZATION,
            config=dict(stack.config),
            configSecretKeys=sorted(stack.secret_keys),
            dryRun=self._run.preview,
            parallel=self._run.parallel,
            supportedFeatures=FEATURES,
        )

    def RegisterResource(  # noqa: N802
        self, request: resource_pb2.RegisterResourceRequest, context: Any
    ) -> resource_pb2.RegisterResourceResponse:
        def register() -> resource_pb2.RegisterResourceResponse:
            if self._run.errors and not self._run.preview:
                raise AlreadyReported("the deployment has failed")
            resource = self._registrar.register(goal_from(request, self._run.stack.root))
            # A component's own outputs arrive in RegisterResourceOutputs.
            outputs = struct_from(resource.outputs if resource.custom else {})
            return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=resource.id, object=outputs)

        return self._serve(context, register)

    def RegisterResourceOutputs(  # noqa: N802
        self, request: resource_pb2.RegisterResourceOutputsRequest, context: Any
    ) -> empty_pb2.Empty:
        def register() -> empty_pb2.Empty:
            outputs = properties_from(request.outputs, self._run.stack.root)
            self._registrar.register_outputs(request.urn, outputs)
            return empty_pb2.Empty()

        return self._serve(context, register)

    def ReadResource(  # noqa: N802
        self, request: resource_pb2.ReadResourceRequest, context: Any
    ) -> resource_pb2.ReadResourceResponse:
        def read() -> resource_pb2.ReadResourceResponse:
            root = self._run.stack.root
            resource = self._reader.read(read_goal_from(request, root), decode(request.id, root))
            return resource_pb2.ReadResourceResponse(
                urn=resource.urn, id=resource.id, properties=struct_from(resource.outputs)
            )

        return self._serve(context, read)

    def Invoke(  # noqa: N802
        self, request: resource_pb2.ResourceInvokeRequest, context: Any
    ) -> resource_pb2.ResourceInvokeResponse:
        def invoke() -> resource_pb2.ResourceInvokeResponse:
            args = properties_from(request.args, self._run.stack.root)
            try:
                result = self._reader.invoke(request.tok, args, request.provider, request.version)
            except InvokeFailed as error:
                failure = provider_pb2.CheckFailure(property="", reason=str(error))
                return resource_pb2.ResourceInvokeResponse(failures=[failure])
            response = resource_pb2.ResourceInvokeResponse()
            getattr(response, "return").CopyFrom(struct_from(result))
            return response

        return self._serve(context, invoke)

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()

    def Call(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, f"calling the method {request.tok}")

    def ExistsResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, f"asking whether {request.type} {request.id!r} exists")

    def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, f"the parameterized package {request.name}")

    def RegisterStackTransform(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, "a stack transform")

    def RegisterStackInvokeTransform(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, "an invoke transform")

    def RegisterResourceHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, "a resource hook")

    def RegisterErrorHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, "an error hook")

    def _refuse(self, context: Any, feature: str) -> NoReturn:
        def refuse() -> NoReturn:
            raise NeedsPulumiCli(feature)

        self._serve(context, refuse)
        raise AssertionError("unreachable")

    def _serve(self, context: Any, function: Callable[[], T]) -> T:
        try:
            return function()
        except (Stopping, AlreadyReported) as error:
            reason = str(error)
        except EngineError as error:
            reason = str(error)
            self._run.fail(reason)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"a fault of the engine, at {frame.filename}:{frame.lineno}: {error!r}"
            self._run.fail(reason)
        # The SDK ends a program on UNAVAILABLE without a traceback through its own code.
        context.abort(grpc.StatusCode.UNAVAILABLE, reason)
        raise AssertionError("unreachable")


class EngineService(engine_pb2_grpc.EngineServicer):
    def __init__(self, run: Run) -> None:
        self._run = run
        self._root = ""

    def Log(self, request: engine_pb2.LogRequest, context: Any) -> empty_pb2.Empty:  # noqa: N802
        severity = SEVERITIES.get(request.severity)
        if severity == "error":
            self._run.fail(request.message)
        elif severity is not None:
            self._run.message(severity, request.message)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> engine_pb2.GetRootResourceResponse:  # noqa: N802
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(  # noqa: N802
        self, request: engine_pb2.SetRootResourceRequest, context: Any
    ) -> engine_pb2.SetRootResourceResponse:
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: N802
        reason = str(NeedsPulumiCli("require_pulumi_version"))
        self._run.fail(reason)
        context.abort(grpc.StatusCode.UNAVAILABLE, reason)


ORGANIZATION = "organization"


_LAST_RESORT = Path("/tmp")  # noqa: S108 - a private folder is made in it

LONGEST_SOCKET_PATH = 103
"""Bytes that the path of a socket may have on macOS; on Linux it may have 107."""


@contextmanager
def serving(monitor: Monitor, engine: EngineService, parallel: int, folder: Path) -> Iterator[str]:
    """The address: a socket in a new folder in `folder` that only this user may enter.

    Who reaches it can have any resource made, so it is no loopback port, which every user of the machine reaches.
    Waits, at the end, for the requests in flight: what a program that died had asked for is recorded.
    """
    # A program waits for up to four requests per parallel operation; the rest is for its log lines.
    pool = ThreadPoolExecutor(max_workers=4 * parallel + 8, thread_name_prefix="monitor")
    server = grpc.server(pool, options=MESSAGE_OPTIONS)
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    with _private_socket(folder) as path:
        address = f"unix:{quote(str(path))}"  # a URI: gRPC decodes it
        server.add_insecure_port(address)
        server.start()
        try:
            yield address
        finally:
            server.stop(None)
            pool.shutdown(wait=True)


@contextmanager
def _private_socket(folder: Path) -> Iterator[Path]:
    """A path for it. It is in a temporary folder where no socket of gRPC's can be in `folder`."""
    name = "engine-"
    places = (folder, Path(tempfile.gettempdir()))
    place = next((each for each in places if _takes_socket(each / f"{name}12345678" / "socket")), _LAST_RESORT)
    with tempfile.TemporaryDirectory(prefix=name, dir=place) as private:
        yield Path(private, "socket")


def _takes_socket(path: Path) -> bool:
    # gRPC's client reads a comma, also an escaped one, as the end of one of several paths.
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and "," not in str(path)
