"""Each stack as a whole: it is complete, well named, and holds what it must protect."""

import ssl
from collections import Counter

import pytest

from tests.components.graph import ON_PREMISE, ROOT, STACKS, Graph, record, stack_config

TOKENS = {
    "leadbridge:api:Backends",
    "leadbridge:api:GatewayAccount",
    "leadbridge:api:Intake",
    "leadbridge:api:RestApi",
    "leadbridge:database:Database",
    "leadbridge:events:EventBus",
    "leadbridge:flow:LeadFlow",
    "leadbridge:flow:Orchestration",
    "leadbridge:function:LambdaFunction",
    "leadbridge:leads:LeadTable",
    "leadbridge:network:Network",
    "leadbridge:operations:Alarms",
    "leadbridge:operations:Alerts",
    "leadbridge:operations:Dashboard",
    "leadbridge:operations:LeadAge",
    "leadbridge:operations:Monitoring",
    "leadbridge:web:WebForm",
}
FUNCTIONS = {
    "api-create-benefit",
    "api-create-client",
    "api-create-partner",
    "api-get-client",
    "api-migrations",
    "flow-catch-errors",
    "flow-create-benefit",
    "flow-create-client",
    "flow-create-partner",
    "flow-receive-lead",
    "form",
    "intake-get-lead",
    "intake-submit-lead",
    "lead-age",
}
OUTPUTS = {
    "alert_topic_arn",
    "api_key",
    "api_url",
    "dead_letter_queue_url",
    "event_bus_name",
    "form_url",
    "lead_flow_arn",
    "lead_table_name",
    "catch_errors_arn",
    "migrations_function_name",
    "region",
}
RDS = "aws:rds/instance:Instance"
PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
TABLE = "aws:dynamodb/table:Table"


def test_the_type_tokens_of_the_components_stay_as_they_are(graph: Graph) -> None:
    found = {each.type for each in graph.resources if each.component}
    assert found == TOKENS, "a changed token replaces every resource below it"


def test_each_stack_has_every_function(graph: Graph) -> None:
    assert set(graph.functions()) == FUNCTIONS


def test_each_stack_exports_what_the_commands_read(graph: Graph) -> None:
    assert set(graph.outputs) == OUTPUTS
    assert all(graph.outputs.values()), "an empty output helps nobody"


def test_the_api_key_is_the_only_secret_output_and_it_is_one(graph: Graph) -> None:
    assert graph.secret_outputs == ["api_key"]


def test_no_two_resources_share_a_urn(graph: Graph) -> None:
    twice = [urn for urn, count in Counter(each.urn for each in graph.resources).items() if count > 1]
    assert not twice


def test_every_resource_belongs_to_a_component_and_bears_its_name(graph: Graph) -> None:
    urns = {each.urn: each for each in graph.resources}
    for resource in graph.resources:
        assert resource.name.startswith(graph.prefix), resource.name
        if resource.component:
            continue
        parent = urns.get(resource.parent)
        assert parent is not None, f"{resource.name} has no component above it"
        assert parent.component, f"{resource.name} stands below {parent.type}"
        assert resource.name.startswith(f"{parent.name}-"), f"{resource.name} stands below {parent.name}"


def test_every_function_component_stands_below_the_component_that_asked_for_it(graph: Graph) -> None:
    names = {each.urn: each.name for each in graph.resources}
    for resource in graph.resources:
        if resource.type == "leadbridge:function:LambdaFunction":
            assert resource.name.startswith(names[resource.parent]), resource.name


@pytest.mark.parametrize("key", ["multiAz", "deletionProtection", "storageEncrypted", "copyTagsToSnapshot"])
def test_the_database_of_prod_is_protected(prod: Graph, key: str) -> None:
    assert prod.one(RDS).inputs[key] is True


def test_the_database_of_prod_leaves_a_final_snapshot_and_backups(prod: Graph) -> None:
    inputs = prod.one(RDS).inputs
    assert inputs["skipFinalSnapshot"] is False
    assert inputs["finalSnapshotIdentifier"] == prod.one(PARAMETERS, "crm-final-snapshot").outputs["name"]
    assert inputs["deleteAutomatedBackups"] is False
    assert inputs["backupRetentionPeriod"] >= 7


def test_the_table_of_prod_refuses_its_deletion(prod: Graph) -> None:
    inputs = prod.one(TABLE).inputs
    assert inputs["deletionProtectionEnabled"] is True
    assert inputs["pointInTimeRecovery"]["enabled"] is True
    assert inputs["serverSideEncryption"]["enabled"] is True


def test_dev_can_be_taken_down_again(dev: Graph) -> None:
    database = dev.one(RDS).inputs
    assert database["deletionProtection"] is False
    assert database["skipFinalSnapshot"] is True
    assert database["deleteAutomatedBackups"] is True
    assert dev.one(TABLE).inputs["deletionProtectionEnabled"] is False


