"""A stack's configuration, typed and checked before any resource is touched. Pulumi.yaml describes each key."""

import difflib
import ipaddress
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi.runtime.config import CONFIG

from components import flow_definition, yaml_file
from components.alerts import checked_readers
from components.database import OnPremiseDatabase, SimulatedDatabase
from components.errors import ConfigurationError
from components.event_bus import check_archive_days
from components.network import subnet_cidrs
from components.private_link import Vpn
from components.rest_api import Throttle

# What CloudWatch Logs accepts: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
# Read by others: the provider, and Pulumi itself.
FOREIGN_NAMESPACES = ("aws", "pulumi")
MODES = ("simulated", "on-premise")
MAX_PORT = 65535
MAX_DAILY_LIMIT = 1_000_000_000  # no intake takes so many: 11,000 a second

# What RDS takes for MariaDB, and any MariaDB without quoting:
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
_DATABASE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+")
_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    database: SimulatedDatabase | OnPremiseDatabase
    database_name: str
    database_tls: bool
    database_ca: str | None
    vpc_cidr: str
    vpn: Vpn | None
    backend_concurrency: int
    intake: Throttle
    intake_daily_limit: int
    crm: Throttle
    allowed_origin: str
    gateway_account: bool
    log_retention_days: int
    archive_days: int
    alert_email: str | None
    protect: bool

    @classmethod
    def read(cls, config: pulumi.Config, root: Path) -> "StackSettings":
        """Raise ConfigurationError for a key that nobody reads and for a value that can't work."""
        given = CONFIG.get()
        check_keys(given, root)
        check_region(given.get("aws:region"))
        protect = config.require_bool("protect")
        intake = Throttle(rate=_positive(config, "intakeRateLimit"), burst=_positive(config, "intakeBurstLimit"))
        crm = Throttle(rate=_positive(config, "crmRateLimit"), burst=_positive(config, "crmBurstLimit"))
        check_crm_carries("RateLimit", intake.rate, crm.rate)
        check_crm_carries("BurstLimit", intake.burst, crm.burst)
        return cls(
            database=_database(config),
            database_name=_matching(config, "databaseName", _DATABASE_NAME, "a letter, then letters, digits or _"),
            database_tls=config.require_bool("databaseTls"),
            database_ca=_certificate(config, root),
            vpc_cidr=_vpc_cidr(config),
            vpn=_vpn(config),
            backend_concurrency=_positive(config, "backendConcurrency"),
            intake=intake,
            intake_daily_limit=_daily_limit(config),
            crm=crm,
            allowed_origin=_matching(
                config, "allowedOrigin", _ORIGIN, "* or an origin such as https://www.example.com, without a path"
            ),
            gateway_account=config.require_bool("gatewayAccount"),
            log_retention_days=_retention(config),
            archive_days=_archive_days(config),
            alert_email=checked_readers(config.get("alertEmail") or "", protect=protect),
            protect=protect,
        )


