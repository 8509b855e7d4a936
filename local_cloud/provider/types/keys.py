"""KMS keys."""

from typing import Any

from local_cloud.provider.resource import Answer, Resource, Scope, Setting, Tagging, names, same


def set_rotation(scope: Scope) -> Answer:
    wanted = scope.inputs.get("enableKeyRotation")
    return scope.call("enable_key_rotation" if wanted else "disable_key_rotation", KeyId=scope.id)


def read_key(scope: Scope) -> Answer | None:
    """A key that waits for its deletion is as good as gone."""
    key: dict[str, Any] = scope.call("describe_key", KeyId=scope.id)["KeyMetadata"]
    return None if key["KeyState"] == "PendingDeletion" else key


def delete_key(scope: Scope) -> None:
    if read_key(scope) is not None:
        scope.call("schedule_key_deletion", KeyId=scope.id)


KEY = Resource(
    type="aws:kms/key:Key",
    service="kms",
    inputs={**same("description keyUsage multiRegion policy"), "customerMasterKeySpec": "KeySpec"},
    key={"KeyId": "id"},
    create="create_key",
    update=("put_key_policy", "update_key_description"),
    read=read_key,
    delete=delete_key,
    settings=(Setting(put=set_rotation, inputs=same("enableKeyRotation"), default=False),),
    tagging=Tagging(tag="tag_resource", untag="untag_resource", key={"KeyId": "id"}),
    created={"keyId": "KeyMetadata.KeyId", "arn": "KeyMetadata.Arn"},
    id="{keyId}",
    documents=names("policy"),
    replace=names("keyUsage customerMasterKeySpec multiRegion"),
    resets={"description": ""},
    not_sent={"deletionWindowInDays": "the local stack goes before the days of grace do"},
)

RESOURCES = (KEY,)