def test_the_database_is_not_public_and_its_password_is_managed(prod: Graph) -> None:
    inputs = prod.one(RDS).inputs
    assert inputs["publiclyAccessible"] is False
    assert inputs["manageMasterUserPassword"] is True
    assert "password" not in inputs


def test_the_database_refuses_connections_without_tls(prod: Graph) -> None:
    parameters = prod.one(PARAMETERS, "crm-parameters").inputs["parameters"]
    assert {"name": "require_secure_transport", "value": "1"} in parameters


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_committed_authority_is_the_one_of_the_stacks_region_and_of_the_databases_certificate(
    stack: str, graph_of
) -> None:
    config = stack_config(stack)
    authorities = ssl.create_default_context(cafile=ROOT / config["leadbridge:databaseCaFile"])
    names = {dict(part[0] for part in each["subject"])["commonName"] for each in authorities.get_ca_certs()}
    kind = graph_of(stack).one(RDS).inputs["caCertIdentifier"].removeprefix("rds-ca-").replace("-", " ").upper()
    assert f"Amazon RDS {config['aws:region']} Root CA {kind}" in names


def test_only_the_local_stack_runs_without_tls(graph: Graph) -> None:
    tls = {
        each.inputs["environment"]["variables"]["DATABASE_TLS"]
        for name, each in graph.functions().items()
        if name.startswith("api-")
    }
    assert tls == {"off" if graph.prefix.endswith("local") else "on"}


def test_both_database_modes_give_the_same_outputs_and_functions(dev: Graph) -> None:
    on_premise = record("dev", ON_PREMISE)
    assert set(on_premise.outputs) == set(dev.outputs)
    for name, function in dev.functions().items():
        other = on_premise.function(name)
        here, there = (set(each.inputs.get("environment", {}).get("variables", {})) for each in (function, other))
        assert here == there, f"{name} would be told other things"
        assert function.inputs["code"] == other.inputs["code"], f"{name} would run other code"
    assert not on_premise.of(RDS)
    assert (
        on_premise.function("api-migrations").inputs["environment"]["variables"]["DATABASE_HOST"]
        == (ON_PREMISE["databaseHost"])
    )


def test_the_migrations_run_before_any_backend_changes(graph: Graph) -> None:
    migrate = graph.one("aws:lambda/invocation:Invocation")
    order = [each.urn for each in graph.resources]
    for name in ("create-client", "create-partner", "create-benefit", "get-client"):
        component = graph.parent_of(graph.function(f"api-{name}"))
        assert component is not None
        assert migrate.urn in component.dependencies, f"{name} could meet the old schema"
        assert order.index(migrate.urn) < order.index(graph.function(f"api-{name}").urn)


def test_the_migrations_run_again_for_a_new_migration_another_database_or_another_secret(graph: Graph) -> None:
    triggers = graph.one("aws:lambda/invocation:Invocation").inputs["triggers"]
    assert set(triggers) == {"migrations", "database", "secret"}


def test_secrets_stand_in_no_plain_input(graph: Graph) -> None:
    key = graph.outputs["api_key"]
    holders = [each.name for each in graph.resources if key in str(each.inputs)]
    assert holders == [f"{graph.prefix}-api-key-secret-value"]
    version = graph.one("aws:secretsmanager/secretVersion:SecretVersion")
    assert version.secrets == ["secretString"]


def test_the_state_never_holds_a_database_password(graph: Graph) -> None:
    names = {each.name for each in graph.of("aws:secretsmanager/secretVersion:SecretVersion")}
    assert names == {f"{graph.prefix}-api-key-secret-value"}, "the migrations put the user's password, not Pulumi"


def test_the_three_stacks_differ_only_where_their_database_lies(graph_of) -> None:
    local, dev, prod = (
        {(each.type, each.name.replace(graph_of(stack).prefix, "")) for each in graph_of(stack).resources}
        for stack in STACKS
    )
    assert prod - dev == {("aws:sns/topicSubscription:TopicSubscription", "-alerts-email")}
    assert dev <= prod
    network = {("aws:ec2/securityGroup:SecurityGroup", "-network-database")}
    rules = {("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "-network-database-in")}
    rds = {
        (RDS, "-crm-instance"),
        ("aws:rds/subnetGroup:SubnetGroup", "-crm-subnets"),
        (PARAMETERS, "-crm-parameters"),
        (PARAMETERS, "-crm-final-snapshot"),
    }
    alarms = {
        ("aws:cloudwatch/metricAlarm:MetricAlarm", f"-alarm-database-{what}")
        for what in ("connections", "storage")
    }
    assert dev - local == network | rules | rds | alarms
    assert local <= dev
