"""The CRM database, in one of two modes with the same outputs, and the secret of the backends' user."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pulumi
import pulumi_aws as aws

from components import iam
from components.errors import ConfigurationError
from components.network import Network

Mode = Literal["simulated", "on-premise"]

# The long-term release that every test here runs against; RDS supports it until February 2028:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MariaDB.Concepts.VersionMgmt.html
ENGINE_VERSION = "10.11"
PARAMETER_FAMILY = "mariadb10.11"
PORT = 3306
MIGRATION_CONNECTIONS = 2
CA_FILE = "database-ca.pem"
# Whose root is in certificates/: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
CA_IDENTIFIER = "rds-ca-rsa2048-g1"
MIN_STORAGE_GIB = 20  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html (gp3, MariaDB)
# max_connections of RDS is {DBInstanceClassMemory/12582880}; measured values by class.
CONNECTION_LIMITS: Mapping[str, int] = {"db.t4g.micro": 85, "db.t4g.small": 170, "db.t4g.medium": 341}


def check_connection_budget(*, functions: int, concurrency: int, limit: int) -> None:
    """Raise ConfigurationError when the backends, all busy, would want more connections than the database has."""
    wanted = functions * concurrency + MIGRATION_CONNECTIONS
    if wanted > limit:
        raise ConfigurationError(
            f"{functions} backend functions × backendConcurrency {concurrency} + {MIGRATION_CONNECTIONS} for"
            f" migrations want {wanted} connections, the database allows {limit}: lower backendConcurrency to"
            f" {max((limit - MIGRATION_CONNECTIONS) // functions, 0)} or raise the database's limit"
        )


@dataclass(frozen=True, kw_only=True)
class SimulatedDatabase:
    """RDS MariaDB in the VPC.

    `final_snapshot`, `keep_backups`: what it leaves when it is deleted. `second_zone`: a standby in another zone.
    """

    instance_class: str
    storage_gib: int
    final_snapshot: bool
    keep_backups: bool
    second_zone: bool

    def __post_init__(self) -> None:
        if self.instance_class not in CONNECTION_LIMITS:
            known = ", ".join(CONNECTION_LIMITS)
            raise ConfigurationError(
                f"databaseInstanceClass is {self.instance_class!r}; use one of {known}, or add the class with its"
                " max_connections to CONNECTION_LIMITS"
            )
        if self.storage_gib < MIN_STORAGE_GIB:
            raise ConfigurationError(f"databaseStorageGib is {self.storage_gib}; use {MIN_STORAGE_GIB} or more")

    in_the_vpc: ClassVar[bool] = True

    @property
    def connection_limit(self) -> int:
        return CONNECTION_LIMITS[self.instance_class]


@dataclass(frozen=True, kw_only=True)
class OnPremiseDatabase:
    """A database of the company's own, over a private link. `network_cidr`: where it lies, for the firewall."""

    host: str
    port: int
    network_cidr: str
    owner_secret_arn: str
    connection_limit: int

    in_the_vpc: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """`tls`: connections are encrypted, or refused. `ca`: PEM of the authority to verify the server by.

    `protect`: neither the database nor the secret of its user can be deleted or replaced.
    """

    name: str
    server: SimulatedDatabase | OnPremiseDatabase
    network: Network
    tls: bool
    ca: str | None = None
    protect: bool = False


