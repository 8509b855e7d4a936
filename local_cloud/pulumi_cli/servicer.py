"""The local cloud's provider as the Pulumi CLI asks for it: one gRPC request, one call.

The SDK's own server (`pulumi.provider.experimental`) fails on archives that the CLI sends as a hash alone, loses
unknown values and drops the old inputs; so this one has the engine's codec instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from local_cloud.engine import CheckFailed, Properties, Provider, ProviderError
from local_cloud.engine.urn import type_of
from local_cloud.engine.values import mark_outputs, plain_properties
from local_cloud.engine.wire import properties_from, struct_from

T = TypeVar("T")

Connect = Callable[[Mapping[str, str]], Provider]
"""Makes the provider from its configuration in the stack, such as `region`."""


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """`root` is the program's folder. Secrets and resource references arrive as plain values, as asked for."""

    def __init__(self, connect: Connect, version: str, root: Path) -> None:
        self._connect, self._version, self._root = connect, version, root
        self._provider: Provider | None = None

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._version)

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: Any
    ) -> provider_pb2.ConfigureResponse:
        settings = self._read(request.args)
        self._provider = self._serve(context, lambda: self._connect(settings))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        old = self._read(request.olds) or None
        try:
            inputs = self._known.check(type_of(request.urn), request.urn, old, self._read(request.news))
        except CheckFailed as error:
            return provider_pb2.CheckResponse(
                inputs=request.news, failures=[provider_pb2.CheckFailure(reason=str(error))]
            )
        return provider_pb2.CheckResponse(inputs=struct_from(inputs))

    def Diff(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        old, outputs, new = map(self._read, (request.old_inputs, request.olds, request.news))
        diff = self._serve(context, lambda: self._known.diff(type_of(request.urn), old, outputs, new))
        changes = provider_pb2.DiffResponse.DIFF_SOME if diff.changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=changes,
            diffs=diff.changed,
            replaces=diff.replace,
            deleteBeforeReplace=diff.delete_before_replace,
        )

    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: Any
    ) -> provider_pb2.CreateResponse:
        type_, inputs = type_of(request.urn), self._read(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=struct_from(inputs))
        id_, outputs = self._serve(context, lambda: self._known.create(type_, request.urn, inputs))
        return provider_pb2.CreateResponse(id=id_, properties=self._marked(type_, outputs))

    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: Any
    ) -> provider_pb2.UpdateResponse:
        type_ = type_of(request.urn)
        old, outputs, new = map(self._read, (request.old_inputs, request.olds, request.news))
        if request.preview:
            # As in the embedded engine: an output that no input names is taken to stay as it is.
            return provider_pb2.UpdateResponse(properties=self._marked(type_, {**outputs, **new}))
        after = self._serve(context, lambda: self._known.update(type_, request.id, old, outputs, new))
        return provider_pb2.UpdateResponse(properties=self._marked(type_, after))

    def Read(self, request: provider_pb2.ReadRequest, context: Any) -> provider_pb2.ReadResponse:  # noqa: N802
        type_ = type_of(request.urn)
        inputs, outputs = self._read(request.inputs), self._read(request.properties)
        found = self._serve(context, lambda: self._known.read(type_, request.id, inputs, outputs))
        if found is None:
            return provider_pb2.ReadResponse()
        # Without inputs, so that the CLI keeps those it has: it has sent the archives among them as hashes.
        return provider_pb2.ReadResponse(id=request.id, properties=self._marked(type_, found))

    def Delete(self, request: provider_pb2.DeleteRequest, context: Any) -> empty_pb2.Empty:  # noqa: N802
        inputs, outputs = self._read(request.old_inputs), self._read(request.properties)
        self._serve(context, lambda: self._known.delete(type_of(request.urn), request.id, inputs, outputs))
        return empty_pb2.Empty()

    def Invoke(  # noqa: N802
        self, request: provider_pb2.InvokeRequest, context: Any
    ) -> provider_pb2.InvokeResponse:
        response = provider_pb2.InvokeResponse()
        try:
            found = self._known.invoke(request.tok, self._read(request.args))
        except (CheckFailed, ProviderError) as error:
            response.failures.add(reason=str(error))
        else:
            getattr(response, "return").CopyFrom(struct_from(found))
        return response

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        """Each call is one short operation of the cloud: it is let finish, so that its result is recorded."""
        return empty_pb2.Empty()

    @property
    def _known(self) -> Provider:
        if self._provider is None:
            raise RuntimeError("the plugin is asked for a resource before it is configured")
        return self._provider

    def _read(self, struct: struct_pb2.Struct) -> Properties:
        return plain_properties(properties_from(struct, self._root))

    def _marked(self, type_: str, outputs: Properties) -> struct_pb2.Struct:
        return struct_from(mark_outputs(outputs, {}, self._known.secret_outputs(type_)))

    def _serve(self, context: Any, call: Callable[[], T]) -> T:
        try:
            return call()
        except (CheckFailed, ProviderError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise AssertionError("unreachable") from error
