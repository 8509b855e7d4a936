"""What is special about some types, seen from outside: what was deployed really works."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pulumi
import pytest

from local_cloud.engine.provider import CheckFailed, ProviderError
from local_cloud.provider import AwsProvider
from tests.plain_emulator import KEY

FUNCTION = "aws:lambda/function:Function"
INVOCATION = "aws:lambda/invocation:Invocation"
RDS = "aws:rds/instance:Instance"
TABLE = "aws:dynamodb/table:Table"
ROLE = "arn:aws:iam::000000000000:role/any"
ECHO = "def handler(event, context):\n    return event\n"
WHO = "import os\ndef handler(event, context):\n    return os.environ['WHO']\n"
FAIL = "def handler(event, context):\n    raise ValueError('no such table')\n"


def inputs(code: str, **more: Any) -> dict[str, Any]:
    archive = pulumi.AssetArchive({"index.py": pulumi.StringAsset(code)})
    return {"code": archive, "handler": "index.handler", "runtime": "python3.12", "role": ROLE, **more}


def invoked(world: Any, name: str, event: Any = None) -> Any:
    answer = world.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read())


def eventually(ask: Callable[[], Any]) -> Any:
    """The answer as soon as there is one; there is no event to wait for."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise AssertionError("there was no answer in 20 s")


def test_a_function_runs_with_its_environment(world: Any) -> None:
    made = world.make(FUNCTION, **inputs(WHO, environment={"variables": {"WHO": "alice"}}))
    assert invoked(world, made["name"]) == "alice"


def test_a_change_of_code_updates_the_code_only(world: Any, calls: Any) -> None:
    made = world.make(FUNCTION, **inputs(ECHO, environment={"variables": {"WHO": "alice"}}))
    seen = calls("lambda")
    diff, changed = world.change(FUNCTION, made, **inputs(WHO, environment={"variables": {"WHO": "alice"}}))
    assert diff.changed == ("code",)
    assert seen == ["UpdateFunctionCode", "GetFunctionConfiguration"]
    assert invoked(world, made["name"]) == "alice"
    assert changed["codeSha256"] != made["codeSha256"]


def test_a_change_of_configuration_leaves_the_code_alone(world: Any, calls: Any) -> None:
    made = world.make(FUNCTION, **inputs(WHO, environment={"variables": {"WHO": "alice"}}))
    seen = calls("lambda")
    diff, _ = world.change(FUNCTION, made, **inputs(WHO, environment={"variables": {"WHO": "bob"}}))
    assert diff.changed == ("environment",)
    assert seen == ["UpdateFunctionConfiguration", "GetFunctionConfiguration"]
    assert invoked(world, made["name"]) == "bob"


def test_reserved_concurrency_is_taken_away_when_the_program_no_longer_asks_for_it(world: Any) -> None:
    made = world.make(FUNCTION, **inputs(ECHO, reservedConcurrentExecutions=3))
    ask = lambda: world.client("lambda").get_function(FunctionName=made["name"]).get("Concurrency")  # noqa: E731
    assert ask() == {"ReservedConcurrentExecutions": 3}
    _, made = world.change(FUNCTION, made, **inputs(ECHO, reservedConcurrentExecutions=-1))
    assert not ask()
    _, made = world.change(FUNCTION, made, **inputs(ECHO, reservedConcurrentExecutions=2))
    assert ask() == {"ReservedConcurrentExecutions": 2}
    world.change(FUNCTION, made, **inputs(ECHO))
    assert not ask()


def test_a_function_url_is_reachable(world: Any, http: Any) -> None:
    made = world.make(FUNCTION, **inputs("def handler(event, context):\n    return {'statusCode': 202}\n"))
    url = world.make("aws:lambda/functionUrl:FunctionUrl", functionName=made["name"], authorizationType="NONE")
    assert http("GET", url["functionUrl"]).status == 202


def test_an_invocation_has_the_function_s_answer(world: Any) -> None:
    function = world.make(FUNCTION, **inputs(ECHO))
    made = world.make(INVOCATION, functionName=function["name"], input='{"schema": 3}')
    assert json.loads(made["result"]) == {"schema": 3}


def test_an_invocation_of_a_function_that_fails_has_its_error(world: Any) -> None:
    function = world.make(FUNCTION, **inputs(FAIL))
    with pytest.raises(ProviderError, match=rf"Invoke: {function['name']} failed: .*no such table"):
        world.make(INVOCATION, functionName=function["name"], input="{}")


