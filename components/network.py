"""The private network of the backends: subnets in two zones, no way out but to the endpoints that they need."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components import iam
from components.errors import ConfigurationError
from components.function import VpcPlacement

ZONES = 2
SUBNET_BITS = 8  # a /16 gives /24 subnets
MIN_PREFIX, MAX_PREFIX = 16, 20  # a VPC is at most a /16; below /20 the subnets would be smaller than a /28
HTTPS_PORT = 443
# Old zones that AWS's newer services leave out, by the ids that are the same in each account: Lambda refuses
# subnets in such a zone, and endpoints and classes of databases are missing. AWS lists them service by service:
# https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
# https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-share-your-services.html
OLD_ZONE_IDS = ("use1-az3", "usw1-az2", "cac1-az3", "apne1-az3")
# Neither Local Zones nor Wavelength Zones, which an account opts into and which sort before the region's own:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html
ZONE_FILTERS: Mapping[str, str] = {"opt-in-status": "opt-in-not-required", "zone-type": "availability-zone"}


def subnet_cidrs(cidr: str, count: int = ZONES) -> list[str]:
    """The first `count` subnets of the network, each SUBNET_BITS smaller."""
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise ConfigurationError(
            f"vpcCidr is {cidr!r}, which is not an IPv4 network ({error}); use one such as 10.20.0.0/16"
        ) from None
    if not MIN_PREFIX <= network.prefixlen <= MAX_PREFIX:
        raise ConfigurationError(
            f"vpcCidr is {cidr}, with prefix /{network.prefixlen}; use /{MIN_PREFIX} to /{MAX_PREFIX}"
        )
    subnets = network.subnets(prefixlen_diff=SUBNET_BITS)
    return [str(next(subnets)) for _ in range(count)]


def usable_zones() -> list[str]:
    """The names of the region's own zones that take all that the stack puts into a subnet, in their order."""
    found = aws.get_availability_zones(
        state="available",
        exclude_zone_ids=list(OLD_ZONE_IDS),
        filters=[{"name": name, "values": [value]} for name, value in ZONE_FILTERS.items()],
    )
    return list(found.names)


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """`zones`: those of the region that can be used, of which a new stack takes the first ZONES.

    `protect`: refuse to delete or replace the VPC and its subnets, which a database lies in.
    """

    cidr: str
    region: str
    zones: Sequence[str]
    protect: bool = False

    def __post_init__(self) -> None:
        subnet_cidrs(self.cidr)
        if len(self.zones) < ZONES:
            raise ConfigurationError(
                f"aws:region is {self.region}, where this account has {len(self.zones)} usable zones"
                f" ({', '.join(self.zones) or 'none'}); {ZONES} are needed, and neither {', '.join(OLD_ZONE_IDS)}"
                " nor a Local or Wavelength Zone takes all of the stack: use another region"
            )


class Network(pulumi.ComponentResource):
    vpc_id: pulumi.Output[str]
    subnet_ids: list[pulumi.Output[str]]
    function_security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:network:Network", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, protect=args.protect)
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
            opts=kept,
        )
        subnets = [
            aws.ec2.Subnet(
                f"{name}-private-{position + 1}",
                vpc_id=vpc.id,
                cidr_block=cidr,
                availability_zone=args.zones[position],
                tags={"Name": f"{name}-private-{position + 1}"},
                # a stack that stands keeps its zones, whatever the region has by now: another is another subnet
                opts=pulumi.ResourceOptions.merge(
                    kept, pulumi.ResourceOptions(ignore_changes=["availability_zone"])
                ),
            )
            for position, cidr in enumerate(subnet_cidrs(args.cidr))
        ]
        self._name = name
        self.vpc_id = vpc.id
        self.subnet_ids = [subnet.id for subnet in subnets]
        functions = self.security_group("functions", "The backend functions")
        self._endpoints = self.security_group("endpoints", "The AWS endpoints that the functions use")
        self.function_security_group_id = functions.id
        self._region = args.region
        self.allow("secrets", functions.id, self._endpoints.id, HTTPS_PORT)
        self.register_outputs({"vpc_id": self.vpc_id, "subnet_ids": self.subnet_ids})

    def secrets_endpoint(self, statements: Sequence[iam.Statement]) -> aws.ec2.VpcEndpoint:
        """The way to Secrets Manager. `statements`: each names principals; nothing else passes the endpoint."""
        return aws.ec2.VpcEndpoint(
            f"{self._name}-secrets-manager",
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{self._region}.secretsmanager",
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=self.subnet_ids,
            security_group_ids=[self._endpoints.id],
            policy=pulumi.Output.json_dumps(iam.document(statements)),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def security_group(self, role: str, description: str) -> aws.ec2.SecurityGroup:
        """A group that lets nothing in or out."""
        return aws.ec2.SecurityGroup(
            f"{self._name}-{role}",
            vpc_id=self.vpc_id,
            description=description,
            tags={"Name": f"{self._name}-{role}"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def allow(self, role: str, source: Any, destination: Any, port: int) -> None:
        """One way, from one security group to another, one port."""
        child = pulumi.ResourceOptions(parent=self)
        common: dict[str, Any] = {"ip_protocol": "tcp", "from_port": port, "to_port": port}
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{role}-out",
            security_group_id=source,
            referenced_security_group_id=destination,
            opts=child,
            **common,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{role}-in",
            security_group_id=destination,
            referenced_security_group_id=source,
            opts=child,
            **common,
        )

    def allow_out(self, role: str, cidr: str, port: int) -> None:
        """From the functions to one network outside the VPC, such as the one of the on-premise database."""
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{role}-out",
            security_group_id=self.function_security_group_id,
            cidr_ipv4=cidr,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def placement(self) -> VpcPlacement:
        return VpcPlacement(subnet_ids=self.subnet_ids, security_group_ids=[self.function_security_group_id])
