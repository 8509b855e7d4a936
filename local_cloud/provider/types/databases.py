"""RDS. What answers at an instance's address is the local database server, so that instance and server agree."""

import json

from local_cloud.engine.provider import CheckFailed, Properties, ProviderError
from local_cloud.provider.cloud import Gone
from local_cloud.provider.operations import perform
from local_cloud.provider.resource import (
    Answer,
    AutoName,
    Call,
    Resource,
    Scope,
    Setting,
    Tagging,
    To,
    names,
    same,
)

TAGGING = Tagging(tag="add_tags_to_resource", untag="remove_tags_from_resource", key={"ResourceName": "arn"})

SUBNET_GROUP = Resource(
    type="aws:rds/subnetGroup:SubnetGroup",
    service="rds",
    name=AutoName(limit=255, lower=True),
    inputs={
        "name": "DBSubnetGroupName",
        "description": "DBSubnetGroupDescription",
        "subnetIds": "SubnetIds",
    },
    key={"DBSubnetGroupName": "name"},
    create="create_db_subnet_group",
    update=("modify_db_subnet_group",),
    read="describe_db_subnet_groups",
    delete="delete_db_subnet_group",
    tagging=TAGGING,
    found="DBSubnetGroups | [0]",
    outputs={"arn": "DBSubnetGroupArn", "vpcId": "VpcId", "supportedNetworkTypes": "SupportedNetworkTypes"},
    id="{name}",
    defaults={"description": "Managed by Pulumi"},
    replace=names("name"),
)


def put_parameters(scope: Scope) -> None:
    new = {one["name"]: one for one in scope.inputs.get("parameters") or []}
    old = {one["name"]: one for one in scope.old.get("parameters") or []}
    group = scope.inputs["name"]
    changed = [
        {
            "ParameterName": name,
            "ParameterValue": str(one["value"]),
            "ApplyMethod": one.get("applyMethod", "immediate"),
        }
        for name, one in new.items()
        if old.get(name) != one
    ]
    gone = [{"ParameterName": name, "ApplyMethod": "pending-reboot"} for name in old if name not in new]
    if changed:
        scope.call("modify_db_parameter_group", DBParameterGroupName=group, Parameters=changed)
    if gone:
        scope.call("reset_db_parameter_group", DBParameterGroupName=group, Parameters=gone)


PARAMETER_GROUP = Resource(
    type="aws:rds/parameterGroup:ParameterGroup",
    service="rds",
    name=AutoName(limit=255, lower=True),
    inputs={"name": "DBParameterGroupName", "family": "DBParameterGroupFamily", "description": "Description"},
    key={"DBParameterGroupName": "name"},
    create="create_db_parameter_group",
    read="describe_db_parameter_groups",
    delete="delete_db_parameter_group",
    settings=(Setting(put=put_parameters, inputs=same("parameters")),),
    tagging=TAGGING,
    found="DBParameterGroups | [0]",
    outputs={"arn": "DBParameterGroupArn"},
    id="{name}",
    defaults={"description": "Managed by Pulumi"},
    replace=names("name family description"),
    not_sent={"skipDestroy": "the local stack always goes whole"},
)


def create_instance(scope: Scope) -> Answer | None:
    server = scope.cloud.database
    constants = {"Port": server.port} if server else {}
    return perform(scope, Call(operation="create_db_instance", inputs=INSTANCE.inputs, constants=constants))


def read_instance(scope: Scope) -> Answer:
    """The instance, with the address of the server that stands in for it."""
    instance = scope.call("describe_db_instances", DBInstanceIdentifier=scope.value("identifier"))["DBInstances"][
        0
    ]
    server = scope.cloud.database
    host, port = (server.host, server.port) if server else instance["Endpoint"].values()
    return {**instance, "Address": host, "Port": port, "Secrets": master_secrets(scope)}


def secret_name(scope: Scope) -> str:
    return f"rds!{scope.id}"


def manage_password(scope: Scope) -> None:
    """RDS keeps the password of a managed user in a secret of its own making; here it is the server's."""
    server = scope.cloud.database
    if not server or not scope.inputs["manageMasterUserPassword"]:
        return
    scope.cloud.call(
        "secretsmanager",
        "create_secret",
        Name=secret_name(scope),
        SecretString=json.dumps({"username": server.user, "password": server.password}),
    )


def forget_password(scope: Scope) -> None:
    try:
        scope.cloud.call(
            "secretsmanager", "delete_secret", SecretId=secret_name(scope), ForceDeleteWithoutRecovery=True
        )
    except Gone:
        return