def test_a_crud_invocation_tells_the_function_what_happens(world: Any) -> None:
    function = world.make(FUNCTION, **inputs(ECHO))
    given = {"functionName": function["name"], "lifecycleScope": "CRUD"}
    made = world.make(INVOCATION, **given, input='{"a": 1}')
    assert json.loads(made["result"]) == {"a": 1, "tf": {"action": "create", "prev_input": None}}
    _, changed = world.change(INVOCATION, made, **given, input='{"a": 2}')
    assert json.loads(changed["result"]) == {"a": 2, "tf": {"action": "update", "prev_input": {"a": 1}}}


def test_an_event_starts_a_state_machine_that_calls_a_function(world: Any) -> None:
    function = world.make(
        FUNCTION, **inputs("def handler(event, context):\n    return {'seen': event['detail']}\n")
    )
    machine = world.make(
        "aws:sfn/stateMachine:StateMachine",
        roleArn=ROLE,
        definition=json.dumps(
            {"StartAt": "Call", "States": {"Call": {"Type": "Task", "Resource": function["arn"], "End": True}}}
        ),
    )
    bus = world.make("aws:cloudwatch/eventBus:EventBus")
    pattern = json.dumps({"source": ["leadbridge.web"]})
    rule = world.make("aws:cloudwatch/eventRule:EventRule", eventBusName=bus["name"], eventPattern=pattern)
    world.make(
        "aws:cloudwatch/eventTarget:EventTarget",
        eventBusName=bus["name"],
        rule=rule["name"],
        arn=machine["arn"],
        roleArn=ROLE,
    )
    event = {
        "EventBusName": bus["name"],
        "Source": "leadbridge.web",
        "DetailType": "LeadReceived",
        "Detail": '{"a":1}',
    }
    assert world.client("events").put_events(Entries=[event])["FailedEntryCount"] == 0
    machines = world.client("stepfunctions")
    ended = eventually(
        lambda: machines.list_executions(stateMachineArn=machine["arn"], statusFilter="SUCCEEDED")["executions"]
    )
    output = machines.describe_execution(executionArn=ended[0]["executionArn"])["output"]
    assert json.loads(output) == {"seen": {"a": 1}}


def test_a_database_has_the_address_of_the_server_and_its_password_in_a_secret(world: Any) -> None:
    given = {"engine": "mariadb", "instanceClass": "db.t4g.micro", "allocatedStorage": 20, "username": "admin"}
    made = world.make("aws:rds/instance:Instance", **given, manageMasterUserPassword=True, skipFinalSnapshot=True)
    assert (made["address"], made["port"], made["endpoint"]) == ("127.0.0.1", 34117, "127.0.0.1:34117")
    secret = world.client("secretsmanager").get_secret_value(SecretId=made["masterUserSecrets"][0]["secretArn"])
    assert json.loads(secret["SecretString"]) == {"username": "owner", "password": "a-secret-of-the-server"}


def test_the_secret_of_a_database_goes_with_it(world: Any, provider: AwsProvider) -> None:
    given = {"engine": "mariadb", "instanceClass": "db.t4g.micro", "allocatedStorage": 20, "username": "admin"}
    made = world.make("aws:rds/instance:Instance", **given, manageMasterUserPassword=True, skipFinalSnapshot=True)
    provider.delete("aws:rds/instance:Instance", made["id"], made["__inputs"], made)
    secrets = world.client("secretsmanager")
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.get_secret_value(SecretId=made["masterUserSecrets"][0]["secretArn"])


def test_a_database_leaves_a_final_snapshot_unless_it_is_skipped_and_no_name_twice(world: Any) -> None:
    given = {"engine": "mariadb", "instanceClass": "db.t4g.micro", "allocatedStorage": 20, "username": "admin"}
    rds, names = world.client("rds"), []

    def take_down(**how: Any) -> None:
        made = world.make(RDS, **given, manageMasterUserPassword=True, **how)
        try:
            world.provider.delete(RDS, made["id"], made["__inputs"], made)
        except ProviderError:
            _, made = world.change(RDS, made, **given, manageMasterUserPassword=True, skipFinalSnapshot=True)
            world.provider.delete(RDS, made["id"], made["__inputs"], made)
            raise
        finally:
            world.made.pop()
            names[:] = [each["DBSnapshotIdentifier"] for each in rds.describe_db_snapshots()["DBSnapshots"]]

    take_down(skipFinalSnapshot=True, finalSnapshotIdentifier="last")
    assert names == []
    with pytest.raises(ProviderError, match="finalSnapshotIdentifier is missing and skipFinalSnapshot false"):
        take_down()
    take_down(finalSnapshotIdentifier="last")
    assert names == ["last"]
    with pytest.raises(ProviderError, match="a snapshot 'last' exists already"):
        take_down(finalSnapshotIdentifier="last")
    rds.delete_db_snapshot(DBSnapshotIdentifier="last")


