"""DynamoDB tables."""

from typing import Any

from local_cloud.provider.operations import request
from local_cloud.provider.resource import (
    Answer,
    AutoName,
    Call,
    Inputs,
    Resource,
    Scope,
    Setting,
    Tagging,
    To,
    names,
    same,
)


def key_element(kind: str, place: int) -> To:
    return To(path=f"KeySchema.{place}", convert=lambda name: {"AttributeName": name, "KeyType": kind})


def index(declared: dict[str, Any]) -> dict[str, Any]:
    """A global secondary index as DynamoDB takes it."""
    keys = declared.get("keySchemas") or [
        {"attributeName": declared[name], "keyType": kind}
        for name, kind in (("hashKey", "HASH"), ("rangeKey", "RANGE"))
        if declared.get(name)
    ]
    made = {
        "indexName": declared["name"],
        "keySchema": keys,
        "projection": {
            "projectionType": declared["projectionType"],
            "nonKeyAttributes": declared.get("nonKeyAttributes") or None,
        },
    }
    if declared.get("readCapacity"):
        made["provisionedThroughput"] = {
            "readCapacityUnits": declared["readCapacity"],
            "writeCapacityUnits": declared["writeCapacity"],
        }
    return made


def global_indexes(declared: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [index(one) for one in declared]


def comparable_indexes(declared: Any) -> Any:
    """Keys in `keySchemas` are the same as in the older `hashKey` and `rangeKey`."""
    return global_indexes(declared) if isinstance(declared, list) else declared


def change_indexes(scope: Scope) -> None:
    """DynamoDB changes one index at a time; one that differs is dropped and made again."""
    old = {one["indexName"]: one for one in global_indexes(scope.old.get("globalSecondaryIndexes") or [])}
    new = {one["indexName"]: one for one in global_indexes(scope.inputs.get("globalSecondaryIndexes") or [])}
    changes = [{"delete": {"indexName": name}} for name in old if old[name] != new.get(name)]
    changes += [{"create": new[name]} for name in new if new[name] != old.get(name)]
    inputs: Inputs = {"attributes": ATTRIBUTES, "change": "GlobalSecondaryIndexUpdates.0"}
    for change in changes:
        request(scope, Call(operation="update_table"), inputs, {**scope.inputs, "change": change})


def set_time_to_live(scope: Scope) -> Answer:
    """Switching it off needs the attribute's name too, which the inputs no longer hold."""
    wanted = scope.inputs.get("ttl") or {**scope.old["ttl"], "enabled": False}
    return scope.call(
        "update_time_to_live",
        TableName=scope.inputs["name"],
        TimeToLiveSpecification={
            "Enabled": wanted.get("enabled", False),
            "AttributeName": wanted.get("attributeName") or scope.old["ttl"]["attributeName"],
        },
    )


ATTRIBUTES = To(path="AttributeDefinitions", rename={"name": "attributeName", "type": "attributeType"})
CAPACITY = {
    "billingMode": "BillingMode",
    "readCapacity": "ProvisionedThroughput.ReadCapacityUnits",
    "writeCapacity": "ProvisionedThroughput.WriteCapacityUnits",
}
ENCRYPTION = {"serverSideEncryption": To(path="SSESpecification", rename={"kmsKeyArn": "KMSMasterKeyId"})}
STREAM = {
    "streamEnabled": "StreamSpecification.StreamEnabled",
    "streamViewType": "StreamSpecification.StreamViewType",
}

TABLE = Resource(
    type="aws:dynamodb/table:Table",
    service="dynamodb",
    name=AutoName(limit=255),
    inputs={
        "name": "TableName",
        "hashKey": key_element("HASH", 0),
        "rangeKey": key_element("RANGE", 1),
        "attributes": ATTRIBUTES,
        "globalSecondaryIndexes": To(path="GlobalSecondaryIndexes", convert=global_indexes),
        **same("deletionProtectionEnabled tableClass"),
        **CAPACITY,
        **ENCRYPTION,
        **STREAM,
    },
    key={"TableName": "name"},
    create="create_table",
    # DynamoDB refuses an update that repeats what the table has, so that each group goes alone.
    update=(
        Call(operation="update_table", inputs=CAPACITY),
        Call(operation="update_table", inputs=ENCRYPTION),
        Call(operation="update_table", inputs=STREAM),
        Call(operation="update_table", inputs=same("deletionProtectionEnabled")),
        Call(operation="update_table", inputs=same("tableClass")),
    ),
    read="describe_table",
    delete="delete_table",
    settings=(
        Setting(put=set_time_to_live, inputs=same("ttl")),
        Setting(
            put="update_continuous_backups",
            inputs={
                "pointInTimeRecovery": To(
                    path="PointInTimeRecoverySpecification", rename={"enabled": "PointInTimeRecoveryEnabled"}
                )
            },
            default={"enabled": False},
        ),
        Setting(put=change_indexes, inputs=same("attributes globalSecondaryIndexes"), at_creation=False),
    ),
    tagging=Tagging(tag="tag_resource", untag="untag_resource", key={"ResourceArn": "arn"}),
    found="Table",
    outputs={"arn": "TableArn", "streamArn": "LatestStreamArn", "streamLabel": "LatestStreamLabel"},
    id="{name}",
    defaults={"billingMode": "PROVISIONED"},
    normal={"globalSecondaryIndexes": comparable_indexes},
    replace=names("name hashKey rangeKey"),
    resets={
        "deletionProtectionEnabled": False,
        "serverSideEncryption": {"enabled": False},
        "streamEnabled": False,
        "tableClass": "STANDARD",
    },
)

RESOURCES = (TABLE,)
