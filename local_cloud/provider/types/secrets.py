"""Secrets Manager: secrets and their versions."""

from local_cloud.provider.resource import AutoName, Call, Resource, Tagging, names, same

SECRET = Resource(
    type="aws:secretsmanager/secret:Secret",
    service="secretsmanager",
    name=AutoName(limit=512),
    inputs=same("name description kmsKeyId"),
    key={"SecretId": "arn"},
    create="create_secret",
    update=("update_secret",),
    read="describe_secret",
    # Without a recovery window the name is free again at once, as a local stack that comes and goes needs it.
    delete=Call(operation="delete_secret", constants={"ForceDeleteWithoutRecovery": True}),
    tagging=Tagging(tag="tag_resource", untag="untag_resource", key={"SecretId": "arn"}),
    created={"arn": "ARN"},
    id="{arn}",
    replace=names("name"),
    resets={"description": ""},
    not_sent={
        "recoveryWindowInDays": "a secret is deleted at once",
        "forceOverwriteReplicaSecret": "there are no replicas",
    },
)

SECRET_VERSION = Resource(
    type="aws:secretsmanager/secretVersion:SecretVersion",
    service="secretsmanager",
    inputs=same("secretId secretString secretBinary versionStages"),
    key={"SecretId": "secretId", "VersionId": "versionId"},
    create="put_secret_value",
    read="get_secret_value",
    # AWS deletes no version by itself: it stays, as AWSPREVIOUS, until its secret goes.
    delete=None,
    created={"versionId": "VersionId", "arn": "ARN", "secretArn": "ARN"},
    id="{secretId}|{versionId}",
    secret_outputs=names("secretString secretBinary"),
    replace=names("secretId secretString secretBinary versionStages"),
)

RESOURCES = (SECRET, SECRET_VERSION)