def test_a_protected_database_keeps_its_secret_when_its_deletion_is_refused(world: Any) -> None:
    given = {
        "engine": "mariadb",
        "instanceClass": "db.t4g.micro",
        "allocatedStorage": 20,
        "username": "admin",
        "manageMasterUserPassword": True,
        "skipFinalSnapshot": True,
    }
    made = world.make(RDS, **given, deletionProtection=True)
    with pytest.raises(ProviderError, match="DeletionProtection"):
        world.provider.delete(RDS, made["id"], made["__inputs"], made)
    assert world.client("secretsmanager").get_secret_value(SecretId=made["masterUserSecrets"][0]["secretArn"])
    world.made.pop()
    _, made = world.change(RDS, made, **given)
    world.provider.delete(RDS, made["id"], made["__inputs"], made)


TABLE_INPUTS = {
    "billingMode": "PAY_PER_REQUEST",
    "hashKey": "leadId",
    "attributes": [{"name": "leadId", "type": "S"}],
}


def test_an_index_can_be_added_to_a_table_and_taken_away(world: Any) -> None:
    made = world.make(TABLE, **TABLE_INPUTS)
    by_status = {
        "attributes": [*TABLE_INPUTS["attributes"], {"name": "status", "type": "S"}],
        "globalSecondaryIndexes": [{"name": "byStatus", "hashKey": "status", "projectionType": "ALL"}],
    }
    tables = world.client("dynamodb")
    tables.put_item(TableName=made["name"], Item={"leadId": {"S": "1"}, "status": {"S": "FAILED"}})
    _, made = world.change(TABLE, made, **{**TABLE_INPUTS, **by_status})
    found = tables.query(
        TableName=made["name"],
        IndexName="byStatus",
        KeyConditionExpression="#status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": "FAILED"}},
    )
    assert found["Count"] == 1
    world.change(TABLE, made, **TABLE_INPUTS)
    assert not tables.describe_table(TableName=made["name"])["Table"].get("GlobalSecondaryIndexes")


def test_time_to_live_can_be_switched_on_and_off(world: Any) -> None:
    made = world.make(TABLE, **TABLE_INPUTS)
    tables = world.client("dynamodb")

    def status() -> str:
        answer = tables.describe_time_to_live(TableName=made["name"])["TimeToLiveDescription"]
        found: str = answer["TimeToLiveStatus"]
        return found

    _, made = world.change(TABLE, made, **TABLE_INPUTS, ttl={"attributeName": "expires", "enabled": True})
    assert status() == "ENABLED"
    _, made = world.change(TABLE, made, **TABLE_INPUTS)
    assert status() == "DISABLED"


def test_a_table_with_deletion_protection_is_not_deleted(world: Any, provider: AwsProvider) -> None:
    made = world.make(TABLE, **TABLE_INPUTS, deletionProtectionEnabled=True)
    with pytest.raises(ProviderError, match=r"dynamodb DeleteTable: .*[Dd]eletion"):
        provider.delete(TABLE, made["id"], made["__inputs"], made)
    world.change(TABLE, made, **TABLE_INPUTS)


DUPLICATES = [
    ("aws:cloudwatch/eventBus:EventBus", {"name": "twice"}),
    ("aws:cloudwatch/eventRule:EventRule", {"name": "twice", "eventPattern": '{"source": ["a"]}'}),
    ("aws:cloudwatch/logGroup:LogGroup", {"name": "twice"}),
    ("aws:cloudwatch/dashboard:Dashboard", {"dashboardName": "twice", "dashboardBody": "{}"}),
    ("aws:sqs/queue:Queue", {"name": "twice"}),
    ("aws:sns/topic:Topic", {"name": "twice"}),
    (TABLE, {"name": "twice", **TABLE_INPUTS}),
    ("aws:iam/role:Role", {"name": "twice", "assumeRolePolicy": "{}"}),
    (FUNCTION, inputs(ECHO, name="twice")),
    (
        "aws:sfn/stateMachine:StateMachine",
        {"name": "twice", "roleArn": ROLE, "definition": '{"StartAt": "E", "States": {"E": {"Type": "Succeed"}}}'},
    ),
    ("aws:secretsmanager/secret:Secret", {"name": "twice"}),
]


