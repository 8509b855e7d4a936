"""How the program's resources are written in CloudFormation, where it isn't by their inputs' own names."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Properties = dict[str, Any]


def nothing(value: Any) -> Properties:
    return {}


def moved(path: str) -> Callable[[Any], Properties]:
    """The value under a property of another name or place."""

    def place(value: Any) -> Properties:
        for name in reversed(path.split(".")):
            value = {name: value}
        return dict(value)

    return place


def parsed(name: str) -> Callable[[Any], Properties]:
    return lambda text: {name: json.loads(text)}


def listed(name: str, **names: str) -> Callable[[Any], Properties]:
    """A mapping as a list of pairs, as CloudFormation writes tags."""
    return lambda value: {name: [{names["key"]: key, names["value"]: each} for key, each in value.items()]}


@dataclass(frozen=True, kw_only=True)
class Type:
    """`inputs`: what becomes of an input that isn't the property of its own name.

    `named`: the property that holds the name in AWS, with Pulumi's suffix where the program sets none.
    """

    name: str
    named: str | None = None
    inputs: Mapping[str, Callable[[Any], Properties]] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)


def function_code(_: Any) -> Properties:
    return {"Code": {"S3Bucket": "archives", "S3Key": "archive.zip"}}


def vpc_endpoint_policy(text: str) -> Properties:
    return {"PolicyDocument": json.loads(text)}


def rest_api_body(text: str) -> Properties:
    return {"Body": json.loads(text)}


def target(name: str) -> Callable[[Any], Properties]:
    return lambda value: {"Targets": [{name: value}]}


def retry_policy(value: Mapping[str, Any]) -> Properties:
    return {
        "Targets": [
            {
                "RetryPolicy": {
                    "MaximumEventAgeInSeconds": value["maximumEventAgeInSeconds"],
                    "MaximumRetryAttempts": value["maximumRetryAttempts"],
                }
            }
        ]
    }


def index_keys(index: Mapping[str, Any]) -> list[Properties]:
    if "keySchemas" in index:
        return [{"AttributeName": key["attributeName"], "KeyType": key["keyType"]} for key in index["keySchemas"]]
    return [
        {"AttributeName": index[name], "KeyType": kind}
        for name, kind in (("hashKey", "HASH"), ("rangeKey", "RANGE"))
        if index.get(name)
    ]


def indexes(declared: list[Mapping[str, Any]]) -> Properties:
    return {
        "GlobalSecondaryIndexes": [
            {
                "IndexName": each["name"],
                "KeySchema": index_keys(each),
                "Projection": {"ProjectionType": each["projectionType"]},
            }
            for each in declared
        ]
    }


def attributes(declared: list[Mapping[str, str]]) -> Properties:
    return {
        "AttributeDefinitions": [
            {"AttributeName": each["name"], "AttributeType": each["type"]} for each in declared
        ]
    }


def dimensions(value: Mapping[str, str]) -> Properties:
    return {"Dimensions": [{"Name": name, "Value": each} for name, each in value.items()]}


def logging(value: Mapping[str, Any]) -> Properties:
    destination = {"CloudWatchLogsLogGroup": {"LogGroupArn": value["logDestination"]}}
    rest = {name: each for name, each in value.items() if name != "logDestination"}
    return {"LoggingConfiguration": {**rest, "Destinations": [destination]}}


def tunnel(value: list[str], number: int) -> Properties:
    specifications: list[Properties] = [{}, {}]
    specifications[number] = {"IKEVersions": [{"Value": version} for version in value]}
    return {"VpnTunnelOptionsSpecifications": specifications}


def stages(value: list[Mapping[str, str]]) -> Properties:
    return {"ApiStages": [{"ApiId": each["apiId"], "Stage": each["stage"]} for each in value]}


def parameters(value: list[Mapping[str, str]]) -> Properties:
    return {"Parameters": {each["name"]: each["value"] for each in value}}


def metric_queries(value: list[Mapping[str, Any]]) -> Properties:
    queries = []
    for each in value:
        query = {name: item for name, item in each.items() if name != "metric"}
        if each.get("metric"):
            metric = each["metric"]
            query["metricStat"] = {
                "metric": {
                    "namespace": metric["namespace"],
                    "metricName": metric["metricName"],
                    **dimensions(metric.get("dimensions", {})),
                },
                "period": metric["period"],
                "stat": metric["stat"],
            }
        queries.append(query)
    return {"Metrics": queries}


TYPES: Mapping[str, Type] = {
    "aws:apigateway/account:Account": Type(name="AWS::ApiGateway::Account"),
    "aws:apigateway/apiKey:ApiKey": Type(name="AWS::ApiGateway::ApiKey", named="Name"),
    "aws:apigateway/deployment:Deployment": Type(
        name="AWS::ApiGateway::Deployment", inputs={"restApi": moved("RestApiId"), "triggers": nothing}
    ),
    "aws:apigateway/restApi:RestApi": Type(
        name="AWS::ApiGateway::RestApi", named="Name", inputs={"body": rest_api_body}
    ),
    "aws:apigateway/stage:Stage": Type(
        name="AWS::ApiGateway::Stage",
        inputs={
            "restApi": moved("RestApiId"),
            "deployment": moved("DeploymentId"),
            "xrayTracingEnabled": moved("TracingEnabled"),
            "accessLogSettings": moved("AccessLogSetting"),
        },
    ),
    "aws:apigateway/usagePlan:UsagePlan": Type(
        name="AWS::ApiGateway::UsagePlan",
        named="UsagePlanName",
        inputs={"throttleSettings": moved("Throttle"), "quotaSettings": moved("Quota"), "apiStages": stages},
    ),
    "aws:apigateway/usagePlanKey:UsagePlanKey": Type(name="AWS::ApiGateway::UsagePlanKey"),
    "aws:cloudwatch/dashboard:Dashboard": Type(name="AWS::CloudWatch::Dashboard"),
    "aws:cloudwatch/eventArchive:EventArchive": Type(
        name="AWS::Events::Archive", named="ArchiveName", inputs={"eventSourceArn": moved("SourceArn")}
    ),
    "aws:cloudwatch/eventBus:EventBus": Type(name="AWS::Events::EventBus", named="Name"),
    "aws:cloudwatch/eventRule:EventRule": Type(
        name="AWS::Events::Rule", named="Name", inputs={"eventPattern": parsed("EventPattern")}
    ),
    "aws:cloudwatch/logGroup:LogGroup": Type(name="AWS::Logs::LogGroup", named="LogGroupName"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Type(
        name="AWS::CloudWatch::Alarm",
        named="AlarmName",
        inputs={
            "dimensions": dimensions,
            "metricQueries": metric_queries,
        },
    ),
    "aws:dynamodb/table:Table": Type(
        name="AWS::DynamoDB::Table",
        named="TableName",
        inputs={
            "attributes": attributes,
            "globalSecondaryIndexes": indexes,
            "hashKey": lambda name: {"KeySchema": [{"AttributeName": name, "KeyType": "HASH"}]},
            "ttl": moved("TimeToLiveSpecification"),
            "serverSideEncryption": lambda value: {"SSESpecification": {"SSEEnabled": value["enabled"]}},
            "pointInTimeRecovery": lambda value: {
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": value["enabled"]}
            },
        },
    ),
    "aws:ec2/customerGateway:CustomerGateway": Type(
        name="AWS::EC2::CustomerGateway", inputs={"bgpAsn": lambda text: {"BgpAsn": int(text)}}
    ),
    "aws:ec2/routeTable:RouteTable": Type(name="AWS::EC2::RouteTable", inputs={"propagatingVgws": nothing}),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Type(name="AWS::EC2::SubnetRouteTableAssociation"),
    "aws:ec2/securityGroup:SecurityGroup": Type(
        name="AWS::EC2::SecurityGroup", named="GroupName", inputs={"description": moved("GroupDescription")}
    ),
    "aws:ec2/subnet:Subnet": Type(name="AWS::EC2::Subnet"),
    "aws:ec2/vpc:Vpc": Type(name="AWS::EC2::VPC"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Type(
        name="AWS::EC2::VPCEndpoint", inputs={"policy": vpc_endpoint_policy, "tags": nothing}
    ),
    "aws:ec2/vpnConnection:VpnConnection": Type(
        name="AWS::EC2::VPNConnection",
        inputs={
            "tunnel1IkeVersions": lambda value: tunnel(value, 0),
            "tunnel2IkeVersions": lambda value: tunnel(value, 1),
        },
    ),
    "aws:ec2/vpnConnectionRoute:VpnConnectionRoute": Type(name="AWS::EC2::VPNConnectionRoute"),
    "aws:ec2/vpnGateway:VpnGateway": Type(
        name="AWS::EC2::VPNGateway", inputs={"vpcId": nothing}, constants={"Type": "ipsec.1"}
    ),
    "aws:iam/role:Role": Type(
        name="AWS::IAM::Role", named="RoleName", inputs={"assumeRolePolicy": parsed("AssumeRolePolicyDocument")}
    ),
    "aws:iam/rolePolicy:RolePolicy": Type(
        name="AWS::IAM::RolePolicy",
        named="PolicyName",
        inputs={"role": moved("RoleName"), "policy": parsed("PolicyDocument")},
    ),
    "aws:kms/key:Key": Type(
        name="AWS::KMS::Key", inputs={"policy": parsed("KeyPolicy"), "customerMasterKeySpec": moved("KeySpec")}
    ),
    "aws:lambda/function:Function": Type(
        name="AWS::Lambda::Function", named="FunctionName", inputs={"code": function_code}
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Type(
        name="AWS::Lambda::EventInvokeConfig", constants={"Qualifier": "$LATEST"}
    ),
    "aws:lambda/functionUrl:FunctionUrl": Type(
        name="AWS::Lambda::Url",
        inputs={"functionName": moved("TargetFunctionArn"), "authorizationType": moved("AuthType")},
    ),
    "aws:lambda/permission:Permission": Type(
        name="AWS::Lambda::Permission", inputs={"function": moved("FunctionName"), "statementId": nothing}
    ),
    "aws:rds/instance:Instance": Type(
        name="AWS::RDS::DBInstance",
        named="DBInstanceIdentifier",
        inputs={
            "instanceClass": moved("DBInstanceClass"),
            "vpcSecurityGroupIds": moved("VPCSecurityGroups"),
            "username": moved("MasterUsername"),
            "parameterGroupName": moved("DBParameterGroupName"),
            "caCertIdentifier": moved("CACertificateIdentifier"),
            "allocatedStorage": lambda value: {"AllocatedStorage": f"{value:.0f}"},
            "port": lambda value: {"Port": f"{value:.0f}"},
            "skipFinalSnapshot": nothing,
            "finalSnapshotIdentifier": nothing,
        },
    ),
    "aws:rds/parameterGroup:ParameterGroup": Type(
        name="AWS::RDS::DBParameterGroup", named="DBParameterGroupName", inputs={"parameters": parameters}
    ),
    "aws:rds/subnetGroup:SubnetGroup": Type(
        name="AWS::RDS::DBSubnetGroup",
        named="DBSubnetGroupName",
        inputs={"description": moved("DBSubnetGroupDescription")},
    ),
    "aws:secretsmanager/secret:Secret": Type(
        name="AWS::SecretsManager::Secret", named="Name", inputs={"recoveryWindowInDays": nothing}
    ),
    "aws:sfn/stateMachine:StateMachine": Type(
        name="AWS::StepFunctions::StateMachine",
        named="StateMachineName",
        inputs={
            "type": moved("StateMachineType"),
            "definition": moved("DefinitionString"),
            "loggingConfiguration": logging,
        },
    ),
    "aws:sns/topic:Topic": Type(name="AWS::SNS::Topic", named="TopicName"),
    "aws:sns/topicPolicy:TopicPolicy": Type(
        name="AWS::SNS::TopicPolicy",
        inputs={"policy": parsed("PolicyDocument"), "arn": lambda arn: {"Topics": [arn]}},
    ),
    "aws:sns/topicSubscription:TopicSubscription": Type(
        name="AWS::SNS::Subscription", inputs={"topic": moved("TopicArn")}
    ),
    "aws:sqs/queue:Queue": Type(
        name="AWS::SQS::Queue",
        named="QueueName",
        inputs={
            "messageRetentionSeconds": moved("MessageRetentionPeriod"),
            "maxMessageSize": moved("MaximumMessageSize"),
        },
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Type(
        name="AWS::SQS::QueuePolicy",
        inputs={"policy": parsed("PolicyDocument"), "queueUrl": lambda url: {"Queues": [url]}},
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Type(
        name="AWS::EC2::SecurityGroupEgress",
        inputs={
            "securityGroupId": moved("GroupId"),
            "cidrIpv4": moved("CidrIp"),
            "referencedSecurityGroupId": moved("DestinationSecurityGroupId"),
            "tags": nothing,
        },
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Type(
        name="AWS::EC2::SecurityGroupIngress",
        inputs={
            "securityGroupId": moved("GroupId"),
            "cidrIpv4": moved("CidrIp"),
            "referencedSecurityGroupId": moved("SourceSecurityGroupId"),
            "tags": nothing,
        },
    ),
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """What CloudFormation writes inside another resource: the one whose output the input `of` holds."""

    type: str
    of: str
    made: Callable[[Properties], Properties]


def event_target(inputs: Properties) -> Properties:
    made = {"Id": "target", "Arn": inputs["arn"]}
    if "roleArn" in inputs:
        made["RoleArn"] = inputs["roleArn"]
    if "retryPolicy" in inputs:
        made["RetryPolicy"] = capitals(inputs["retryPolicy"])
    if "deadLetterConfig" in inputs:
        made["DeadLetterConfig"] = capitals(inputs["deadLetterConfig"])
    return {"Targets": [made]}


def method_setting(inputs: Properties) -> Properties:
    path, _, method = inputs["methodPath"].rpartition("/")
    made = {"HttpMethod": method, "ResourcePath": f"/{path}", **capitals(inputs["settings"])}
    return {"MethodSettings": [made]}


def capitals(value: Mapping[str, Any]) -> Properties:
    return {name[0].upper() + name[1:]: each for name, each in value.items()}


PARTS: Mapping[str, Part] = {
    "aws:cloudwatch/eventTarget:EventTarget": Part(
        type="aws:cloudwatch/eventRule:EventRule", of="rule", made=event_target
    ),
    "aws:apigateway/methodSettings:MethodSettings": Part(
        type="aws:apigateway/stage:Stage", of="stageName", made=method_setting
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Part(
        type="aws:iam/role:Role",
        of="role",
        made=lambda inputs: {"ManagedPolicyArns": [inputs["policyArn"]]},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Part(
        type="aws:secretsmanager/secret:Secret",
        of="secretId",
        made=lambda inputs: {"SecretString": inputs["secretString"]},
    ),
}
