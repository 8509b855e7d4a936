"""The stack `dev`, as it would go to AWS: with a simulated database, encrypted connections, its own limits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import cloud as servers
from local_cloud import deployment
from local_cloud.home import Home
from tests.stack import LocalCloud, Stack, copy_of_the_project, edit, new_lead, steps

pytestmark = pytest.mark.timeout(180)

Step = tuple[str, str, str]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_project(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def first_preview(dev: LocalCloud) -> list[Step]:
    """What a preview showed before anything was there."""
    return steps((dev.home / "first-preview").read_text())


@pytest.fixture(scope="module")
def dev(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("dev-home"), root, "dev")
    start_empty(cloud)
    preview = cloud.run("preview").stdout
    (cloud.home / "first-preview").write_text(preview)
    cloud.up()
    yield cloud
    cloud.down()


def start_empty(cloud: LocalCloud) -> None:
    """Its servers, with nothing deployed."""
    home, config = Home(cloud.home), deployment.declared_config(cloud.root, cloud.stack)
    settings = servers.Settings(emulator={}, database={}, database_tls=deployment.wants_tls(config))
    with home.lock("tests"):
        servers.start(home, region=deployment.region_of(config), say=print, settings=settings)


@pytest.fixture
def configuration(root: Path) -> Iterator[Path]:
    """The stack's file, put back after the test."""
    path = root / "Pulumi.dev.yaml"
    before = path.read_text()
    yield path
    path.write_text(before)


def previewed(dev: LocalCloud) -> set[Step]:
    return {(operation, kind, name.removeprefix("leadbridge-dev-")) for operation, kind, name in shown(dev)}


def shown(dev: LocalCloud) -> list[Step]:
    return steps(dev.run("preview").stdout)


def test_a_lead_reaches_the_simulated_database_over_a_verified_connection(dev: LocalCloud) -> None:
    stack = Stack(dev.outputs())
    lead = new_lead()
    status = stack.ended(stack.submit(lead))
    assert status["status"] == "COMPLETED", status
    assert len(stack.rows_of(lead["rut"])["CLIENTS"]) == 1
    function = stack.client("lambda").get_function_configuration(FunctionName="leadbridge-dev-api-create-client")
    variables = function["Environment"]["Variables"]
    assert (variables["DATABASE_TLS"], variables["DATABASE_CA_FILE"]) == ("on", "database-ca.pem")
    accepted = dict(stack.rows("SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'"))
    assert int(accepted["Ssl_finished_accepts"]) > 0


def test_the_address_of_the_database_is_the_one_that_rds_answers(dev: LocalCloud) -> None:
    outputs = dev.outputs()
    instances = Stack(outputs).client("rds").describe_db_instances()["DBInstances"]
    assert [each["Endpoint"]["Port"] for each in instances] == [outputs["database"]["port"]]


def test_the_first_preview_showed_every_resource_that_up_made(dev: LocalCloud, first_preview: list[Step]) -> None:
    made = {resource["urn"].split("::")[-1] for resource in dev.resources() if resource["custom"]}
    shown_at_first = {name for operation, _, name in first_preview if operation == "create"}
    assert made - {"default_7_51_1"} <= shown_at_first, "a resource that no preview announced"
    assert {operation for operation, _, _ in first_preview} == {"create"}


def test_a_preview_of_an_unchanged_dev_shows_nothing(dev: LocalCloud) -> None:
    assert shown(dev) == []


def test_a_handlers_edit_shows_that_function_alone(dev: LocalCloud) -> None:
    path = dev.root / "handlers" / "backend" / "get_client.py"
    edit(path, "return http.resource(200, client)", "return http.resource(200, dict(client))")
    try:
        assert previewed(dev) == {("update", "aws:lambda/function:Function", "api-get-client-function")}
    finally:
        edit(path, "return http.resource(200, dict(client))", "return http.resource(200, client)")


def test_the_contracts_edit_shows_the_api_and_its_deployment(dev: LocalCloud) -> None:
    path = dev.root / "openapi.yaml"
    edit(path, "summary: Submit a lead", "summary: Send a lead")
    try:
        assert previewed(dev) == {
            ("update", "aws:apigateway/restApi:RestApi", "api-rest-api"),
            ("replace", "aws:apigateway/deployment:Deployment", "api-deployment"),
            ("update", "aws:apigateway/stage:Stage", "api-stage"),
        }
    finally:
        edit(path, "summary: Send a lead", "summary: Submit a lead")


def test_another_log_retention_shows_the_log_groups_alone(dev: LocalCloud, configuration: Path) -> None:
    edit(configuration, "logRetentionDays: 14", "logRetentionDays: 30")
    found = previewed(dev)
    assert {(operation, kind) for operation, kind, _ in found} == {("update", "aws:cloudwatch/logGroup:LogGroup")}
    assert len(found) == len([each for each in dev.resources() if each["type"].endswith(":LogGroup")])


def test_another_threshold_shows_that_alarm_alone(dev: LocalCloud) -> None:
    path = dev.root / "components" / "monitoring.py"
    edit(path, "API_LATENCY_MS = 5_000", "API_LATENCY_MS = 7_000")
    try:
        assert previewed(dev) == {("update", "aws:cloudwatch/metricAlarm:MetricAlarm", "alarm-api-latency")}
    finally:
        edit(path, "API_LATENCY_MS = 7_000", "API_LATENCY_MS = 5_000")


def test_a_larger_database_shows_the_instance_and_its_storage_alarm(dev: LocalCloud, configuration: Path) -> None:
    edit(configuration, "  leadbridge:protect", "  leadbridge:databaseStorageGib: 40\n  leadbridge:protect")
    assert previewed(dev) == {
        ("update", "aws:rds/instance:Instance", "crm-instance"),
        ("update", "aws:cloudwatch/metricAlarm:MetricAlarm", "alarm-database-storage"),
    }


def test_a_preview_of_an_empty_prod_shows_every_resource(
    dev: LocalCloud, first_preview: list[Step], tmp_path: Path
) -> None:
    prod = LocalCloud(tmp_path / "home", dev.root, "prod")
    start_empty(prod)
    try:
        found = shown(prod)
    finally:
        prod.down()
    names = {
        (operation, kind, name.replace("leadbridge-prod", "leadbridge-dev")) for operation, kind, name in found
    }
    assert names == set(first_preview), "the two stacks differ in their settings only"
