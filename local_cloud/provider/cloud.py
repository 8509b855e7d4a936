"""The local cloud as the provider sees it: an endpoint, and one boto3 client for each service."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from local_cloud.aws_key import AwsKey
from local_cloud.engine.provider import ProviderError
from local_cloud.provider.shapes import problems

# Long enough for a Lambda that runs its full fifteen minutes while an Invocation waits for it.
READ_TIMEOUT_SECONDS = 920
GONE = re.compile(r"NotFound|NoSuch|NonExistent|DoesNotExist")


class Gone(ProviderError):
    """The resource that an operation names does not exist."""


@dataclass(frozen=True, kw_only=True)
class DatabaseServer:
    """The database server that stands behind every `aws:rds/instance:Instance`."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


class Cloud:
    """Thread-safe. A client is made when it is first needed, since it reads its service's model (10 to 100 ms)."""

    def __init__(self, endpoint: str, key: AwsKey, region: str, database: DatabaseServer | None) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._key = key
        self.region = region
        self.database = database
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @cached_property
    def _session(self) -> Session:
        session = Session()
        session.set_credentials(self._key.id, self._key.secret)
        return session

    @cached_property
    def account(self) -> str:
        return str(self.call("sts", "get_caller_identity")["Account"])

    def client(self, service: str) -> Any:
        client = self._clients.get(service)
        if client is None:
            with self._lock:
                client = self._clients.get(service)
                if client is None:
                    client = self._clients[service] = self._session.create_client(
                        service,
                        region_name=self.region,
                        endpoint_url=self.endpoint,
                        config=Config(
                            proxies={},  # not even those of the environment
                            connect_timeout=5,
                            read_timeout=READ_TIMEOUT_SECONDS,
                            # A creation that is tried twice hides its error behind "already exists".
                            retries={"total_max_attempts": 1},
                            max_pool_connections=32,
                        ),
                    )
        return client

    def parameters(self, service: str, operation: str) -> Any:
        """The botocore shape of an operation's parameters; None if it takes none."""
        client = self.client(service)
        return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape

    def refuse(self, service: str, operation: str, parameters: dict[str, Any]) -> None:
        """Raises ProviderError for a request that AWS's service model doesn't allow."""
        if refused := list(problems(self.parameters(service, operation), parameters)):
            raise ProviderError(f"{service} {operation}: AWS would refuse this request: {'; '.join(refused)}")

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Raises ProviderError in the cloud's own words, or for a request that AWS's service model doesn't allow;
        Gone if what the operation names is not there.
        """
        client = self.client(service)
        name = f"{service} {client.meta.method_to_api_mapping[operation]}"
        self.refuse(service, operation, parameters)
        try:
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            message = f"{name}: {code}: {error.response['Error'].get('Message', '')}"
            raise (Gone if GONE.search(code) or status == 404 else ProviderError)(message) from error
        except BotoCoreError as error:
            raise ProviderError(f"{name}: {error}") from error
        if answer.get("FailedEntryCount"):
            entries = answer.get("FailedEntries") or answer.get("Entries") or []
            reasons = "; ".join(f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')}" for entry in entries)
            raise ProviderError(f"{name}: {reasons}")
        return answer
