"""VPC: networks, subnets, routes, security groups and their rules, endpoints."""

from typing import Any

from local_cloud.provider.operations import perform
from local_cloud.provider.resource import Answer, AutoName, Call, Resource, Scope, Setting, Tagging, names, same

TAGGING = Tagging(tag="create_tags", untag="delete_tags", key={"Resources.0": "id"})


def arn(kind: str) -> str:
    return "arn:aws:ec2:{region}:{account}:" + kind + "/{id}"


VPC = Resource(
    type="aws:ec2/vpc:Vpc",
    service="ec2",
    inputs=same("cidrBlock instanceTenancy"),
    key={"VpcId": "id", "VpcIds.0": "id"},
    create="create_vpc",
    read="describe_vpcs",
    delete="delete_vpc",
    # EC2 changes one attribute at a time.
    settings=tuple(
        Setting(
            put="modify_vpc_attribute",
            inputs={name: f"{name[0].upper()}{name[1:]}.Value"},
            default=default,
        )
        for name, default in (
            ("enableDnsSupport", True),
            ("enableDnsHostnames", False),
            ("enableNetworkAddressUsageMetrics", False),
        )
    ),
    tagging=TAGGING,
    found="Vpcs | [0]",
    created={"vpcId": "Vpc.VpcId"},
    outputs={"ownerId": "OwnerId", "dhcpOptionsId": "DhcpOptionsId"},
    derived={"arn": arn("vpc")},
    id="{vpcId}",
    replace=names("cidrBlock instanceTenancy"),
)

SUBNET = Resource(
    type="aws:ec2/subnet:Subnet",
    service="ec2",
    inputs=same("vpcId cidrBlock availabilityZone availabilityZoneId"),
    key={"SubnetId": "id", "SubnetIds.0": "id"},
    create="create_subnet",
    read="describe_subnets",
    delete="delete_subnet",
    settings=(
        Setting(
            put="modify_subnet_attribute",
            inputs={"mapPublicIpOnLaunch": "MapPublicIpOnLaunch.Value"},
            default=False,
        ),
    ),
    tagging=TAGGING,
    found="Subnets | [0]",
    created={"subnetId": "Subnet.SubnetId"},
    outputs={
        "ownerId": "OwnerId",
        "availabilityZone": "AvailabilityZone",
        "availabilityZoneId": "AvailabilityZoneId",
    },
    derived={"arn": arn("subnet")},
    id="{subnetId}",
    replace=names("vpcId cidrBlock availabilityZone availabilityZoneId"),
    identity=("vpcId", "cidrBlock"),
)

ROUTE_TABLE = Resource(
    type="aws:ec2/routeTable:RouteTable",
    service="ec2",
    inputs=same("vpcId"),
    key={"RouteTableId": "id", "RouteTableIds.0": "id"},
    create="create_route_table",
    read="describe_route_tables",
    delete="delete_route_table",
    tagging=TAGGING,
    found="RouteTables | [0]",
    created={"routeTableId": "RouteTable.RouteTableId"},
    outputs={"ownerId": "OwnerId"},
    derived={"arn": arn("route-table")},
    id="{routeTableId}",
    replace=names("vpcId"),
    not_sent={"propagatingVgws": "the local network has no VPN gateway"},
)

ROUTE_TABLE_ASSOCIATION = Resource(
    type="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    inputs=same("routeTableId subnetId gatewayId"),
    key={"AssociationId": "id", "RouteTableIds.0": "routeTableId"},
    create="associate_route_table",
    read="describe_route_tables",
    delete="disassociate_route_table",
    found="RouteTables[0].Associations[?RouteTableAssociationId=='{id}'] | [0]",
    created={"associationId": "AssociationId"},
    id="{associationId}",
    replace=names("routeTableId subnetId gatewayId"),
    # A subnet has one route table: the old association must go before the new one.
    identity=("subnetId", "gatewayId"),
)


def create_security_group(scope: Scope) -> Answer:
    """EC2 lets a new group reach everything; like the provider for AWS, take that away."""
    made = perform(scope, Call(operation="create_security_group", inputs=SECURITY_GROUP.inputs)) or {}
    scope.call(
        "revoke_security_group_egress",
        GroupId=made["GroupId"],
        IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )
    return made


SECURITY_GROUP = Resource(
    type="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    name=AutoName(limit=255),
    inputs={**same("description vpcId"), "name": "GroupName"},
    key={"GroupId": "id", "GroupIds.0": "id"},
    create=create_security_group,
    read="describe_security_groups",
    delete="delete_security_group",
    tagging=TAGGING,
    found="SecurityGroups | [0]",
    created={"groupId": "GroupId"},
    outputs={"ownerId": "OwnerId"},
    derived={"arn": arn("security-group")},
    id="{groupId}",
    defaults={"description": "Managed by Pulumi"},
    replace=names("name description vpcId"),
    identity=("vpcId", "name"),
    not_sent={"revokeRulesOnDelete": "rules are resources of their own, deleted first"},
)


