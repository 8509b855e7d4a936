"""The configuration: what can't work is refused before any resource, with the key, the value and the remedy."""

import re
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest

from components import flow_definition, lead_table
from components.database import OnPremiseDatabase, SimulatedDatabase
from components.errors import ConfigurationError
from components.event_bus import ARCHIVE_LAG_DAYS, DEAD_LETTER_DAYS, DELIVERY_DAYS, MAX_ARCHIVE_DAYS
from components.settings import RETENTION_DAYS, StackSettings, check_crm_carries
from handlers.shared.lead_table import RETENTION_SECONDS
from tests.components.graph import ON_PREMISE, PROJECT, ROOT, STACKS, VPN, ProgramFailed, record, stack_config

ON = {"databaseMode": "on-premise"}


@pytest.fixture(autouse=True)
def _clean_configuration() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({})


def read(overrides: dict[str, str], root: Path = ROOT) -> StackSettings:
    named = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in overrides.items()}
    values = stack_config("dev") | named
    pulumi.runtime.set_all_config(values)
    return StackSettings.read(pulumi.Config(PROJECT), root)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"databaseMode": "rds"}, "databaseMode is 'rds'; use one of simulated, on-premise"),
        ({"databaseInstanceClass": "db.x"}, "databaseInstanceClass is 'db.x'; use one of db.t4g.micro, "),
        ({"databaseStorageGib": "-5"}, "databaseStorageGib is -5; use a number from 1 up"),
        ({"databaseStorageGib": "5"}, "databaseStorageGib is 5; use 20 or more"),
        ({"databaseName": "crm`; DROP"}, "databaseName is 'crm`; DROP'; use a letter, then letters, digits or _"),
        ({"databaseName": ""}, "databaseName is ''; use a letter"),
        (
            {"databaseCaFile": "no.pem"},
            "databaseCaFile is 'no.pem', but there is no such file in the project; put",
        ),
        ({"databaseCaFile": "README.md"}, "databaseCaFile is 'README.md', which holds no certificate"),
        ({"vpcCidr": "10.20.0.0"}, "vpcCidr is 10.20.0.0, with prefix /32; use /16 to /20"),
        ({"vpcCidr": "10.20.0.0/24"}, "vpcCidr is 10.20.0.0/24, with prefix /24; use /16 to /20"),
        ({"vpcCidr": "ten"}, "vpcCidr is 'ten', which is not an IPv4 network"),
        ({"vpcCidr": "10.20.0.1/16"}, "vpcCidr is '10.20.0.1/16', which is not an IPv4 network"),
        ({"vpcCidr": "fd00::/16"}, "vpcCidr is 'fd00::/16', which is not an IPv4 network"),
        ({"backendConcurrency": "0"}, "backendConcurrency is 0; use a number from 1 up"),
        ({"intakeRateLimit": "-1"}, "intakeRateLimit is -1; use a number from 1 up"),
        ({"intakeBurstLimit": "0"}, "intakeBurstLimit is 0; use"),
        ({"crmRateLimit": "0"}, "crmRateLimit is 0; use"),
        (
            {"intakeRateLimit": "67"},
            "intakeRateLimit is 67 and crmRateLimit 200, but each lead makes 3 calls with",
        ),
        ({"intakeRateLimit": "67"}, "set crmRateLimit to 201 or more, or intakeRateLimit to 66 or less"),
        ({"crmBurstLimit": "299"}, "intakeBurstLimit is 100 and crmBurstLimit 299, but each lead makes 3 calls"),
        ({"crmBurstLimit": "299"}, "set crmBurstLimit to 300 or more, or intakeBurstLimit to 99 or less"),
        ({"intakeRateLimit": "1", "crmRateLimit": "2"}, "set crmRateLimit to 3 or more"),
        ({"intakeDailyLimit": "0"}, "intakeDailyLimit is 0; use a number from 1 up"),
        ({"intakeDailyLimit": "1" + "0" * 38}, "0; use a number from 1 to 1000000000"),
        ({"crmBurstLimit": "-9"}, "crmBurstLimit is -9; use"),
        ({"allowedOrigin": "www.example.com"}, "allowedOrigin is 'www.example.com'; use * or an origin such as"),
        ({"allowedOrigin": "https://a.example/form"}, "allowedOrigin is 'https://a.example/form'; use"),
        ({"allowedOrigin": "https://a.example'"}, "use * or an origin"),
        ({"logRetentionDays": "31"}, "logRetentionDays is 31; CloudWatch Logs takes 1, 3, 5"),
        ({"archiveDays": "0"}, "archiveDays is 0; use a number from 1 up"),
        ({"alertEmail": "nobody"}, "alertEmail is 'nobody', which is not an e-mail address; use one"),
        ({"archiveDays": "75"}, "archiveDays is 75; use 1 to 74: the stack knows for 90 days that a lead is done"),
        ({"archiveDays": "365"}, "archiveDays is 365; use 1 to 74"),
        (
            {"protect": "true"},
            "alertEmail is empty and protect is true, so that nobody would hear of a failed lead",
        ),
        ({"protect": "true", "alertEmail": ""}, "pulumi config set alertEmail oncall@example.com, or, where"),
        ({"protect": "true", "alertEmail": "None"}, "alertEmail is 'None', which is not an e-mail address; use"),
        ({"aws:region": "us-est-1"}, "aws:region is 'us-est-1', which is no region of AWS; use one such as us-"),
        ({"aws:region": ""}, "aws:region is ''"),
        ({"databasMode": "simulated"}, "leadbridge:databasMode is set, and nobody reads it; did you mean leadbri"),
        ({"leadbrige:databaseMode": "simulated"}, "leadbrige:databaseMode is set, and nobody reads it; did you"),
        ({"x:y": "1"}, "x:y is set, and nobody reads it; Pulumi.yaml lists the keys of leadbridge"),
        (ON, "databaseHost is empty; databaseMode on-premise needs it: pulumi config set databaseHost"),
        (
            {**ON_PREMISE, "databaseNetworkCidr": ""},
            "databaseNetworkCidr is empty; databaseMode on-premise needs it",
        ),
        ({**ON_PREMISE, "databaseNetworkCidr": "x"}, "databaseNetworkCidr is 'x', not an IPv4 network"),
        (
            {**ON_PREMISE, "databaseNetworkCidr": "10.20.200.0/24"},
            "databaseNetworkCidr is 10.20.200.0/24 and vpcCidr 10.20.0.0/16, which overlap",
        ),
        ({"vpnGatewayAddress": "52.95.36.7"}, "vpnGatewayAddress is '52.95.36.7', but databaseMode is simulated"),
        ({**VPN, "vpnGatewayAddress": "10.0.0.1"}, "vpnGatewayAddress is '10.0.0.1'; use the IPv4 address"),
        ({**VPN, "vpnGatewayAddress": "vpn.company"}, "vpnGatewayAddress is 'vpn.company'; use the IPv4 address"),
        ({**VPN, "vpnGatewayAddress": "2600::1"}, "vpnGatewayAddress is '2600::1'; use the IPv4 address"),
        ({**ON_PREMISE, "databaseOwnerSecretArn": ""}, "databaseOwnerSecretArn is empty"),
        ({**ON_PREMISE, "databaseOwnerSecretArn": "s"}, "databaseOwnerSecretArn is 's'; use the ARN of a Secrets"),
        ({**ON_PREMISE, "databasePort": "65536"}, "databasePort is 65536; use a port from 1 to 65535"),
        ({**ON_PREMISE, "databaseConnectionLimit": "0"}, "databaseConnectionLimit is 0; use a number from 1 up"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_a_remedy(
    overrides: dict[str, str], says: str, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("# no certificate")
    for name in ("Pulumi.yaml", "certificates"):
        (tmp_path / name).symlink_to(ROOT / name)
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        read(overrides, tmp_path)


@pytest.mark.parametrize(("key", "value"), [("backendConcurrency", "many"), ("protect", "perhaps")])
def test_a_value_of_the_wrong_type_is_refused_with_its_key_and_without_a_traceback(key: str, value: str) -> None:
    with pytest.raises(pulumi.RunError, match=f"leadbridge:{key}' value '{value}' is not a valid"):
        read({key: value})


def test_every_refusal_is_one_that_pulumi_shows_without_a_traceback() -> None:
    assert issubclass(ConfigurationError, pulumi.RunError)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (
            {"vpcCidr": "10.20.0.0/24"},
            "vpcCidr is 10.20.0.0/24, with prefix /24; use /16 to /20",
        ),
        (
            {"backendConcurrency": "30"},
            "want 122 connections, the database allows 85: lower backendConcurrency to 20 or raise the",
        ),
    ],
)
def test_the_program_ends_before_any_resource_and_without_a_traceback(
    overrides: dict[str, str], says: str
) -> None:
    with pytest.raises(ProgramFailed) as failure:
        record("dev", overrides)
    assert says in str(failure.value)
    assert "(after 0 resources)" in str(failure.value)
    assert "Traceback" not in str(failure.value)


