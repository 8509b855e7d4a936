import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from components import openapi
from handlers.backend import database
from handlers.intake import submit_lead
from handlers.migrations import apply
from handlers.migrations.app_user import APP_USER
from handlers.orchestration import catch_errors, crm_client, dead_letters
from handlers.shared import aws, contract, day_count, fingerprint, lead_table
from handlers.shared.contract import Contract
from handlers.shared.lead_table import LeadTable
from tests.handlers.http_server import Reply, ScriptedServer
from tests.handlers.samples import PERSONAL
from tests.handlers.servers import HOST, MariaDb
from tests.plain_emulator import KEY, plain_emulator

ROOT = Path(__file__).parents[2]
# What the account that owns the database has on premise; it is not the server's administrator.
OWNER, OWNER_PASSWORD = "crm_owner", "owner-password"
_FACTORIES = (
    database.from_environment,
    lead_table.from_environment,
    day_count.from_environment,
    crm_client.from_environment,
    submit_lead._bus,
    catch_errors._alerts,
    dead_letters.from_environment,
    fingerprint.from_environment,
)


@pytest.fixture(scope="session")
def the_contract() -> Contract:
    document = openapi.load(ROOT / "openapi.yaml")
    return Contract(openapi.bundle(document, document["components"]["schemas"]))


@pytest.fixture(autouse=True)
def bundled_contract(the_contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for the file that the deployment packs beside the handlers."""
    monkeypatch.setattr(contract, "_bundled", lambda: the_contract)


@pytest.fixture(autouse=True)
def fresh_function(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test starts as a cold function without settings."""
    for name in (
        "ALLOWED_ORIGIN",
        "LEAD_TABLE_NAME",
        "EVENT_BUS_NAME",
        "ALERT_TOPIC_ARN",
        "DEAD_LETTER_QUEUE_URL",
        "FINGERPRINT_KEY_ARN",
    ):
        monkeypatch.delenv(name, raising=False)
    yield
    for factory in _FACTORIES:
        factory.cache_clear()


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedServer]]:
    """Starts an HTTP server that gives the replies in turn."""
    contexts = []

    def start(*replies: Reply) -> ScriptedServer:
        context = ScriptedServer(list(replies)).running()
        contexts.append(context)
        return context.__enter__()

    yield start
    for context in contexts:
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with plain_emulator(tmp_path_factory.mktemp("cloud")) as url:
        yield url
        with pytest.MonkeyPatch.context() as monkeypatch:
            with_cloud(monkeypatch, url)
            for service in ("dynamodb", "events", "kms", "secretsmanager", "sns", "sqs"):
                aws.client(service).close()
        aws.client.cache_clear()