def permission(inputs: dict[str, Any]) -> dict[str, Any]:
    """One rule as EC2 takes it at creation: the description belongs to whatever the rule lets in."""
    sources = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    made: dict[str, Any] = {"IpProtocol": inputs["ipProtocol"]}
    for name, (group, member) in sources.items():
        if inputs.get(name):
            description = {"Description": inputs["description"]} if inputs.get("description") else {}
            made[group] = [{member: inputs[name], **description}]
    for name, parameter in (("fromPort", "FromPort"), ("toPort", "ToPort")):
        if inputs.get(name) is not None:
            made[parameter] = int(inputs[name])
    return made


RULE = same("ipProtocol fromPort toPort cidrIpv4 cidrIpv6 prefixListId description") | {
    "referencedSecurityGroupId": "referencedGroupId"
}


def security_group_rule(direction: str) -> Resource:
    def create_rule(scope: Scope) -> Answer:
        return scope.call(
            f"authorize_security_group_{direction}",
            GroupId=scope.inputs["securityGroupId"],
            IpPermissions=[permission(scope.inputs)],
        )

    title = direction.title()
    return Resource(
        type=f"aws:vpc/securityGroup{title}Rule:SecurityGroup{title}Rule",
        service="ec2",
        inputs=same("securityGroupId"),
        key={"GroupId": "securityGroupId", "SecurityGroupRuleIds.0": "id"},
        create=create_rule,
        update=(
            Call(
                operation="modify_security_group_rules",
                key={"GroupId": "securityGroupId", "SecurityGroupRules.0.SecurityGroupRuleId": "id"},
                inputs={name: f"SecurityGroupRules.0.SecurityGroupRule.{path}" for name, path in RULE.items()},
            ),
        ),
        read="describe_security_group_rules",
        delete=f"revoke_security_group_{direction}",
        tagging=TAGGING,
        found="SecurityGroupRules | [0]",
        created={"securityGroupRuleId": "SecurityGroupRules[0].SecurityGroupRuleId"},
        derived={"arn": arn("security-group-rule")},
        id="{securityGroupRuleId}",
        replace=names("securityGroupId"),
    )


def modify_endpoint(scope: Scope) -> None:
    """An endpoint's lists are changed by what to add and what to remove."""
    parameters: dict[str, Any] = {"VpcEndpointId": scope.id}
    for name, member in (
        ("routeTableIds", "RouteTableIds"),
        ("subnetIds", "SubnetIds"),
        ("securityGroupIds", "SecurityGroupIds"),
    ):
        old, new = set(scope.old.get(name) or ()), set(scope.inputs.get(name) or ())
        parameters[f"Add{member}"] = sorted(new - old)
        parameters[f"Remove{member}"] = sorted(old - new)
    if "policy" in scope.changed:
        policy = scope.inputs.get("policy")
        parameters |= {"PolicyDocument": policy} if policy else {"ResetPolicy": True}
    if "privateDnsEnabled" in scope.changed:
        parameters["PrivateDnsEnabled"] = bool(scope.inputs.get("privateDnsEnabled"))
    scope.call("modify_vpc_endpoint", **{name: value for name, value in parameters.items() if value != []})


VPC_ENDPOINT = Resource(
    type="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    inputs={
        **same("vpcId serviceName vpcEndpointType routeTableIds subnetIds securityGroupIds privateDnsEnabled"),
        **same("ipAddressType"),
        "policy": "PolicyDocument",
    },
    key={"VpcEndpointIds.0": "id"},
    create="create_vpc_endpoint",
    read="describe_vpc_endpoints",
    delete="delete_vpc_endpoints",
    settings=(
        Setting(
            put=modify_endpoint,
            remove=modify_endpoint,
            inputs=same("routeTableIds subnetIds securityGroupIds policy privateDnsEnabled"),
            at_creation=False,
        ),
    ),
    tagging=TAGGING,
    found="VpcEndpoints | [0]",
    created={"vpcEndpointId": "VpcEndpoint.VpcEndpointId"},
    outputs={
        "ownerId": "OwnerId",
        "state": "State",
        "networkInterfaceIds": "NetworkInterfaceIds",
        "dnsEntries": "DnsEntries[].{dnsName: DnsName, hostedZoneId: HostedZoneId}",
    },
    derived={"arn": arn("vpc-endpoint")},
    id="{vpcEndpointId}",
    documents=names("policy"),
    replace=names("vpcId serviceName vpcEndpointType ipAddressType"),
)

RESOURCES = (
    VPC,
    SUBNET,
    ROUTE_TABLE,
    ROUTE_TABLE_ASSOCIATION,
    SECURITY_GROUP,
    security_group_rule("ingress"),
    security_group_rule("egress"),
    VPC_ENDPOINT,
)
