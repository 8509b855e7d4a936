"""Every request that the provider would send for a stack's graph, held to AWS's service models (botocore's).

The provider itself is the judge: it refuses at a preview what the models don't allow, and once more what it sends.
"""

from collections.abc import Iterator, Set
from typing import Any

from local_cloud.engine.provider import UNKNOWN, CheckFailed, ProviderError
from local_cloud.provider import AwsProvider, rest_api
from local_cloud.provider.cloud import Cloud
from local_cloud.provider.resource import Scope
from local_cloud.provider.types.api_gateway import REST_API
from tests.components.graph import FUNCTION, REGION, Graph
from tests.plain_emulator import KEY

NOWHERE = "http://127.0.0.1:9"  # a check sends nothing
UNRECORDED = {FUNCTION: {"code": UNKNOWN}}  # the graph holds hashes in the place of an archive


def problems(graph: Graph) -> Iterator[str]:
    provider = AwsProvider(NOWHERE, KEY, region=REGION)
    ids = {f"{each.name}-id" for each in graph.resources}
    for each in (one for one in graph.resources if not one.component):
        try:
            provider.check(each.type, each.urn, None, {**known(each.inputs, ids), **UNRECORDED.get(each.type, {})})
        except CheckFailed as error:
            yield str(error)
            continue
        if each.type == REST_API.type:
            yield from method_problems(each.inputs)


class Paper(Cloud):
    """Takes down what it is asked, as far as AWS would take it, and has a new API with nothing in it."""

    def __init__(self) -> None:
        super().__init__(NOWHERE, KEY, REGION, None)
        self.refused: list[str] = []

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            self.refuse(service, operation, parameters)
        except ProviderError as error:
            self.refused.append(str(error))
        root = {"items": [{"id": "root", "path": "/"}]}
        return root if operation == "get_resources" else {"id": "abc123"}


def method_problems(inputs: dict[str, Any]) -> list[str]:
    """Of the calls that make an API out of its document: resources, methods, models, integrations."""
    cloud = Paper()
    rest_api.apply(Scope(cloud=cloud, resource=REST_API, id="abc123", inputs=inputs))
    return cloud.refused


def known(value: Any, ids: Set[str]) -> Any:
    """As at a stack's first preview, when no id is known yet."""
    if isinstance(value, dict):
        return {name: known(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [known(each, ids) for each in value]
    return UNKNOWN if isinstance(value, str) and value in ids else value