def test_each_mode_reads_its_own_keys() -> None:
    assert read({}).database == SimulatedDatabase(
        instance_class="db.t4g.micro", storage_gib=20, final_snapshot=False, keep_backups=False, second_zone=False
    )
    assert read(ON_PREMISE).database == OnPremiseDatabase(
        host="crm.company.example",
        port=3306,
        network_cidr="10.8.0.0/24",
        owner_secret_arn=ON_PREMISE["databaseOwnerSecretArn"],
        connection_limit=100,
    )


def test_empty_text_means_nothing_where_a_value_is_optional() -> None:
    settings = read({"databaseCaFile": "", "alertEmail": ""})
    assert settings.alert_email is None
    assert settings.database_ca is None


@pytest.mark.parametrize(
    ("protect", "email", "reader"),
    [
        ("true", "oncall@example.com", "oncall@example.com"),
        ("true", "none", None),
        ("false", "none", None),
        ("false", "oncall@example.com", "oncall@example.com"),
    ],
)
def test_alert_email_is_an_address_or_in_so_many_words_nobody(
    protect: str, email: str, reader: str | None
) -> None:
    assert read({"protect": protect, "alertEmail": email}).alert_email == reader


def test_prod_is_refused_as_committed_until_somebody_says_who_reads_its_alerts() -> None:
    with pytest.raises(ConfigurationError, match="alertEmail is empty and protect is true"):
        read({**stack_config("prod"), "alertEmail": ""})


