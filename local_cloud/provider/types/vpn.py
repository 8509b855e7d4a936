"""Site-to-site VPN: gateways, connections and their static routes."""

from local_cloud.provider.operations import perform
from local_cloud.provider.resource import Answer, Call, Resource, Scope, Setting, names, same
from local_cloud.provider.types.network import TAGGING, arn

CUSTOMER_GATEWAY = Resource(
    type="aws:ec2/customerGateway:CustomerGateway",
    service="ec2",
    inputs=same("bgpAsn ipAddress type deviceName"),
    key={"CustomerGatewayId": "id", "CustomerGatewayIds.0": "id"},
    create="create_customer_gateway",
    read="describe_customer_gateways",
    delete="delete_customer_gateway",
    tagging=TAGGING,
    found="CustomerGateways | [0]",
    created={"customerGatewayId": "CustomerGateway.CustomerGatewayId"},
    derived={"arn": arn("customer-gateway")},
    id="{customerGatewayId}",
    replace=names("bgpAsn ipAddress type deviceName"),
)


def attach_gateway(scope: Scope) -> None:
    """A gateway serves one VPC at a time."""
    old, new = scope.old.get("vpcId"), scope.inputs.get("vpcId")
    if old:
        scope.call("detach_vpn_gateway", VpnGatewayId=scope.id, VpcId=old)
    if new:
        scope.call("attach_vpn_gateway", VpnGatewayId=scope.id, VpcId=new)


def delete_gateway(scope: Scope) -> None:
    if scope.inputs.get("vpcId"):
        scope.call("detach_vpn_gateway", VpnGatewayId=scope.id, VpcId=scope.inputs["vpcId"])
    scope.call("delete_vpn_gateway", VpnGatewayId=scope.id)


def create_gateway(scope: Scope) -> Answer | None:
    call = Call(operation="create_vpn_gateway", inputs=VPN_GATEWAY.inputs, constants={"Type": "ipsec.1"})
    return perform(scope, call)


VPN_GATEWAY = Resource(
    type="aws:ec2/vpnGateway:VpnGateway",
    service="ec2",
    inputs=same("availabilityZone amazonSideAsn"),
    key={"VpnGatewayIds.0": "id"},
    create=create_gateway,
    read="describe_vpn_gateways",
    delete=delete_gateway,
    settings=(Setting(put=attach_gateway, remove=attach_gateway, inputs=same("vpcId")),),
    tagging=TAGGING,
    found="VpnGateways | [0]",
    created={"vpnGatewayId": "VpnGateway.VpnGatewayId"},
    derived={"arn": arn("vpn-gateway")},
    id="{vpnGatewayId}",
    replace=names("availabilityZone amazonSideAsn"),
)

TUNNEL_OPTIONS = "the local network has no tunnels"

VPN_CONNECTION = Resource(
    type="aws:ec2/vpnConnection:VpnConnection",
    service="ec2",
    inputs={
        **same("customerGatewayId vpnGatewayId type"),
        "staticRoutesOnly": "Options.StaticRoutesOnly",
    },
    key={"VpnConnectionId": "id", "VpnConnectionIds.0": "id"},
    create="create_vpn_connection",
    read="describe_vpn_connections",
    delete="delete_vpn_connection",
    tagging=TAGGING,
    found="VpnConnections | [0]",
    created={"vpnConnectionId": "VpnConnection.VpnConnectionId"},
    derived={"arn": arn("vpn-connection")},
    id="{vpnConnectionId}",
    replace=names("customerGatewayId vpnGatewayId type staticRoutesOnly"),
    not_sent={
        "presharedKeyStorage": TUNNEL_OPTIONS,
        "tunnel1IkeVersions": TUNNEL_OPTIONS,
        "tunnel2IkeVersions": TUNNEL_OPTIONS,
    },
)

VPN_CONNECTION_ROUTE = Resource(
    type="aws:ec2/vpnConnectionRoute:VpnConnectionRoute",
    service="ec2",
    inputs=same("vpnConnectionId destinationCidrBlock"),
    key={
        "VpnConnectionId": "vpnConnectionId",
        "VpnConnectionIds.0": "vpnConnectionId",
        "DestinationCidrBlock": "destinationCidrBlock",
    },
    create="create_vpn_connection_route",
    read="describe_vpn_connections",
    delete="delete_vpn_connection_route",
    found="VpnConnections[0].Routes[?DestinationCidrBlock=='{destinationCidrBlock}'] | [0]",
    id="{destinationCidrBlock}:{vpnConnectionId}",
    replace=names("vpnConnectionId destinationCidrBlock"),
    identity=("vpnConnectionId", "destinationCidrBlock"),
)

RESOURCES = (CUSTOMER_GATEWAY, VPN_GATEWAY, VPN_CONNECTION, VPN_CONNECTION_ROUTE)
