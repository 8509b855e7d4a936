"""boto3 clients of the local cloud, which takes its own key only."""

from __future__ import annotations

from typing import Any

from command_line import aws_errors
from local_cloud.aws_key import AwsKey


def aws_client(service: str, endpoint_url: str, region: str, key: AwsKey) -> Any:
    import boto3  # late: no command but those that need it should wait for it
    from botocore.config import Config

    client = boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        config=Config(proxies={}),  # not even those of the environment
    )
    return aws_errors.hold_to_aws(client)