@pytest.mark.parametrize("protect", ["true", "false"])
@pytest.mark.parametrize("key", ["databaseFinalSnapshot", "databaseKeepBackups", "databaseSecondZone"])
@pytest.mark.parametrize("value", ["true", "false"])
def test_protect_decides_nothing_but_deletion_protection(protect: str, key: str, value: str) -> None:
    fields = {
        "databaseFinalSnapshot": "final_snapshot",
        "databaseKeepBackups": "keep_backups",
        "databaseSecondZone": "second_zone",
    }
    database = read({"protect": protect, "alertEmail": "none", key: value}).database
    found = {name: getattr(database, field) for name, field in fields.items()}
    assert found == {**dict.fromkeys(fields, False), key: value == "true"}


def test_the_longest_archive_ends_before_the_table_forgets_its_leads() -> None:
    days = RETENTION_SECONDS / 86400
    assert days == lead_table.RETENTION_DAYS, "the functions and the program speak of the same table"
    assert read({"archiveDays": str(MAX_ARCHIVE_DAYS)}).archive_days == MAX_ARCHIVE_DAYS
    late = MAX_ARCHIVE_DAYS + ARCHIVE_LAG_DAYS + DELIVERY_DAYS + DEAD_LETTER_DAYS
    assert late <= days, "a replayed event that waited as long as it can would find no lead any more"


@pytest.mark.parametrize("region", ["us-east-1", "sa-east-1", "eu-central-2"])
def test_every_region_of_aws_is_taken(region: str) -> None:
    assert read({"aws:region": region, "aws:profile": "company", "pulumi:tags": "{}"})


@pytest.mark.parametrize("value", ["*", "https://www.example.com", "http://localhost:8080"])
def test_an_origin_is_taken_as_it_is(value: str) -> None:
    assert read({"allowedOrigin": value}).allowed_origin == value


@pytest.mark.parametrize("days", RETENTION_DAYS)
def test_every_retention_that_cloudwatch_takes_is_taken(days: int) -> None:
    assert read({"logRetentionDays": str(days)}).log_retention_days == days


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_committed_stacks_are_valid_as_they_are(stack: str) -> None:
    pulumi.runtime.set_all_config(stack_config(stack))
    assert StackSettings.read(pulumi.Config(PROJECT), ROOT).protect is (stack == "prod")


@pytest.mark.parametrize("stack", STACKS)
def test_crm_limits_of_each_stack_carry_every_step_of_the_leads_that_may_come_in(stack: str) -> None:
    pulumi.runtime.set_all_config(stack_config(stack))
    settings = StackSettings.read(pulumi.Config(PROJECT), ROOT)
    calls = len(flow_definition.STEPS)
    assert settings.crm.rate >= calls * settings.intake.rate
    assert settings.crm.burst >= calls * settings.intake.burst


def test_crm_limits_are_asked_for_by_the_number_of_steps() -> None:
    check_crm_carries("RateLimit", 50, 150, calls=3)
    with pytest.raises(ConfigurationError, match=r"makes 4 calls .* set crmRateLimit to 200 or more"):
        check_crm_carries("RateLimit", 50, 150, calls=4)
