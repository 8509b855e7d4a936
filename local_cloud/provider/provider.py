"""The provider of the `aws` package for the local cloud: finds a type's declaration and carries it out."""

from __future__ import annotations

from local_cloud.aws_key import AwsKey
from local_cloud.engine.provider import CheckFailed, Diff, Properties
from local_cloud.provider import operations
from local_cloud.provider.checks import checked
from local_cloud.provider.cloud import Cloud, DatabaseServer
from local_cloud.provider.comparison import AUTO_NAMED
from local_cloud.provider.invokes import INVOKES
from local_cloud.provider.resource import Resource, Scope
from local_cloud.provider.types import RESOURCES


class AwsProvider:
    """Implements `local_cloud.engine.provider.Provider`. Thread-safe; connects only when it is called."""

    def __init__(
        self, endpoint_url: str, key: AwsKey, *, region: str = "us-east-1", database: DatabaseServer | None = None
    ) -> None:
        self._cloud = Cloud(endpoint_url, key, region, database)

    def check(self, type_: str, urn: str, old: Properties | None, new: Properties) -> Properties:
        return checked(declaration(type_), self._cloud, urn, old, new)

    def diff(self, type_: str, old_inputs: Properties, old_outputs: Properties, new: Properties) -> Diff:
        resource = declaration(type_)
        changed = resource.changed(old_inputs, new)
        replace = tuple(name for name in changed if name in resource.replaced_by(new))
        identity = {*operations.identity(resource)}
        # An automatic name is made anew for the replacement; a chosen one would meet its predecessor.
        kept = bool(identity) and not identity & {*changed, *new.get(AUTO_NAMED, ())}
        return Diff(changed=changed, replace=replace, delete_before_replace=bool(replace) and kept)

    def create(self, type_: str, urn: str, inputs: Properties) -> tuple[str, Properties]:
        resource = declaration(type_)
        return operations.create(Scope(cloud=self._cloud, resource=resource, urn=urn, inputs=inputs))

    def update(
        self, type_: str, id_: str, old_inputs: Properties, old_outputs: Properties, new: Properties
    ) -> Properties:
        resource = declaration(type_)
        scope = Scope(
            cloud=self._cloud,
            resource=resource,
            id=id_,
            inputs=new,
            old=old_inputs,
            outputs=dict(old_outputs),
            changed=frozenset(resource.changed(old_inputs, new)),
        )
        return operations.update(scope)

    def read(self, type_: str, id_: str, inputs: Properties, outputs: Properties) -> Properties | None:
        return operations.read(self._scope(type_, id_, inputs, outputs))

    def delete(self, type_: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        operations.delete(self._scope(type_, id_, inputs, outputs))

    def invoke(self, token: str, args: Properties) -> Properties:
        function = INVOKES.get(token)
        if function is None:
            raise CheckFailed(
                f"the local cloud doesn't know the function {token!r}: "
                "do without it, or add it to local_cloud/provider/invokes.py"
            )
        return function(self._cloud, args)

    def secret_outputs(self, type_: str) -> frozenset[str]:
        return declaration(type_).secret_outputs

    def _scope(self, type_: str, id_: str, inputs: Properties, outputs: Properties) -> Scope:
        return Scope(cloud=self._cloud, resource=declaration(type_), id=id_, inputs=inputs, outputs=outputs)


def declaration(type_: str) -> Resource:
    resource = RESOURCES.get(type_)
    if resource is None:
        raise CheckFailed(
            f"the local cloud doesn't know the resource type {type_!r}: "
            "do without it on the local stack, or declare it in local_cloud/provider/types"
        )
    return resource
