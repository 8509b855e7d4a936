"""The VPN to a database of the company's own: from its one setting to routes in both subnets and an alarm."""

import pytest

from tests.components.graph import ON_PREMISE, VPN, Graph, record

EC2 = "aws:ec2/"
ROUTE = "aws:ec2/vpnConnectionRoute:VpnConnectionRoute"
CONNECTION = "aws:ec2/vpnConnection:VpnConnection"


@pytest.fixture(scope="module")
def linked() -> Graph:
    return record("dev", VPN)


def test_the_connection_joins_the_companys_gateway_with_the_vpc(linked: Graph) -> None:
    theirs = linked.one("aws:ec2/customerGateway:CustomerGateway")
    ours = linked.one("aws:ec2/vpnGateway:VpnGateway")
    connection = linked.one(CONNECTION).inputs
    assert theirs.inputs["ipAddress"] == VPN["vpnGatewayAddress"]
    assert ours.inputs["vpcId"] == "leadbridge-dev-network-vpc-id"
    assert (connection["customerGatewayId"], connection["vpnGatewayId"]) == (
        f"{theirs.name}-id",
        f"{ours.name}-id",
    )
    assert connection["staticRoutesOnly"] is True


def test_the_databases_network_and_no_other_is_routed_through_it(linked: Graph) -> None:
    (route,) = linked.of(ROUTE)
    assert route.inputs["destinationCidrBlock"] == VPN["databaseNetworkCidr"]
    assert route.inputs["vpnConnectionId"] == f"{linked.one(CONNECTION).name}-id"


def test_both_subnets_learn_the_route(linked: Graph) -> None:
    table = linked.one("aws:ec2/routeTable:RouteTable")
    assert table.inputs["propagatingVgws"] == [f"{linked.one('aws:ec2/vpnGateway:VpnGateway').name}-id"]
    associations = linked.of("aws:ec2/routeTableAssociation:RouteTableAssociation")
    assert {each.inputs["routeTableId"] for each in associations} == {f"{table.name}-id"}
    subnets = {f"{each.name}-id" for each in linked.of("aws:ec2/subnet:Subnet")}
    assert {each.inputs["subnetId"] for each in associations} == subnets


def test_the_keys_of_the_tunnels_stand_in_no_state(linked: Graph) -> None:
    connection = linked.one(CONNECTION).inputs
    assert connection["presharedKeyStorage"] == "SecretsManager"
    assert not [name for name in connection if name.endswith("PresharedKey")]
    assert connection["tunnel1IkeVersions"] == connection["tunnel2IkeVersions"] == ["ikev2"]


def test_the_migrations_wait_for_the_link(linked: Graph) -> None:
    migrate = linked.one("aws:lambda/invocation:Invocation")
    for kind in (ROUTE, CONNECTION, "aws:ec2/routeTableAssociation:RouteTableAssociation"):
        assert {each.urn for each in linked.of(kind)} <= set(migrate.dependencies), kind


def test_a_link_that_is_down_rings(linked: Graph) -> None:
    alarm = linked.one("aws:cloudwatch/metricAlarm:MetricAlarm", "alarm-tunnel-down").inputs
    assert (alarm["namespace"], alarm["metricName"]) == ("AWS/VPN", "TunnelState")
    assert alarm["dimensions"] == {"VpnId": f"{linked.one(CONNECTION).name}-id"}
    assert (alarm["statistic"], alarm["comparisonOperator"], alarm["threshold"]) == (
        "Maximum",
        "LessThanThreshold",
        1,
    )
    assert alarm["treatMissingData"] == "breaching"
    assert "Ask those who run" in alarm["alarmDescription"]


def test_the_connection_is_put_out_for_those_who_set_up_the_companys_side(linked: Graph) -> None:
    assert linked.outputs["vpn_connection_id"] == f"{linked.one(CONNECTION).name}-id"


def test_where_a_link_exists_already_none_is_made() -> None:
    graph = record("dev", ON_PREMISE)
    assert not [each.name for each in graph.resources if "vpn" in each.type.lower() or "Gateway:" in each.type]
    assert not [each.name for each in graph.of("aws:cloudwatch/metricAlarm:MetricAlarm") if "tunnel" in each.name]
    assert "vpn_connection_id" not in graph.outputs