def check_keys(given: Iterable[str], root: Path) -> None:
    """A mistyped key would be ignored without a word, and its default used."""
    project = yaml_file.read(root / "Pulumi.yaml")
    own = str(project["name"])
    known = [f"{own}:{key}" for key in project["config"]]
    for key in sorted(given):
        namespace = key.partition(":")[0]
        if key in known or namespace in FOREIGN_NAMESPACES:
            continue
        near = difflib.get_close_matches(key, known, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"Pulumi.yaml lists the keys of {own}"
        raise ConfigurationError(
            f"{key} is set, and nobody reads it; {remedy} Take it away: pulumi config rm {key}"
        )


def check_crm_carries(limit: str, intake: int, crm: int, calls: int = len(flow_definition.STEPS)) -> None:
    """Each lead makes a call for each step: what comes in faster than that would wait, and in the end fail."""
    if intake * calls > crm:
        lower = f", or intake{limit} to {crm // calls} or less" if crm >= calls else ""
        raise ConfigurationError(
            f"intake{limit} is {intake} and crm{limit} {crm}, but each lead makes {calls} calls with the"
            f" orchestration's key; set crm{limit} to {intake * calls} or more{lower}"
        )


def check_region(region: str | None) -> None:
    known = [each.value for each in aws.Region]
    if region is not None and region not in known:
        near = ", ".join(difflib.get_close_matches(region, known, n=3)) or "us-east-1"
        raise ConfigurationError(f"aws:region is {region!r}, which is no region of AWS; use one such as {near}")


def _vpc_cidr(config: pulumi.Config) -> str:
    cidr = config.require("vpcCidr")
    subnet_cidrs(cidr)
    return cidr


def _database(config: pulumi.Config) -> SimulatedDatabase | OnPremiseDatabase:
    mode = config.require("databaseMode")
    if mode not in MODES:
        raise ConfigurationError(f"databaseMode is {mode!r}; use one of {', '.join(MODES)}")
    if mode == "simulated":
        return SimulatedDatabase(
            instance_class=config.require("databaseInstanceClass"),
            storage_gib=_positive(config, "databaseStorageGib"),
            final_snapshot=config.require_bool("databaseFinalSnapshot"),
            keep_backups=config.require_bool("databaseKeepBackups"),
            second_zone=config.require_bool("databaseSecondZone"),
        )
    for key in ("databaseHost", "databaseNetworkCidr", "databaseOwnerSecretArn"):
        if not config.get(key):
            raise ConfigurationError(
                f"{key} is empty; databaseMode on-premise needs it: pulumi config set {key} …"
            )
    return OnPremiseDatabase(
        host=config.require("databaseHost"),
        port=_port(config),
        network_cidr=_network(config),
        owner_secret_arn=_matching(
            config, "databaseOwnerSecretArn", _SECRET_ARN, "the ARN of a Secrets Manager secret"
        ),
        connection_limit=_positive(config, "databaseConnectionLimit"),
    )


def _vpn(config: pulumi.Config) -> Vpn | None:
    address = config.get("vpnGatewayAddress")
    if not address:
        return None
    if config.require("databaseMode") != "on-premise":
        raise ConfigurationError(
            f"vpnGatewayAddress is {address!r}, but databaseMode is simulated, whose database is in the VPC;"
            " set databaseMode on-premise, or leave vpnGatewayAddress empty"
        )
    try:
        public = ipaddress.IPv4Address(address).is_global
    except ValueError:
        public = False
    if not public:
        raise ConfigurationError(
            f"vpnGatewayAddress is {address!r}; use the IPv4 address of the company's gateway on the internet"
        )
    return Vpn(gateway_address=address, network_cidr=_network(config))


def _certificate(config: pulumi.Config, root: Path) -> str | None:
    name = config.get("databaseCaFile")
    if not name:
        return None
    path = root / name
    if not path.is_file():
        raise ConfigurationError(
            f"databaseCaFile is {name!r}, but there is no such file in the project; put it there"
        )
    try:
        text = path.read_text(encoding="ascii")
        ssl.create_default_context(cadata=text)
    except (UnicodeError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"databaseCaFile is {name!r}, which holds no certificate in PEM ({error}); put the authority's there"
        ) from None
    return text


def _matching(config: pulumi.Config, key: str, pattern: re.Pattern[str], remedy: str) -> str:
    value = config.require(key)
    if not pattern.fullmatch(value):
        raise ConfigurationError(f"{key} is {value!r}; use {remedy}")
    return value


def _network(config: pulumi.Config) -> str:
    value = config.require("databaseNetworkCidr")
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        raise ConfigurationError(
            f"databaseNetworkCidr is {value!r}, not an IPv4 network ({error}); use one such as 10.8.0.0/24"
        ) from None
    ours = _vpc_cidr(config)
    if network.overlaps(ipaddress.IPv4Network(ours)):
        raise ConfigurationError(
            f"databaseNetworkCidr is {value} and vpcCidr {ours}, which overlap, so that no route could tell them"
            " apart; give vpcCidr a network that the company does not use"
        )
    return value


def _port(config: pulumi.Config) -> int:
    port = _positive(config, "databasePort")
    if port > MAX_PORT:
        raise ConfigurationError(f"databasePort is {port}; use a port from 1 to {MAX_PORT}")
    return port


def _positive(config: pulumi.Config, key: str) -> int:
    value = config.require_int(key)
    if value < 1:
        raise ConfigurationError(f"{key} is {value}; use a number from 1 up")
    return value


def _daily_limit(config: pulumi.Config) -> int:
    limit = _positive(config, "intakeDailyLimit")
    if limit > MAX_DAILY_LIMIT:  # DynamoDB refuses a number of more than 38 digits, and with it each lead
        raise ConfigurationError(f"intakeDailyLimit is {limit}; use a number from 1 to {MAX_DAILY_LIMIT}")
    return limit


def _archive_days(config: pulumi.Config) -> int:
    days = _positive(config, "archiveDays")
    check_archive_days(days)
    return days


def _retention(config: pulumi.Config) -> int:
    days = config.require_int("logRetentionDays")
    if days not in RETENTION_DAYS:
        raise ConfigurationError(
            f"logRetentionDays is {days}; CloudWatch Logs takes {', '.join(map(str, RETENTION_DAYS))}"
        )
    return days
