"""From one configuration to another: what holds data is neither replaced nor deleted, or the change is refused."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache

import pytest

from local_cloud.provider import AwsProvider
from local_cloud.provider.provider import declaration
from tests.components.graph import ON_PREMISE, Graph, Resource, record
from tests.components.test_stacks import PARAMETERS, RDS, TABLE
from tests.plain_emulator import KEY

KEEPS = {
    RDS,
    TABLE,
    "aws:cloudwatch/eventArchive:EventArchive",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:kms/key:Key",
    "aws:secretsmanager/secret:Secret",
    "aws:sqs/queue:Queue",
}
HOLDS_THE_DATABASE = {"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:rds/subnetGroup:SubnetGroup"}
FOUR = ("protect", "databaseFinalSnapshot", "databaseKeepBackups", "databaseSecondZone")
# Each setting that holds something, and another value than the one of prod: from the one to the other, and back.
CHANGES = {
    **dict.fromkeys(FOUR, "false"),
    "databaseInstanceClass": "db.t4g.small",
    "databaseStorageGib": "60",
    "databaseTls": "false",
    "logRetentionDays": "30",
    "archiveDays": "7",
    "alertEmail": "none",
}
Fates = dict[tuple[str, str], str]


@cache
def prod(*overrides: tuple[str, str]) -> Graph:
    return record("prod", {"backendConcurrency": "20", **dict(overrides)})  # for both modes


def fates(before: Graph, after: Graph) -> Fates:
    """(type, name) -> what a deployment does to the resource: same, update, replace or delete."""
    provider = AwsProvider("http://127.0.0.1:1", KEY)
    later = {each.urn: each for each in after.resources}
    return {
        (each.type, each.name.removeprefix(f"{before.prefix}-")): fate(provider, each, later.get(each.urn))
        for each in before.resources
        if not each.component
    }


def fate(provider: AwsProvider, old: Resource, new: Resource | None) -> str:
    if new is None:
        return "delete"
    inputs = {**new.inputs, **{name: old.inputs[name] for name in new.ignored if name in old.inputs}}
    diff = provider.diff(old.type, old.inputs, old.outputs, inputs)
    return "replace" if diff.replace else "update" if diff.changed else "same"


def lost(found: Fates, types: set[str]) -> Fates:
    return {key: what for key, what in found.items() if key[0] in types and what in ("replace", "delete")}


@pytest.mark.parametrize("key", CHANGES)
def test_a_setting_changed_alone_and_back_replaces_nothing_that_holds_data(key: str) -> None:
    ways = [prod(), prod((key, CHANGES[key]))]
    for before, after in (ways, reversed(ways)):
        found = fates(before, after)
        assert lost(found, KEEPS | HOLDS_THE_DATABASE) == {}
        assert "replace" not in found.values()
        assert set(found.values()) != {"same"} or key == "alertEmail"
        assert found[PARAMETERS, "crm-final-snapshot"] == "same", "one instance, one name"


@pytest.mark.parametrize("key", FOUR)
def test_each_of_the_four_settings_changes_the_database_in_place_and_alone(key: str) -> None:
    before, after = (graph.one(RDS).inputs for graph in (prod(), prod((key, "false"))))
    changed = {name for name in before if before[name] != after[name]}
    assert (
        changed
        == {
            "protect": {"deletionProtection"},
            "databaseFinalSnapshot": {"skipFinalSnapshot"},
            "databaseKeepBackups": {"deleteAutomatedBackups"},
            "databaseSecondZone": {"multiAz"},
        }[key]
    )


@pytest.mark.parametrize(
    ("change", "victims"),
    [
        ({"databaseName": "other"}, {RDS}),
        ({"vpcCidr": "10.30.0.0/16"}, {"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"}),
        (ON_PREMISE, {RDS}),
    ],
    ids=["databaseName", "vpcCidr", "databaseMode"],
)
def test_a_change_that_would_take_the_database_away_is_refused_while_it_is_protected(
    change: Mapping[str, str], victims: set[str]
) -> None:
    before = prod()
    doomed = lost(fates(before, prod(*change.items())), KEEPS | HOLDS_THE_DATABASE)
    assert victims <= {type_ for type_, _ in doomed}, "the test no longer does what it says"
    protected = {
        (each.type, each.name.removeprefix(f"{before.prefix}-")) for each in before.resources if each.protected
    }
    assert doomed.keys() & protected, "Pulumi refuses the whole deployment, before it begins"


def test_the_way_on_premise_and_back_keeps_what_is_not_the_database() -> None:
    there = fates(prod(("protect", "false")), prod(("protect", "false"), *ON_PREMISE.items()))
    back = fates(prod(("protect", "false"), *ON_PREMISE.items()), prod(("protect", "false")))
    assert {type_ for type_, _ in lost(there, KEEPS)} == {RDS}
    assert lost(back, KEEPS) == {}


def test_protection_off_leaves_the_snapshot_and_the_backups_on() -> None:
    """The runbook: protect false, up, destroy."""
    before, after = prod(), prod(("protect", "false"))
    database = after.one(RDS).inputs
    assert (database["deletionProtection"], database["skipFinalSnapshot"]) == (False, False)
    assert database["deleteAutomatedBackups"] is False
    assert database["finalSnapshotIdentifier"] == before.one(RDS).inputs["finalSnapshotIdentifier"]
    assert after.one(TABLE).inputs["pointInTimeRecovery"] == {"enabled": True}
    assert [each.name for each in after.resources if each.protected] == []


def test_everything_that_holds_leads_is_protected_with_the_stack() -> None:
    graph = prod()
    names = {each.name.removeprefix(f"{graph.prefix}-") for each in graph.resources if each.protected}
    assert names == {
        "crm-app-user",
        "crm-instance",
        "leads-archive",
        "leads-dead-letters",
        "leads-table",
        "network-private-1",
        "network-private-2",
        "network-vpc",
    }


def test_the_network_of_a_database_elsewhere_can_change() -> None:
    graph = prod(*ON_PREMISE.items())
    assert not [each.name for each in graph.resources if each.protected and each.type.startswith("aws:ec2/")]


def test_another_instance_leaves_a_snapshot_of_another_name() -> None:
    found = fates(prod(), prod(("databaseName", "other")))
    assert found[RDS, "crm-instance"] == "replace"
    assert found[PARAMETERS, "crm-final-snapshot"] == "replace"


def test_everything_that_makes_another_instance_makes_another_name() -> None:
    graph = prod()
    inputs = graph.one(RDS).inputs
    replacing = {name: inputs[name] for name in declaration(RDS).replaced_by({}) if name in inputs}
    del replacing["dbSubnetGroupName"]  # AWS's provider changes it in place
    ours = {
        "engine": "engine",
        "dbName": "db_name",
        "username": "username",
        "storageEncrypted": "storage_encrypted",
    }
    text = json.dumps({ours[name]: value for name, value in replacing.items()}, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    assert digest in graph.one(PARAMETERS, "crm-final-snapshot").inputs["description"]