def master_secrets(scope: Scope) -> list[dict[str, str]]:
    if not scope.value("manageMasterUserPassword"):
        return []
    try:
        secret = scope.cloud.call("secretsmanager", "describe_secret", SecretId=secret_name(scope))
    except Gone:
        return []
    return [{"secretArn": secret["ARN"], "secretStatus": "active"}]


def delete_instance(scope: Scope) -> None:
    """With a final snapshot, unless it is to be skipped; the emulator would overwrite one of the same name."""
    identifier = scope.value("identifier")
    if scope.inputs.get("skipFinalSnapshot"):
        scope.call("delete_db_instance", DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
    else:
        snapshot = scope.inputs.get("finalSnapshotIdentifier")
        if not snapshot:
            raise ProviderError(
                f"{identifier}: finalSnapshotIdentifier is missing and skipFinalSnapshot false; deploy one of them"
            )
        if has_snapshot(scope, snapshot):
            raise ProviderError(f"{identifier}: a snapshot {snapshot!r} exists already; deploy another name first")
        scope.call(
            "delete_db_instance",
            DBInstanceIdentifier=identifier,
            SkipFinalSnapshot=False,
            FinalDBSnapshotIdentifier=snapshot,
        )
    forget_password(scope)


def has_snapshot(scope: Scope, name: str) -> bool:
    try:
        return bool(scope.call("describe_db_snapshots", DBSnapshotIdentifier=name)["DBSnapshots"])
    except Gone:
        return False


def check_instance(inputs: Properties) -> None:
    if inputs.get("manageMasterUserPassword") is False:
        raise CheckFailed(
            "manageMasterUserPassword is false: the local database server has a password of its own, "
            "which the program gets from masterUserSecrets; set it to true"
        )


INSTANCE = Resource(
    type="aws:rds/instance:Instance",
    service="rds",
    name=AutoName(property="identifier", limit=63, lower=True),
    inputs={
        **same(
            "allocatedStorage autoMinorVersionUpgrade availabilityZone backupRetentionPeriod copyTagsToSnapshot"
        ),
        **same("deletionProtection engine engineVersion iops kmsKeyId licenseModel maxAllocatedStorage"),
        **same("monitoringInterval monitoringRoleArn multiAz networkType publiclyAccessible storageEncrypted"),
        **same("storageThroughput storageType vpcSecurityGroupIds masterUserSecretKmsKeyId"),
        "identifier": "DBInstanceIdentifier",
        "instanceClass": "DBInstanceClass",
        "dbName": "DBName",
        "username": "MasterUsername",
        "dbSubnetGroupName": "DBSubnetGroupName",
        "parameterGroupName": "DBParameterGroupName",
        "optionGroupName": "OptionGroupName",
        "backupWindow": "PreferredBackupWindow",
        "maintenanceWindow": "PreferredMaintenanceWindow",
        "caCertIdentifier": "CACertificateIdentifier",
        "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
        "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
        "performanceInsightsEnabled": "EnablePerformanceInsights",
        "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
        "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    },
    key={"DBInstanceIdentifier": "identifier"},
    create=create_instance,
    update=(Call(operation="modify_db_instance", constants={"ApplyImmediately": True}),),
    read=read_instance,
    delete=delete_instance,
    settings=(
        Setting(put=manage_password, remove=forget_password, inputs=same("manageMasterUserPassword")),
        Setting(
            put="modify_db_instance",
            inputs={
                "enabledCloudwatchLogsExports": To(
                    path="CloudwatchLogsExportConfiguration",
                    convert=lambda logs: {"EnableLogTypes": logs},
                )
            },
            default=[],
            at_creation=False,
        ),
    ),
    tagging=TAGGING,
    created={"resourceId": "DBInstance.DbiResourceId", "arn": "DBInstance.DBInstanceArn"},
    outputs={
        "address": "Address",
        "port": "Port",
        "endpoint": lambda found: f"{found['Address']}:{found['Port']}",
        "engineVersionActual": "EngineVersion",
        "hostedZoneId": "Endpoint.HostedZoneId",
        "masterUserSecrets": "Secrets",
        "status": "DBInstanceStatus",
    },
    id="{resourceId}",
    replace=names(
        "identifier engine dbName username dbSubnetGroupName kmsKeyId storageEncrypted availabilityZone"
    ),
    resets={"deletionProtection": False},
    not_sent={
        "port": "the port is that of the local database server",
        "applyImmediately": "every change is applied at once",
        "allowMajorVersionUpgrade": "the version is that of the local database server",
        "skipFinalSnapshot": "the deletion takes it",
        "finalSnapshotIdentifier": "the deletion takes it",
        "deleteAutomatedBackups": "no backup is made",
    },
    check=check_instance,
)

RESOURCES = (SUBNET_GROUP, PARAMETER_GROUP, INSTANCE)
