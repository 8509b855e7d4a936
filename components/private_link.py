"""The private link to a database of the company's own: a site-to-site VPN with static routes."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.network import Network

# Static routes need no BGP, and AWS wants a number all the same: one of those for private use.
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateCustomerGateway.html
PRIVATE_ASN = "65000"
IKE_VERSIONS = ["ikev2"]


@dataclass(frozen=True, kw_only=True)
class Vpn:
    """`gateway_address`: the company's gateway on the internet. `network_cidr`: what lies behind it."""

    gateway_address: str
    network_cidr: str


@dataclass(frozen=True, kw_only=True)
class PrivateLinkArgs:
    network: Network
    vpn: Vpn


class PrivateLink(pulumi.ComponentResource):
    """Two tunnels, which are up once the company's side is set up with `connection_id`'s configuration."""

    connection_id: pulumi.Output[str]

    def __init__(self, name: str, args: PrivateLinkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:network:PrivateLink", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        theirs = aws.ec2.CustomerGateway(
            f"{name}-customer-gateway",
            ip_address=args.vpn.gateway_address,
            bgp_asn=PRIVATE_ASN,
            type="ipsec.1",
            tags={"Name": f"{name}-customer-gateway"},
            opts=child,
        )
        ours = aws.ec2.VpnGateway(
            f"{name}-vpn-gateway",
            vpc_id=args.network.vpc_id,
            tags={"Name": f"{name}-vpn-gateway"},
            opts=child,
        )
        connection = aws.ec2.VpnConnection(
            f"{name}-connection",
            customer_gateway_id=theirs.id,
            vpn_gateway_id=ours.id,
            type="ipsec.1",
            static_routes_only=True,
            # else the tunnels' keys would stand in the stack's state
            preshared_key_storage="SecretsManager",
            tunnel1_ike_versions=IKE_VERSIONS,
            tunnel2_ike_versions=IKE_VERSIONS,
            tags={"Name": f"{name}-connection"},
            opts=child,
        )
        aws.ec2.VpnConnectionRoute(
            f"{name}-route",
            vpn_connection_id=connection.id,
            destination_cidr_block=args.vpn.network_cidr,
            opts=child,
        )
        # the static route of the connection reaches the subnets by propagation
        table = aws.ec2.RouteTable(
            f"{name}-private-routes",
            vpc_id=args.network.vpc_id,
            propagating_vgws=[ours.id],
            tags={"Name": f"{name}-private-routes"},
            opts=child,
        )
        for position, subnet in enumerate(args.network.subnet_ids):
            aws.ec2.RouteTableAssociation(
                f"{name}-private-{position + 1}-routes", route_table_id=table.id, subnet_id=subnet, opts=child
            )
        self.connection_id = connection.id
        self.register_outputs({"connection_id": self.connection_id})
