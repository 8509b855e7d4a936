"""The private network of the backends: subnets in two zones, no way out but to the endpoints that they need."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.errors import ConfigurationError
from components.function import VpcPlacement

ZONES = 2
SUBNET_BITS = 8  # a /16 gives /24 subnets
MIN_PREFIX, MAX_PREFIX = 16, 20  # a VPC is at most a /16; below /20 the subnets would be smaller than a /28
HTTPS_PORT = 443


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


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """`zones`: those of the region, of which the first ZONES are used."""

    cidr: str
    region: str
    zones: Sequence[str]

    def __post_init__(self) -> None:
        subnet_cidrs(self.cidr)
        if len(self.zones) < ZONES:
            raise ConfigurationError(
                f"aws:region is {self.region}, which has {len(self.zones)} zones; {ZONES} are needed"
            )


class Network(pulumi.ComponentResource):
    vpc_id: pulumi.Output[str]
    subnet_ids: list[pulumi.Output[str]]
    function_security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:network:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
            opts=child,
        )
        subnets = [
            aws.ec2.Subnet(
                f"{name}-private-{position + 1}",
                vpc_id=vpc.id,
                cidr_block=cidr,
                availability_zone=args.zones[position],
                tags={"Name": f"{name}-private-{position + 1}"},
                opts=child,
            )
            for position, cidr in enumerate(subnet_cidrs(args.cidr))
        ]
        self._name = name
        self.vpc_id = vpc.id
        self.subnet_ids = [subnet.id for subnet in subnets]
        functions = self.security_group("functions", "The backend functions")
        endpoints = self.security_group("endpoints", "The AWS endpoints that the functions use")
        self.function_security_group_id = functions.id
        self.allow("secrets", functions.id, endpoints.id, HTTPS_PORT)
        aws.ec2.VpcEndpoint(
            f"{name}-secrets-manager",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{args.region}.secretsmanager",
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=self.subnet_ids,
            security_group_ids=[endpoints.id],
            opts=child,
        )
        self.register_outputs({"vpc_id": self.vpc_id, "subnet_ids": self.subnet_ids})

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
