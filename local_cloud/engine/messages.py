"""Pulumi's request messages as the engine's own data; refuses what only the Pulumi CLI serves."""

from __future__ import annotations

from pathlib import Path

from pulumi.runtime.proto import resource_pb2

from .errors import NeedsPulumiCli
from .goal import Goal
from .urn import describe, make_urn
from .wire import properties_from


def goal_from(request: resource_pb2.RegisterResourceRequest, root: Path) -> Goal:
    """Raises NeedsPulumiCli."""
    if features := _unserved(request):
        what = describe(make_urn("", "", "", request.type, request.name))
        raise NeedsPulumiCli(f"{what}: {' and '.join(features)}")
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        inputs=properties_from(request.object, root),
        provider=request.provider,
        version=request.version,
        dependencies=tuple(request.dependencies),
        property_dependencies={
            key: tuple(dependencies.urns) for key, dependencies in request.propertyDependencies.items()
        },
        protect=request.protect,
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        retain_on_delete=request.retainOnDelete,
        deleted_with=request.deletedWith,
        aliases=(*request.aliasURNs, *(alias.urn for alias in request.aliases if alias.urn)),
    )


def read_goal_from(request: resource_pb2.ReadResourceRequest, root: Path) -> Goal:
    return Goal(
        type=request.type,
        name=request.name,
        custom=True,
        parent=request.parent,
        inputs=properties_from(request.properties, root),
        provider=request.provider,
        version=request.version,
        dependencies=tuple(request.dependencies),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
    )


def _unserved(request: resource_pb2.RegisterResourceRequest) -> list[str]:
    hooks = request.hooks
    uses = {
        "a remote component": request.remote,
        "an import": bool(request.importId),
        "transforms": bool(request.transforms),
        "state migrations": bool(request.state_migrations),
        "replace_with": bool(request.replace_with),
        "replacement_trigger": request.HasField("replacement_trigger"),
        "a parameterized package": bool(request.packageRef),
        "env_var_mappings": bool(request.envVarMappings),
        "resource hooks": any(
            (
                hooks.before_create,
                hooks.after_create,
                hooks.before_update,
                hooks.after_update,
                hooks.before_delete,
                hooks.after_delete,
                hooks.on_error,
            )
        ),
    }
    return [feature for feature, used in uses.items() if used]
