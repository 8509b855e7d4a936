"""The real program's data, deployed, changed, destroyed and deployed again by the engine on a real local cloud.

The functions are left out: they hold nothing, and need a database that answers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local_cloud.engine import DeploymentFailed, Engine, load_stack
from local_cloud.provider import AwsProvider
from tests.plain_emulator import KEY
from tests.provider.conftest import DATABASE, REGION, World
from tests.stack import copy_of_the_project, edit

RDS = "aws:rds/instance:Instance"
# RDS: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
SNAPSHOT_NAME = re.compile(r"(?!.*--)[a-z][a-z0-9-]{0,253}[a-z0-9]")
ON_PREMISE = {
    "databaseMode": "on-premise",
    "databaseHost": "10.8.0.20",
    "databaseNetworkCidr": "10.8.0.0/24",
    "databaseOwnerSecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:owner-AbCdEf",
}
# for both modes
CONFIG = {"alertEmail": "none", "backendConcurrency": "20"}
pytestmark = pytest.mark.timeout(120)


@dataclass
class Recorder:
    steps: list[tuple[str, str, str]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def step(self, op: str, type_: str, name: str, detail: str) -> None:
        self.steps.append((op, type_, name.removeprefix("leadbridge-prod-")))

    def message(self, severity: str, text: str) -> None:
        self.messages.append(text)


@dataclass
class Prod:
    root: Path
    world: World
    config: dict[str, str] = field(default_factory=lambda: dict(CONFIG))
    recorder: Recorder = field(default_factory=Recorder)

    def engine(self) -> Engine:
        self.recorder = Recorder()
        overrides = {f"leadbridge:{key}": value for key, value in self.config.items()}
        provider = AwsProvider(self.world.endpoint, KEY, region=REGION, database=DATABASE)
        stack = load_stack(self.root, "prod", overrides)
        return Engine(stack, self.root / "state" / "prod.json", provider, reporter=self.recorder)

    def up(self, **config: str) -> set[tuple[str, str, str]]:
        """What it did beyond leaving things as they are."""
        self.config |= config
        self.engine().up()
        return self.changes()

    def preview(self, **config: str) -> set[tuple[str, str, str]]:
        self.config |= config
        self.engine().preview()
        return self.changes()

    def changes(self) -> set[tuple[str, str, str]]:
        return {step for step in self.recorder.steps if step[0] != "same"}

    def refused(self, action: str) -> str:
        with pytest.raises(DeploymentFailed) as failure:
            getattr(self.engine(), action)()
        return str(failure.value)

    def instances(self) -> list[dict[str, Any]]:
        return list(self.world.client("rds").describe_db_instances()["DBInstances"])

    def snapshots(self) -> list[str]:
        found = self.world.client("rds").describe_db_snapshots()["DBSnapshots"]
        return sorted(each["DBSnapshotIdentifier"] for each in found)


@pytest.fixture
def prod(world: World, tmp_path: Path) -> Iterator[Prod]:
    root = copy_of_the_project(tmp_path)
    program = root / "__main__.py"
    text = program.read_text()
    program.write_text(text[: text.index("backends = Backends(")])
    stack = Prod(root, world)
    yield stack
    rds = world.client("rds")
    stack.config = dict(CONFIG)
    stack.up(protect="false", databaseFinalSnapshot="false")
    stack.engine().destroy()
    assert not stack.instances()
    for snapshot in stack.snapshots():
        rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot)


def test_the_runbook_leaves_a_snapshot_each_time_and_no_name_comes_twice(prod: Prod) -> None:
    prod.up()
    assert prod.preview() == set(), "a preview shows the same name each time"
    before = prod.instances()
    said = prod.refused("destroy")
    assert "protected" in said
    assert prod.instances() == before, "a refused destroy has touched nothing"

    first = prod.up(protect="false")
    assert {(op, name) for op, _, name in first} >= {("update", "crm-instance"), ("update", "leads-table")}
    assert {op for op, _, _ in first} == {"update"}
    assert prod.instances()[0]["DBInstanceIdentifier"] == before[0]["DBInstanceIdentifier"]
    prod.engine().destroy()
    (one,) = prod.snapshots()

    prod.up(protect="true")
    assert prod.instances()[0]["DBInstanceIdentifier"] != before[0]["DBInstanceIdentifier"]
    prod.up(protect="false")
    prod.engine().destroy()
    both = prod.snapshots()
    assert len(both) == 2
    assert one in both
    assert all(SNAPSHOT_NAME.fullmatch(name) for name in both), both


def test_a_database_that_is_replaced_there_and_back_leaves_three_snapshots(prod: Prod) -> None:
    prod.up(protect="false")
    for name in ("second", "crm", "third"):
        assert ("replace", RDS, "crm-instance") in prod.up(databaseName=name)
        assert prod.preview() == set()
    assert len(prod.snapshots()) == 3
    assert len(prod.instances()) == 1


@pytest.mark.parametrize(
    "change", [ON_PREMISE, {"databaseName": "other"}, {"vpcCidr": "10.40.0.0/16"}], ids=lambda change: min(change)
)
def test_a_protected_database_is_taken_away_by_no_setting(prod: Prod, change: dict[str, str]) -> None:
    prod.up()
    before = prod.instances()
    prod.config |= change
    assert "protected" in prod.refused("preview")
    assert "protected" in prod.refused("up")
    assert prod.instances() == before
    assert prod.snapshots() == []
    for key in change:
        del prod.config[key]


def test_unprotected_the_way_on_premise_leaves_a_snapshot_and_the_way_back_another_database(prod: Prod) -> None:
    prod.up()
    prod.up(protect="false")
    assert ("delete", RDS, "crm-instance") in prod.up(**ON_PREMISE)
    (one,) = prod.snapshots()
    prod.up(databaseMode="simulated")
    assert ("delete", RDS, "crm-instance") in prod.up(databaseMode="on-premise")
    assert one in prod.snapshots()
    assert len(prod.snapshots()) == 2


@pytest.mark.parametrize("first", ["true", "false"])
@pytest.mark.parametrize("key", ["protect", "databaseFinalSnapshot", "databaseKeepBackups", "databaseSecondZone"])
def test_each_setting_is_switched_in_place(prod: Prod, key: str, first: str) -> None:
    second = "false" if first == "true" else "true"
    prod.up(**{"protect": "false", key: first})
    before = prod.instances()[0]["DbiResourceId"]
    for value in (second, first):
        assert {op for op, _, _ in prod.up(**{key: value})} == {"update"}
        assert prod.instances()[0]["DbiResourceId"] == before
    prod.up(protect="false")


TABLE = "components/lead_table.py"


@pytest.mark.parametrize(
    ("old", "new", "fate"),
    [
        ('"attribute_name": "expiresAt"', '"attribute_name": "endsAt"', "update"),
        ('"projection_type": "KEYS_ONLY"', '"projection_type": "ALL"', "update"),
        ('FAILED_INDEX = "failed"', 'FAILED_INDEX = "broken"', "update"),
        ('hash_key="leadId"', 'hash_key="failed"', "refused"),
    ],
    ids=["another time to live", "another projection", "another index", "another key"],
)
def test_an_edit_of_the_table_keeps_its_leads_or_is_refused(prod: Prod, old: str, new: str, fate: str) -> None:
    prod.up()
    dynamodb = prod.world.client("dynamodb")
    (name,) = (each for each in dynamodb.list_tables()["TableNames"] if each.startswith("leadbridge-prod"))
    dynamodb.put_item(TableName=name, Item={"leadId": {"S": "kept"}})
    path = prod.root / TABLE
    before = path.read_text()
    edit(path, old, new)
    if fate == "refused":
        assert "protected" in prod.refused("up")
    else:
        assert {op for op, _, _ in prod.up()} == {fate}
    assert dynamodb.get_item(TableName=name, Key={"leadId": {"S": "kept"}})["Item"] == {"leadId": {"S": "kept"}}
    path.write_text(before)


def test_index_keys_in_the_older_form_are_the_same_keys_to_a_stack_that_stands(prod: Prod) -> None:
    path = prod.root / TABLE
    now = path.read_text()
    older = now
    for keys, hash_key, range_key in (
        ('_keys("failed", "updatedAt")', "failed", "updatedAt"),
        ('_keys("unfinished", "createdAt")', "unfinished", "createdAt"),
    ):
        assert keys in older
        older = older.replace(f'"key_schemas": {keys}', f'"hash_key": "{hash_key}", "range_key": "{range_key}"')
    path.write_text(older)
    prod.up()
    path.write_text(now)
    assert prod.preview() == set()
    assert prod.up() == set()
    assert not [text for text in prod.recorder.messages if "deprecated" in text]


def test_zones_of_a_stack_that_stands_stay_as_they_are(prod: Prod) -> None:
    program = prod.root / "__main__.py"
    now = program.read_text()
    assert now.count("usable_zones(),") == 1
    program.write_text(now.replace("usable_zones(),", "list(reversed(usable_zones())),"))
    prod.up()
    program.write_text(now)
    assert prod.preview() == set(), "the subnets and all that lies in them would be made anew"