@pytest.mark.parametrize(("type_", "given"), DUPLICATES, ids=[type_.rpartition(":")[2] for type_, _ in DUPLICATES])
def test_a_chosen_name_that_is_taken_is_refused(world: Any, type_: str, given: dict[str, Any]) -> None:
    world.make(type_, **given)
    with pytest.raises(ProviderError, match=r"(?i)exist"):
        world.make(type_, "second", **given)


def test_a_resource_that_fails_half_way_leaves_nothing(world: Any) -> None:
    with pytest.raises(ProviderError, match="PutRetentionPolicy"):
        world.make("aws:cloudwatch/logGroup:LogGroup", "half", retentionInDays=-7)
    groups = world.client("logs").describe_log_groups(logGroupNamePrefix="half-")["logGroups"]
    assert groups == []


def test_the_cloud_s_own_words_are_in_the_error(world: Any) -> None:
    with pytest.raises(ProviderError, match=r"sns Subscribe: NotFound: Topic does not exist"):
        world.make(
            "aws:sns/topicSubscription:TopicSubscription",
            topic="arn:aws:sns:us-east-1:000000000000:nothing",
            protocol="sqs",
            endpoint="arn:aws:sqs:us-east-1:000000000000:q",
        )


class RefusesTargets(BaseHTTPRequestHandler):
    """EventBridge, when it takes the call and not the targets."""

    def do_POST(self) -> None:
        entry = {"TargetId": "t", "ErrorCode": "InvalidArn", "ErrorMessage": "arn is not a target"}
        body = json.dumps({"FailedEntryCount": 1, "FailedEntries": [entry]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Not on the test's terminal."""


def test_a_target_that_is_refused_is_an_error_although_the_call_succeeds() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), RefusesTargets) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            provider = AwsProvider(f"http://127.0.0.1:{server.server_port}", KEY)
            target = {"rule": "r", "eventBusName": "b", "targetId": "t", "arn": "arn"}
            with pytest.raises(ProviderError, match="events PutTargets: InvalidArn: arn is not a target"):
                provider.create("aws:cloudwatch/eventTarget:EventTarget", "urn:a::b::c::d", target)
        finally:
            server.shutdown()


def test_an_endpoint_where_nothing_listens_is_an_error_of_the_provider() -> None:
    provider = AwsProvider("http://127.0.0.1:9", KEY)
    with pytest.raises(ProviderError, match=r"sqs GetQueueUrl: Could not connect"):
        provider.create("aws:sqs/queue:Queue", "urn:a::b::c::d", {"name": "q"})


def test_functions_of_the_package_read_from_the_cloud(provider: AwsProvider) -> None:
    invoke = provider.invoke
    assert invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "000000000000"
    assert invoke("aws:index/getRegion:getRegion", {})["name"] == "us-east-1"
    assert invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"
    zones = invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"state": "available"})
    assert zones["names"][:2] == ["us-east-1a", "us-east-1b"]
    others = invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"excludeNames": ["us-east-1a"]})
    assert others["names"] == zones["names"][1:]
    others = invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"excludeZoneIds": ["use1-az1"]})
    assert others["zoneIds"] == zones["zoneIds"][1:]
    for name, value, found in (
        ("opt-in-status", "opt-in-not-required", zones["names"]),
        ("opt-in-status", "opted-in", []),
        ("zone-type", "availability-zone", zones["names"]),
        ("zone-type", "local-zone", []),
        ("zone-id", "use1-az1", zones["names"][:1]),
    ):
        filters = {"filters": [{"name": name, "values": [value]}]}
        assert invoke("aws:index/getAvailabilityZones:getAvailabilityZones", filters)["names"] == found
    with pytest.raises(CheckFailed, match=r"filters by opt-in-status, .*not by 'region-name'"):
        invoke(
            "aws:index/getAvailabilityZones:getAvailabilityZones",
            {"filters": [{"name": "region-name", "values": [""]}]},
        )


def test_the_gateways_account_lists_its_throttle_as_pulumis_class_wants_it(world: Any) -> None:
    made = world.make("aws:apigateway/account:Account")
    assert [sorted(limit) for limit in made["throttleSettings"]] == [["burstLimit", "rateLimit"]]
