"""Creates each `aws:*` resource of a Pulumi program on the local cloud, over boto3."""

from local_cloud.provider.cloud import DatabaseServer
from local_cloud.provider.provider import AwsProvider

__all__ = ["AwsProvider", "DatabaseServer"]
