"""The key pair with which everything that asks a local cloud signs its requests. Each home has its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SIGNING_NAME = "leadbridge"
"""The service in the signature of a request to the emulator itself, which is no service of AWS."""


@dataclass(frozen=True)
class AwsKey:
    """`secret` never travels: a request carries a signature that it makes."""

    id: str
    secret: str = field(repr=False)

    @classmethod
    def of_outputs(cls, outputs: Mapping[str, Any]) -> AwsKey:
        """As `python -m local_cloud outputs --json` prints it."""
        return cls(outputs["aws_access_key_id"], outputs["aws_secret_access_key"])

    def signed_headers(self, method: str, url: str, body: bytes = b"") -> dict[str, str]:
        """The headers that make a request to the emulator's own pages (`/_ministack/…`) the owner's."""
        # Late: no command but those that need it should wait for it.
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(method=method, url=url, data=body)
        SigV4Auth(Credentials(self.id, self.secret), SIGNING_NAME, "local").add_auth(request)
        return dict(request.headers)