class Database(pulumi.ComponentResource):
    """`instance`: RDS's identifier of it; None for a database of the company's own."""

    server: SimulatedDatabase | OnPremiseDatabase
    instance: pulumi.Output[str] | None
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    owner_secret_arn: pulumi.Output[str]
    app_secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:database:Database", name, None, opts)
        self._args = args
        self.server = args.server
        self.instance = None
        if isinstance(args.server, SimulatedDatabase):
            self._simulate(name, args.server)
        else:
            self.host = pulumi.Output.from_input(args.server.host)
            self.port = pulumi.Output.from_input(args.server.port)
            self.owner_secret_arn = pulumi.Output.from_input(args.server.owner_secret_arn)
            args.network.allow_out("database", args.server.network_cidr, args.server.port)
        # The migrations put the value: the password is never in the stack's state.
        secret = aws.secretsmanager.Secret(
            f"{name}-app-user",
            description="The backends' database user; written by the migrations",
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.app_secret_arn = secret.arn
        self.register_outputs({"host": self.host, "port": self.port, "app_secret_arn": secret.arn})

    def _simulate(self, name: str, server: SimulatedDatabase) -> None:
        child = pulumi.ResourceOptions(parent=self)
        network = self._args.network
        group = network.security_group("database", "The customer database")
        network.allow("database", network.function_security_group_id, group.id, PORT)
        subnets = aws.rds.SubnetGroup(f"{name}-subnets", subnet_ids=network.subnet_ids, opts=child)
        parameters = aws.rds.ParameterGroup(
            f"{name}-parameters",
            family=PARAMETER_FAMILY,
            parameters=[{"name": "require_secure_transport", "value": "1" if self._args.tls else "0"}],
            opts=child,
        )
        # another value in one of these makes RDS another instance, which must leave a snapshot of another name
        replacing: dict[str, Any] = {
            "engine": "mariadb",
            "db_name": self._args.name,
            "username": "crm_owner",
            "storage_encrypted": True,
        }
        snapshot = self._snapshot_name(name, replacing)
        instance = aws.rds.Instance(
            f"{name}-instance",
            engine_version=ENGINE_VERSION,
            instance_class=server.instance_class,
            allocated_storage=server.storage_gib,
            storage_type="gp3",
            manage_master_user_password=True,
            ca_cert_identifier=CA_IDENTIFIER,
            port=PORT,
            db_subnet_group_name=subnets.name,
            parameter_group_name=parameters.name,
            vpc_security_group_ids=[group.id],
            publicly_accessible=False,
            multi_az=server.second_zone,
            backup_retention_period=7,
            copy_tags_to_snapshot=True,
            deletion_protection=self._args.protect,
            skip_final_snapshot=not server.final_snapshot,
            final_snapshot_identifier=snapshot,
            delete_automated_backups=not server.keep_backups,
            auto_minor_version_upgrade=True,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect),
            **replacing,
        )
        self.instance = instance.identifier
        self.host = instance.address
        self.port = instance.port
        self.owner_secret_arn = instance.master_user_secrets.apply(lambda found: str(found[0].secret_arn))

    def _snapshot_name(self, name: str, replacing: Mapping[str, Any]) -> pulumi.Output[str]:
        """The same from preview to preview of one instance, and never the same for two.

        It is the name that Pulumi makes up for a parameter group nobody uses, and has the grammar of a snapshot's.
        The group comes and goes with the instance: whatever makes RDS another instance changes the description of
        the group, which makes another group.
        """
        digest = hashlib.sha256(json.dumps(replacing, sort_keys=True).encode()).hexdigest()
        return aws.rds.ParameterGroup(
            f"{name}-final-snapshot",
            family=PARAMETER_FAMILY,
            description=f"Names the final snapshot of the database {digest[:12]}",
            opts=pulumi.ResourceOptions(parent=self),
        ).name

    def environment(self) -> dict[str, pulumi.Input[str]]:
        """What a function needs in order to connect as the app's user."""
        values: dict[str, pulumi.Input[str]] = {
            "DATABASE_HOST": self.host,
            "DATABASE_PORT": self.port.apply(str),
            "DATABASE_NAME": self._args.name,
            "DATABASE_SECRET_ARN": self.app_secret_arn,
            "DATABASE_TLS": "on" if self._args.tls else "off",
        }
        return values | ({"DATABASE_CA_FILE": CA_FILE} if self._args.ca else {})

    def texts(self) -> dict[str, str]:
        """What its archive needs."""
        return {CA_FILE: self._args.ca} if self._args.ca else {}

    def read_app_secret_statement(self) -> iam.Statement:
        return iam.allow(["secretsmanager:GetSecretValue"], [self.app_secret_arn])

    def migration_statements(self) -> list[iam.Statement]:
        read = ["secretsmanager:GetSecretValue"]
        return [
            iam.allow(read, [self.owner_secret_arn]),
            iam.allow([*read, "secretsmanager:PutSecretValue"], [self.app_secret_arn]),
        ]
