"""The table of all resource types, by AWS area."""

from collections.abc import Mapping

from local_cloud.provider.resource import Resource
from local_cloud.provider.types import (
    api_gateway,
    databases,
    events,
    functions,
    identity,
    keys,
    messaging,
    network,
    observability,
    secrets,
    state_machines,
    tables,
    vpn,
)

AREAS = (
    api_gateway,
    databases,
    events,
    functions,
    identity,
    keys,
    messaging,
    network,
    observability,
    secrets,
    state_machines,
    tables,
    vpn,
)

RESOURCES: Mapping[str, Resource] = {resource.type: resource for area in AREAS for resource in area.RESOURCES}
