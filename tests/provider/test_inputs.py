"""What the provider says of inputs before anything is created, and of two sets of inputs."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pytest

from local_cloud.engine.provider import UNKNOWN, CheckFailed
from local_cloud.provider import AwsProvider, DatabaseServer
from local_cloud.provider.types.observability import metric_query
from tests.plain_emulator import KEY

QUEUE = "aws:sqs/queue:Queue"
FUNCTION = "aws:lambda/function:Function"
RULE = "aws:cloudwatch/eventRule:EventRule"
URN = "urn:pulumi:local::leadbridge::{}::dead-letters"

# Nothing listens there: a check needs no cloud.
PROVIDER = AwsProvider("http://127.0.0.1:1", KEY)


def check(type_: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> dict[str, Any]:
    return PROVIDER.check(type_, URN.format(type_), old, new)


def test_a_resource_without_a_name_gets_its_logical_name_and_seven_digits() -> None:
    assert re.fullmatch(r"dead-letters-[0-9a-f]{7}", check(QUEUE, {})["name"])


def test_an_automatic_name_is_kept_from_the_old_inputs() -> None:
    old = check(QUEUE, {})
    assert check(QUEUE, {"delaySeconds": 1}, old)["name"] == old["name"]


def test_a_fifo_queue_gets_the_ending_that_aws_asks_for() -> None:
    assert re.fullmatch(r"dead-letters-[0-9a-f]{7}\.fifo", check(QUEUE, {"fifoQueue": True})["name"])


def test_an_automatic_name_fits_the_limit_of_aws() -> None:
    name = PROVIDER.check(QUEUE, "urn:pulumi:local::leadbridge::t::" + "q" * 200, None, {})["name"]
    assert len(name) == 80


def test_a_chosen_name_that_is_too_long_for_aws_is_refused() -> None:
    with pytest.raises(CheckFailed, match=r"name 'f+' has 65 characters, and AWS takes 64"):
        check(FUNCTION, {"name": "f" * 65})


def test_an_unknown_input_is_refused_by_its_name_with_a_remedy() -> None:
    with pytest.raises(
        CheckFailed, match=r"dead-letters \(aws:sqs/queue:Queue\).*'delaySecond'.*mean 'delaySeconds'"
    ):
        check(QUEUE, {"delaySecond": 1})


def test_an_unknown_name_inside_an_input_is_refused_too() -> None:
    with pytest.raises(CheckFailed, match=r"dead-letters .*'subnets'.*SubnetIds"):
        check(FUNCTION, {"vpcConfig": {"subnets": ["subnet-1"]}})


def test_names_that_the_program_chose_inside_a_mapping_are_left_alone() -> None:
    given = {"environment": {"variables": {"anything": "goes"}}}
    assert check(FUNCTION, given)["environment"] == given["environment"]


def test_an_unknown_type_is_refused_with_the_place_to_declare_it() -> None:
    with pytest.raises(CheckFailed, match=r"'aws:s3/bucket:Bucket'.*local_cloud/provider/types"):
        check("aws:s3/bucket:Bucket", {})


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(CheckFailed, match=r"aws:ssm/getParameter:getParameter.*invokes\.py"):
        PROVIDER.invoke("aws:ssm/getParameter:getParameter", {})


def test_another_region_is_refused() -> None:
    with pytest.raises(CheckFailed, match=r"region is 'eu-west-1', and this local cloud is 'us-east-1'"):
        check(QUEUE, {"region": "eu-west-1"})


def test_a_document_that_is_not_json_is_refused() -> None:
    with pytest.raises(CheckFailed, match=r"eventPattern must be a JSON document"):
        check(RULE, {"eventPattern": "source: a"})


def test_unknown_values_pass_in_a_preview() -> None:
    given = {"eventBusName": UNKNOWN, "eventPattern": UNKNOWN}
    checked = check(RULE, given)
    assert checked["eventBusName"] is UNKNOWN
    assert check(FUNCTION, {"environment": {"variables": {"url": UNKNOWN}}, "code": UNKNOWN})
    assert check("aws:apigateway/restApi:RestApi", {"body": UNKNOWN})
    assert check("aws:apigateway/usagePlan:UsagePlan", {"apiStages": [{"apiId": UNKNOWN, "throttles": UNKNOWN}]})
    assert check("aws:iam/role:Role", {"assumeRolePolicy": {"Statement": [{"Resource": UNKNOWN}]}})


def diff(type_: str, old: dict[str, Any], new: dict[str, Any]) -> Any:
    checked = check(type_, old)
    return PROVIDER.diff(type_, checked, {}, check(type_, new, checked))


def test_equal_inputs_have_no_diff() -> None:
    assert diff(QUEUE, {"delaySeconds": 1}, {"delaySeconds": 1.0, "policy": None}).changed == ()


def test_documents_are_compared_by_content() -> None:
    assert diff(RULE, {"eventPattern": '{"source":["a"]}'}, {"eventPattern": '{ "source": ["a"] }'}).changed == ()
    assert diff(RULE, {"eventPattern": '{"source":["a"]}'}, {"eventPattern": '{"source":["b"]}'}).changed == (
        "eventPattern",
    )


def test_true_and_one_differ() -> None:
    assert diff(QUEUE, {"tags": {"a": True}}, {"tags": {"a": 1}}).changed == ("tags",)


def test_an_unknown_value_counts_as_a_change() -> None:
    assert diff(RULE, {"eventPattern": "{}"}, {"eventPattern": UNKNOWN}).changed == ("eventPattern",)


def test_a_change_that_needs_a_new_resource_says_so() -> None:
    found = diff(RULE, {"eventBusName": "a", "state": "ENABLED"}, {"eventBusName": "b", "state": "DISABLED"})
    assert found.changed == ("eventBusName", "state")
    assert found.replace == ("eventBusName",)


def test_a_replacement_with_a_chosen_name_deletes_first() -> None:
    assert diff(QUEUE, {"name": "q"}, {"name": "q", "fifoQueue": True}).delete_before_replace


def test_a_replacement_under_another_name_is_made_before_the_old_one_goes() -> None:
    found = diff(QUEUE, {"name": "q"}, {"name": "r"})
    assert found.replace == ("name",)
    assert not found.delete_before_replace


def test_a_replacement_with_an_automatic_name_is_made_before_the_old_one_goes() -> None:
    found = diff(QUEUE, {}, {"fifoQueue": True})
    assert found.replace == ("fifoQueue",)
    assert not found.delete_before_replace


def test_a_new_deployment_is_made_before_the_old_one_goes() -> None:
    found = diff(
        "aws:apigateway/deployment:Deployment",
        {"restApi": "a", "triggers": {"body": "1"}},
        {"restApi": "a", "triggers": {"body": "2"}},
    )
    assert found.replace == ("triggers",)
    assert not found.delete_before_replace


def code(text: str, hash_: str | None = None) -> pulumi.AssetArchive:
    archive = pulumi.AssetArchive({"index.py": pulumi.StringAsset(text)})
    if hash_:
        archive.hash = hash_  # type: ignore[attr-defined]
    return archive


def test_archives_are_compared_by_content() -> None:
    assert diff(FUNCTION, {"code": code("a")}, {"code": code("a")}).changed == ()
    assert diff(FUNCTION, {"code": code("a")}, {"code": code("b")}).changed == ("code",)


def test_archives_are_compared_by_their_hashes_where_both_have_one() -> None:
    class HashOnly(pulumi.Archive):
        hash = "1"

    provider_diff = PROVIDER.diff(FUNCTION, {"code": HashOnly()}, {}, {"code": code("a", "1")})
    assert provider_diff.changed == ()
    assert PROVIDER.diff(FUNCTION, {"code": HashOnly()}, {}, {"code": code("a", "2")}).changed == ("code",)
    assert PROVIDER.diff(FUNCTION, {"code": HashOnly()}, {}, {"code": code("a")}).changed == ("code",)


def test_archives_of_which_nothing_is_known_count_as_changed() -> None:
    class Unreadable(pulumi.Archive):
        pass

    assert PROVIDER.diff(FUNCTION, {"code": Unreadable()}, {}, {"code": Unreadable()}).changed == ("code",)


def test_a_replaced_invocation_invokes_anew_and_a_crud_one_is_updated() -> None:
    type_ = "aws:lambda/invocation:Invocation"
    old = {"functionName": "f", "input": "{}"}
    assert diff(type_, old, {**old, "input": '{"a": 1}'}).replace == ("input",)
    crud = {**old, "lifecycleScope": "CRUD"}
    assert diff(type_, crud, {**crud, "input": '{"a": 1}'}).replace == ()


def test_an_empty_archive_is_refused() -> None:
    with pytest.raises(CheckFailed, match="archive is empty"):
        check(FUNCTION, {"code": pulumi.AssetArchive({})})


def test_a_database_server_does_not_show_its_password() -> None:
    server = DatabaseServer(host="h", port=1, user="u", password="open sesame")
    assert "open sesame" not in repr(server)


def test_api_keys_and_secret_values_are_always_secret() -> None:
    assert PROVIDER.secret_outputs("aws:apigateway/apiKey:ApiKey") == {"value"}
    assert "secretString" in PROVIDER.secret_outputs("aws:secretsmanager/secretVersion:SecretVersion")
    assert PROVIDER.secret_outputs(QUEUE) == frozenset()


def test_a_metric_query_becomes_the_nested_form_of_cloudwatch() -> None:
    query = {"id": "m", "metric": {"metricName": "Errors", "namespace": "N", "period": 60, "stat": "Sum"}}
    assert metric_query(query) == {
        "id": "m",
        "metricStat": {
            "period": 60,
            "stat": "Sum",
            "unit": None,
            "metric": {"namespace": "N", "metricName": "Errors", "dimensions": None},
        },
    }
    assert metric_query({"id": "e", "expression": "m * 2"}) == {"id": "e", "expression": "m * 2"}
