"""Databases and networks, each with its way of life."""

from __future__ import annotations

from typing import Any

from tests.provider.lifecycle import Case, Given, Probe, document, vpc


def subnets(world: Any) -> list[str]:
    network = vpc(world)
    return [
        world.make("aws:ec2/subnet:Subnet", vpcId=network, cidrBlock=f"10.0.{index}.0/24", availabilityZone=zone)[
            "id"
        ]
        for index, zone in enumerate(("us-east-1a", "us-east-1b"))
    ]


def security_group(world: Any) -> str:
    made: str = world.make("aws:ec2/securityGroup:SecurityGroup", vpcId=vpc(world))["id"]
    return made


def association(world: Any) -> Given:
    network = vpc(world)
    subnet = world.make("aws:ec2/subnet:Subnet", vpcId=network, cidrBlock="10.0.0.0/24")["id"]
    return {"routeTableId": world.make("aws:ec2/routeTable:RouteTable", vpcId=network)["id"], "subnetId": subnet}


def security_rule(world: Any) -> Given:
    return {
        "securityGroupId": security_group(world),
        "ipProtocol": "tcp",
        "fromPort": 3306.0,
        "toPort": 3306.0,
        "cidrIpv4": "10.0.0.0/16",
        "description": "the database",
    }


def rule_case(direction: str) -> Case:
    return Case(
        f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        security_rule,
        {"toPort": 3307.0},
        Probe(
            "ec2",
            "describe_security_group_rules",
            {"SecurityGroupRuleIds": ["{id}"]},
            "SecurityGroupRules[0].[FromPort, ToPort, CidrIpv4, Description]",
        ),
        [3306, 3306, "10.0.0.0/16", "the database"],
        [3306, 3307, "10.0.0.0/16", "the database"],
    )


def connection(world: Any) -> Given:
    gateway = world.make("aws:ec2/vpnGateway:VpnGateway", vpcId=vpc(world))["id"]
    return {
        "customerGatewayId": world.make(
            "aws:ec2/customerGateway:CustomerGateway", bgpAsn="65000", ipAddress="198.51.100.7", type="ipsec.1"
        )["id"],
        "vpnGatewayId": gateway,
        "type": "ipsec.1",
        "staticRoutesOnly": True,
    }


