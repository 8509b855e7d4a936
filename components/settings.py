"""A stack's configuration, typed and checked before any resource is touched. Pulumi.yaml describes each key."""

from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.database import OnPremiseDatabase, SimulatedDatabase
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
MODES = ("simulated", "on-premise")


class ConfigurationError(Exception):
    """Names the key, the value and the remedy."""


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    database: SimulatedDatabase | OnPremiseDatabase
    database_name: str
    database_tls: bool
    database_ca: str | None
    vpc_cidr: str
    backend_concurrency: int
    intake: Throttle
    crm: Throttle
    allowed_origin: str
    log_retention_days: int
    archive_days: int
    alert_email: str | None
    protect: bool

    @classmethod
    def read(cls, config: pulumi.Config, root: Path) -> "StackSettings":
        """Raise ConfigurationError for a value that can't work."""
        protect = config.require_bool("protect")
        return cls(
            database=_database(config, protect),
            database_name=config.require("databaseName"),
            database_tls=config.require_bool("databaseTls"),
            database_ca=_certificate(config, root),
            vpc_cidr=config.require("vpcCidr"),
            backend_concurrency=_positive(config, "backendConcurrency"),
            intake=Throttle(
                rate=_positive(config, "intakeRateLimit"), burst=_positive(config, "intakeBurstLimit")
            ),
            crm=Throttle(rate=_positive(config, "crmRateLimit"), burst=_positive(config, "crmBurstLimit")),
            allowed_origin=config.require("allowedOrigin"),
            log_retention_days=_retention(config),
            archive_days=_positive(config, "archiveDays"),
            alert_email=config.get("alertEmail") or None,
            protect=protect,
        )


def _database(config: pulumi.Config, protect: bool) -> SimulatedDatabase | OnPremiseDatabase:
    mode = config.require("databaseMode")
    if mode not in MODES:
        raise ConfigurationError(f"databaseMode is {mode!r}; use one of {', '.join(MODES)}")
    if mode == "simulated":
        return SimulatedDatabase(
            instance_class=config.require("databaseInstanceClass"),
            storage_gib=_positive(config, "databaseStorageGib"),
            protect=protect,
        )
    for key in ("databaseHost", "databaseNetworkCidr", "databaseOwnerSecretArn"):
        if not config.get(key):
            raise ConfigurationError(
                f"{key} is empty; databaseMode on-premise needs it: pulumi config set {key} …"
            )
    return OnPremiseDatabase(
        host=config.require("databaseHost"),
        port=_positive(config, "databasePort"),
        network_cidr=config.require("databaseNetworkCidr"),
        owner_secret_arn=config.require("databaseOwnerSecretArn"),
        connection_limit=_positive(config, "databaseConnectionLimit"),
    )


def _certificate(config: pulumi.Config, root: Path) -> str | None:
    name = config.get("databaseCaFile")
    if not name:
        return None
    path = root / name
    if not path.is_file():
        raise ConfigurationError(
            f"databaseCaFile is {name!r}, but there is no such file in the project; put it there"
        )
    return path.read_text(encoding="ascii")


def _positive(config: pulumi.Config, key: str) -> int:
    value = config.require_int(key)
    if value < 1:
        raise ConfigurationError(f"{key} is {value}; use a number from 1 up")
    return value


def _retention(config: pulumi.Config) -> int:
    days = config.require_int("logRetentionDays")
    if days not in RETENTION_DAYS:
        raise ConfigurationError(
            f"logRetentionDays is {days}; CloudWatch Logs takes {', '.join(map(str, RETENTION_DAYS))}"
        )
    return days