@pytest.fixture
def on_cloud(cloud: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment in which a function finds the emulator."""
    with_cloud(monkeypatch, cloud)
    return cloud


def with_cloud(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY.id,
        "AWS_SECRET_ACCESS_KEY": KEY.secret,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def aws_client(cloud: str) -> Iterator[Callable[[str], Any]]:
    """The test's own clients."""
    clients: dict[str, Any] = {}

    def get(service: str) -> Any:
        if service not in clients:
            clients[service] = boto3.client(
                service,
                endpoint_url=cloud,
                region_name="us-east-1",
                aws_access_key_id=KEY.id,
                aws_secret_access_key=KEY.secret,
            )
        return clients[service]

    yield get
    for client in clients.values():
        client.close()


@pytest.fixture
def client_at() -> Iterator[Callable[[str, str], Any]]:
    """A client of an AWS service behind an endpoint of its own, with the least patience."""
    clients = []

    def make(service: str, url: str, attempts: int = 1) -> Any:
        client = boto3.client(
            service,
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=KEY.id,
            aws_secret_access_key=KEY.secret,
            config=Config(retries={"total_max_attempts": attempts}, connect_timeout=1, read_timeout=1),
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def lead_table_name(aws_client: Callable[[str], Any]) -> str:
    name = "leads"
    aws_client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "leadId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "leadId", "AttributeType": "S"}],
    )
    return name


@pytest.fixture(scope="session")
def fingerprint_key(aws_client: Callable[[str], Any]) -> str:
    created = aws_client("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    return str(created["KeyMetadata"]["Arn"])


@pytest.fixture
def leads(on_cloud: str, lead_table_name: str, fingerprint_key: str, monkeypatch: pytest.MonkeyPatch) -> LeadTable:
    """The table of leads, as the handlers see it."""
    monkeypatch.setenv("LEAD_TABLE_NAME", lead_table_name)
    monkeypatch.setenv("INTAKE_DAILY_LIMIT", "1000000")
    monkeypatch.setenv("FINGERPRINT_KEY_ARN", fingerprint_key)
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", f"{on_cloud}/000000000000/none")
    return lead_table.from_environment()


@pytest.fixture
def item(aws_client: Callable[[str], Any], lead_table_name: str) -> Callable[[str], dict[str, Any] | None]:
    """A lead's item as DynamoDB holds it."""

    def read(lead_id: str) -> dict[str, Any] | None:
        answer = aws_client("dynamodb").get_item(
            TableName=lead_table_name, Key={"leadId": {"S": lead_id}}, ConsistentRead=True
        )
        found: dict[str, Any] | None = answer.get("Item")
        return found

    return read


@pytest.fixture
def letters(
    leads: LeadTable, aws_client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[dict[str, Any]]]:
    """The dead letters since the last look: `{"event", "code", "reason"}`."""
    sqs = aws_client("sqs")
    queue = sqs.create_queue(QueueName=f"dead-letters-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", queue)

    def read() -> list[dict[str, Any]]:
        found = []
        while messages := sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for each in messages:
                told = {name: value["StringValue"] for name, value in each["MessageAttributes"].items()}
                assert not [value for value in PERSONAL if value in json.dumps(told)], "reasons are shown"
                event = json.loads(each["Body"])
                found.append({"event": event, "code": told["ERROR_CODE"], "reason": told["ERROR_MESSAGE"]})
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
        return found

    return read


@pytest.fixture
def alerts(
    letters: object, aws_client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[dict[str, str]]]:
    """The alerts that the topic has delivered since the last look."""
    sns, sqs = aws_client("sns"), aws_client("sqs")
    name = f"alerts-{uuid.uuid4().hex[:8]}"
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    monkeypatch.setenv("ALERT_TOPIC_ARN", topic)

    def read() -> list[dict[str, str]]:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        bodies = [json.loads(each["Body"]) for each in messages]
        assert not [value for value in PERSONAL if value in json.dumps(bodies)], "alerts go out by mail"
        for each in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(body["Message"]) for body in bodies]

    return read


@pytest.fixture
def lead_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    server = MariaDb(tmp_path_factory.mktemp("db"))
    server.start()
    try:
        server.run(f"CREATE USER '{OWNER}'@'%' IDENTIFIED BY '{OWNER_PASSWORD}'")
        server.run(f"GRANT CREATE USER ON *.* TO '{OWNER}'@'%'")
        yield server
    finally:
        server.stop()


@dataclass(frozen=True, kw_only=True)
class Site:
    """One database of the server, and the environment of the functions that belong to it."""

    server: MariaDb
    database: str
    owner_secret_arn: str
    app_secret_arn: str
    secrets: Any

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        connection = self.server.connect(database=self.database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def app_credentials(self) -> dict[str, str]:
        return dict(json.loads(self.secrets.get_secret_value(SecretId=self.app_secret_arn)["SecretString"]))

    def as_app(self) -> Any:
        credentials = self.app_credentials()
        return self.server.connect(credentials["username"], credentials["password"], self.database)

    def address(self, **changes: Any) -> database.Address:
        known: dict[str, Any] = {"host": HOST, "port": self.server.port, "name": self.database, "tls": False}
        return database.Address(**(known | changes))

    @property
    def environment(self) -> dict[str, str]:
        """What a backend, and the migrations, find in their environment."""
        return {
            "DATABASE_HOST": HOST,
            "DATABASE_PORT": str(self.server.port),
            "DATABASE_NAME": self.database,
            "DATABASE_TLS": "off",
            "DATABASE_SECRET_ARN": self.app_secret_arn,
            "DATABASE_OWNER_SECRET_ARN": self.owner_secret_arn,
        }


@contextmanager
def new_site(server: MariaDb, secrets: Any) -> Iterator[Site]:
    """An empty database, before its first migration."""
    name = f"crm_{uuid.uuid4().hex[:8]}"
    server.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    server.run(f"GRANT ALL PRIVILEGES ON {name}.* TO '{OWNER}'@'%' WITH GRANT OPTION")
    owner = json.dumps({"username": OWNER, "password": OWNER_PASSWORD})
    yield Site(
        server=server,
        database=name,
        owner_secret_arn=secrets.create_secret(Name=f"{name}-owner", SecretString=owner)["ARN"],
        app_secret_arn=secrets.create_secret(Name=f"{name}-app")["ARN"],
        secrets=secrets,
    )
    server.run(f"DROP DATABASE {name}")
    server.run(f"DROP USER IF EXISTS '{APP_USER}'@'%'")


@pytest.fixture
def site(
    mariadb: MariaDb, on_cloud: str, aws_client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """An empty database of the test's own. Not to be mixed with `crm`: the backends' user is the server's."""
    with new_site(mariadb, aws_client("secretsmanager")) as site:
        for name, value in site.environment.items():
            monkeypatch.setenv(name, value)
        yield site


@pytest.fixture
def migrated(site: Site) -> Site:
    apply.handler({}, None)
    return site


@pytest.fixture(scope="module")
def module_crm(mariadb: MariaDb, cloud: str, aws_client: Callable[[str], Any]) -> Iterator[tuple[Site, str]]:
    """A migrated database, and the password that the migrations gave the backends' user."""
    with new_site(mariadb, aws_client("secretsmanager")) as site, pytest.MonkeyPatch.context() as monkeypatch:
        with_cloud(monkeypatch, cloud)
        for name, value in site.environment.items():
            monkeypatch.setenv(name, value)
        apply.handler({}, None)
        yield site, site.app_credentials()["password"]


@pytest.fixture
def crm(module_crm: tuple[Site, str], on_cloud: str, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A migrated database without rows; its user has the secret's password."""
    site, password = module_crm
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    for table in ("BENEFIT", "PARTNER", "CLIENTS"):
        site.rows(f"DELETE FROM {table}")
    if site.app_credentials()["password"] != password:
        value = json.dumps({"username": APP_USER, "password": password})
        site.secrets.put_secret_value(SecretId=site.app_secret_arn, SecretString=value)
        site.server.run(f"ALTER USER '{APP_USER}'@'%%' IDENTIFIED BY %s", password)
    return site