CASES = [
    Case(
        "aws:ec2/customerGateway:CustomerGateway",
        lambda world: {"bgpAsn": "65000", "ipAddress": "198.51.100.7", "type": "ipsec.1"},
        {"tags": {"Name": "two"}},
        Probe(
            "ec2",
            "describe_customer_gateways",
            {"CustomerGatewayIds": ["{id}"]},
            "CustomerGateways[0].[IpAddress, BgpAsn, Tags[0].Value]",
        ),
        ["198.51.100.7", "65000", None],
        ["198.51.100.7", "65000", "two"],
    ),
    Case(
        "aws:ec2/vpnGateway:VpnGateway",
        lambda world: {"vpcId": vpc(world)},
        {"vpcId": None},
        Probe(
            "ec2",
            "describe_vpn_gateways",
            {"VpnGatewayIds": ["{id}"]},
            "VpnGateways[0].length(VpcAttachments || `[]`)",
        ),
        1,
        0,
    ),
    Case(
        "aws:ec2/vpnConnection:VpnConnection",
        connection,
        {"tags": {"Name": "two"}},
        Probe(
            "ec2",
            "describe_vpn_connections",
            {"VpnConnectionIds": ["{id}"]},
            "VpnConnections[0].[Options.StaticRoutesOnly, Tags[0].Value]",
        ),
        [True, None],
        [True, "two"],
    ),
    Case(
        "aws:ec2/vpnConnectionRoute:VpnConnectionRoute",
        lambda world: {
            "vpnConnectionId": world.make("aws:ec2/vpnConnection:VpnConnection", **connection(world))["id"],
            "destinationCidrBlock": "10.8.0.0/24",
        },
        {},
        Probe(
            "ec2",
            "describe_vpn_connections",
            {"VpnConnectionIds": ["{vpnConnectionId}"]},
            "VpnConnections[0].Routes[].DestinationCidrBlock",
        ),
        ["10.8.0.0/24"],
    ),
    Case(
        "aws:rds/subnetGroup:SubnetGroup",
        lambda world: {"subnetIds": subnets(world), "description": "one"},
        {"description": "two"},
        Probe(
            "rds",
            "describe_db_subnet_groups",
            {"DBSubnetGroupName": "{name}"},
            "DBSubnetGroups[0].DBSubnetGroupDescription",
        ),
        "one",
        "two",
    ),
    Case(
        "aws:rds/parameterGroup:ParameterGroup",
        lambda world: {"family": "mariadb10.11", "parameters": [{"name": "max_connections", "value": "50"}]},
        {"parameters": [{"name": "max_connections", "value": "60"}]},
        Probe(
            "rds",
            "describe_db_parameters",
            {"DBParameterGroupName": "{name}"},
            "Parameters[?ParameterName=='max_connections'].ParameterValue",
        ),
        ["50"],
        ["60"],
    ),
    Case(
        "aws:rds/instance:Instance",
        lambda world: {
            "engine": "mariadb",
            "engineVersion": "10.11",
            "instanceClass": "db.t4g.micro",
            "allocatedStorage": 20,
            "dbName": "crm",
            "username": "admin",
            "manageMasterUserPassword": True,
            "skipFinalSnapshot": True,
            "tags": {"stack": "dev"},
        },
        {"instanceClass": "db.t4g.small"},
        Probe(
            "rds",
            "describe_db_instances",
            {"DBInstanceIdentifier": "{identifier}"},
            "DBInstances[0].[DBInstanceClass, Endpoint.Port, TagList[0].Value]",
        ),
        ["db.t4g.micro", 34117, "dev"],
        ["db.t4g.small", 34117, "dev"],
    ),
    Case(
        "aws:ec2/vpc:Vpc",
        lambda world: {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "one"}},
        {"tags": {"Name": "two"}, "enableDnsHostnames": None},
        Probe("ec2", "describe_vpcs", {"VpcIds": ["{id}"]}, "Vpcs[0].Tags"),
        [{"Key": "Name", "Value": "one"}],
        [{"Key": "Name", "Value": "two"}],
    ),
    Case(
        "aws:ec2/subnet:Subnet",
        lambda world: {"vpcId": vpc(world), "cidrBlock": "10.0.1.0/24", "availabilityZone": "us-east-1b"},
        {"tags": {"Name": "two"}},
        Probe("ec2", "describe_subnets", {"SubnetIds": ["{id}"]}, "Subnets[0].[AvailabilityZone, Tags[0].Value]"),
        ["us-east-1b", None],
        ["us-east-1b", "two"],
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda world: {"vpcId": vpc(world), "tags": {"a": "1", "b": "2"}},
        {"tags": {"a": "1"}},
        Probe(
            "ec2",
            "describe_security_groups",
            {"GroupIds": ["{id}"]},
            "SecurityGroups[0].[Description, IpPermissionsEgress, length(Tags)]",
        ),
        ["Managed by Pulumi", [], 2],
        ["Managed by Pulumi", [], 1],
    ),
    rule_case("Ingress"),
    rule_case("Egress"),
    Case(
        "aws:ec2/routeTable:RouteTable",
        lambda world: {"vpcId": vpc(world)},
        {"tags": {"Name": "two"}},
        Probe("ec2", "describe_route_tables", {"RouteTableIds": ["{id}"]}, "RouteTables[0].Tags[0].Value"),
        None,
        "two",
    ),
    Case(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        association,
        {},
        Probe(
            "ec2",
            "describe_route_tables",
            {"RouteTableIds": ["{routeTableId}"]},
            "RouteTables[0].Associations[0].AssociationState.State",
        ),
        "associated",
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda world: {
            "vpcId": vpc(world),
            "serviceName": "com.amazonaws.us-east-1.secretsmanager",
            "vpcEndpointType": "Interface",
            "subnetIds": ["subnet-1"],
            "policy": document(),
        },
        {"subnetIds": ["subnet-2"], "policy": document(Id="two")},
        Probe("ec2", "describe_vpc_endpoints", {"VpcEndpointIds": ["{id}"]}, "VpcEndpoints[0].SubnetIds"),
        ["subnet-1"],
        ["subnet-2"],
    ),
]
