"""EventBridge: buses, rules, targets, archives."""

from local_cloud.provider.resource import AutoName, Resource, Tagging, To, names, same

TAGGING = Tagging(tag="tag_resource", untag="untag_resource", key={"ResourceARN": "arn"})
FORCE_DESTROY = {"forceDestroy": "only AWS's own managed rules need force"}

EVENT_BUS = Resource(
    type="aws:cloudwatch/eventBus:EventBus",
    service="events",
    name=AutoName(limit=256),
    inputs=same("name description deadLetterConfig kmsKeyIdentifier"),
    key={"Name": "name"},
    create="create_event_bus",
    update=("update_event_bus",),
    read="describe_event_bus",
    delete="delete_event_bus",
    tagging=TAGGING,
    id="{name}",
    outputs={"arn": "Arn"},
    replace=names("name"),
    resets={"description": "", "deadLetterConfig": {}},
)

EVENT_RULE = Resource(
    type="aws:cloudwatch/eventRule:EventRule",
    service="events",
    name=AutoName(limit=64),
    inputs=same("name eventBusName eventPattern scheduleExpression description state roleArn"),
    key={"Name": "name", "EventBusName": "eventBusName"},
    create="put_rule",
    exists="describe_rule",
    update=("put_rule",),
    read="describe_rule",
    delete="delete_rule",
    tagging=TAGGING,
    id="{eventBusName}/{name}",
    outputs={"arn": "Arn"},
    defaults={"eventBusName": "default"},
    documents=names("eventPattern"),
    replace=names("name eventBusName"),
    identity=("eventBusName", "name"),
    not_sent=FORCE_DESTROY,
)

EVENT_TARGET = Resource(
    type="aws:cloudwatch/eventTarget:EventTarget",
    service="events",
    name=AutoName(property="targetId", limit=64),
    inputs={
        "rule": "Rule",
        "eventBusName": "EventBusName",
        "targetId": "Targets.0.Id",
        "arn": "Targets.0.Arn",
        "roleArn": "Targets.0.RoleArn",
        "input": "Targets.0.Input",
        "inputPath": "Targets.0.InputPath",
        "inputTransformer": To(path="Targets.0.InputTransformer", rename={"inputPaths": "InputPathsMap"}),
        "retryPolicy": "Targets.0.RetryPolicy",
        "deadLetterConfig": "Targets.0.DeadLetterConfig",
        "sqsTarget": "Targets.0.SqsParameters",
    },
    key={"Rule": "rule", "EventBusName": "eventBusName", "Ids.0": "targetId"},
    create="put_targets",
    update=("put_targets",),
    read="list_targets_by_rule",
    delete="remove_targets",
    found="Targets[?Id=='{targetId}'] | [0]",
    id="{eventBusName}-{rule}-{targetId}",
    defaults={"eventBusName": "default"},
    replace=names("rule eventBusName targetId"),
    identity=("eventBusName", "rule", "targetId"),
    not_sent=FORCE_DESTROY,
)

EVENT_ARCHIVE = Resource(
    type="aws:cloudwatch/eventArchive:EventArchive",
    service="events",
    name=AutoName(limit=48),
    inputs={
        **same("eventSourceArn eventPattern retentionDays description kmsKeyIdentifier"),
        "name": "ArchiveName",
    },
    key={"ArchiveName": "name"},
    create="create_archive",
    update=("update_archive",),
    read="describe_archive",
    delete="delete_archive",
    id="{name}",
    outputs={"arn": "ArchiveArn"},
    documents=names("eventPattern"),
    replace=names("name eventSourceArn"),
    resets={"description": "", "retentionDays": 0},
)

RESOURCES = (EVENT_BUS, EVENT_RULE, EVENT_TARGET, EVENT_ARCHIVE)
