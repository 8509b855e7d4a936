"""Deliberate faults, each caught by the judge that is named for it."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.components.graph import FUNCTION, METHOD_SETTINGS, ROLE, ROLE_POLICY, RULE, STATE_MACHINE, TARGET, Graph
from tests.judges import cloudformation, service_models
from tests.judges.cloudformation_types import PARTS

Inputs = dict[str, Any]
Change = Mapping[str, Any] | Callable[[Inputs], Inputs]

QUEUE, TABLE, INSTANCE = "aws:sqs/queue:Queue", "aws:dynamodb/table:Table", "aws:rds/instance:Instance"
ALARM, LOG_GROUP, ARCHIVE = (
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/eventArchive:EventArchive",
)
CFN_LINT, SERVICE_MODELS = cloudformation.problems, service_models.problems


def state(name: str, **changes: Any) -> Callable[[Inputs], Inputs]:
    """One state of the definition, changed; None takes a field away."""

    def change(inputs: Inputs) -> Inputs:
        definition = json.loads(inputs["definition"])
        fields = {**definition["States"][name], **changes}
        definition["States"][name] = {key: value for key, value in fields.items() if value is not None}
        return {**inputs, "definition": json.dumps(definition)}

    return change


def retry(**changes: Any) -> Callable[[Inputs], Inputs]:
    def change(inputs: Inputs) -> Inputs:
        retrier = json.loads(inputs["definition"])["States"]["CreateClient"]["Retry"][0]
        return state("CreateClient", Retry=[{**retrier, **changes}])(inputs)

    return change


def statement(**changes: Any) -> Callable[[Inputs], Inputs]:
    """The first statement of a policy, changed."""

    def change(inputs: Inputs) -> Inputs:
        policy = json.loads(inputs["policy"])
        policy["Statement"][0] |= changes
        return {**inputs, "policy": json.dumps(policy)}

    return change


def gateway_response(type_: str) -> Callable[[Inputs], Inputs]:
    """The answer to a throttled call under another name."""
    return lambda inputs: {**inputs, "body": inputs["body"].replace('"THROTTLED"', f'"{type_}"')}


FAULTS: list[tuple[Callable[[Graph], Any], str, Change, str]] = [
    # cfn-lint: (type, what is wrong with one of them, a word of the complaint)
    (CFN_LINT, FUNCTION, {"runtime": "python2.7"}, "Runtime"),
    (CFN_LINT, FUNCTION, {"memorySize": 64}, "MemorySize"),
    (CFN_LINT, FUNCTION, {"timeout": 901}, "Timeout"),
    (CFN_LINT, FUNCTION, {"architectures": ["arm32"]}, "Architectures"),
    (CFN_LINT, FUNCTION, {"tracingConfig": {"mode": "On"}}, "TracingConfig"),
    (CFN_LINT, INSTANCE, {"instanceClass": "db.t9.huge"}, "DBInstanceClass"),
    (CFN_LINT, INSTANCE, {"engine": "mariadbs"}, "Engine"),
    (CFN_LINT, INSTANCE, {"backupRetentionPeriod": 36}, "BackupRetentionPeriod"),
    (CFN_LINT, INSTANCE, {"engineVersion": "10.99"}, "EngineVersion"),
    (CFN_LINT, TABLE, {"billingMode": "FREE"}, "BillingMode"),
    (CFN_LINT, TABLE, {"attributes": [{"name": "leadId", "type": "S"}]}, "KeySchema"),
    (CFN_LINT, QUEUE, {"messageRetentionSeconds": 1_209_601}, "MessageRetentionPeriod"),
    (CFN_LINT, QUEUE, {"visibilityTimeoutSeconds": 43_201}, "VisibilityTimeout"),
    (CFN_LINT, LOG_GROUP, {"retentionInDays": 31}, "RetentionInDays"),
    (CFN_LINT, ALARM, {"treatMissingData": "silent"}, "TreatMissingData"),
    (CFN_LINT, ALARM, {"comparisonOperator": "Greater"}, "ComparisonOperator"),
    (CFN_LINT, ALARM, {"period": 45}, "Period"),
    (CFN_LINT, ROLE_POLICY, statement(Effect="Permit"), "Effect"),
    (CFN_LINT, ROLE_POLICY, statement(Action=["dynamo:PutItem"]), "Action"),
    (CFN_LINT, ROLE, {"assumeRolePolicy": json.dumps({"Version": "2012-10-17"})}, "Statement"),
    (
        CFN_LINT,
        TARGET,
        {"retryPolicy": {"maximumRetryAttempts": 186, "maximumEventAgeInSeconds": 60}},
        "RetryPolicy",
    ),
    (CFN_LINT, RULE, {"eventPattern": "{}", "scheduleExpression": "each minute"}, "ScheduleExpression"),
    (CFN_LINT, "aws:ec2/subnet:Subnet", {"cidrBlock": "10.20.0.0/33"}, "CidrBlock"),
    (CFN_LINT, STATE_MACHINE, state("CreateClient", TimeoutSeconds=0), "TimeoutSeconds"),
    (CFN_LINT, STATE_MACHINE, state("CreateClient", Paramters={}), "Paramters"),
    # the provider, by botocore's service models
    (SERVICE_MODELS, FUNCTION, {"description": "x" * 257}, "Description: 257 characters is above 256"),
    (SERVICE_MODELS, FUNCTION, {"name": "lead bridge"}, "FunctionName"),
    (SERVICE_MODELS, FUNCTION, {"handler": "a b"}, "Handler"),
    (SERVICE_MODELS, FUNCTION, {"loggingConfig": {"logFormat": "XML"}}, "LogFormat"),
    (SERVICE_MODELS, ROLE, {"name": "a role"}, "RoleName"),
    (SERVICE_MODELS, ROLE, {"description": "\u4e00"}, "Description"),
    (SERVICE_MODELS, RULE, {"description": "x" * 513}, "Description"),
    (SERVICE_MODELS, RULE, {"state": "ON"}, "State"),
    (SERVICE_MODELS, TARGET, {"targetId": "the target"}, "Id"),
    (SERVICE_MODELS, TARGET, {"retryPolicy": {"maximumEventAgeInSeconds": 59}}, "MaximumEventAgeInSeconds"),
    (SERVICE_MODELS, ARCHIVE, {"name": "leads and more"}, "ArchiveName"),
    (SERVICE_MODELS, ARCHIVE, {"retentionDays": -1}, "RetentionDays"),
    (SERVICE_MODELS, ALARM, {"comparisonOperator": "Greater"}, "ComparisonOperator"),
    (SERVICE_MODELS, ALARM, {"evaluationPeriods": 0}, "EvaluationPeriods"),
    (SERVICE_MODELS, TABLE, {"billingMode": "FREE"}, "BillingMode"),
    (SERVICE_MODELS, LOG_GROUP, {"name": "/aws/lambda/lead bridge"}, "logGroupName"),
    (SERVICE_MODELS, "aws:apigateway/restApi:RestApi", gateway_response("THROTTLE"), "responseType"),
    # the provider, by the grammar of the states language and by what the service models don't say
    (SERVICE_MODELS, STATE_MACHINE, state("ReceiveLead", Next="Nowhere"), "no state 'Nowhere'"),
    (SERVICE_MODELS, STATE_MACHINE, state("IsNew", Default="Nowhere"), "no state 'Nowhere'"),
    (SERVICE_MODELS, STATE_MACHINE, state("CreateBenefit", End=None), "either Next or End"),
    (SERVICE_MODELS, STATE_MACHINE, state("Failed", Cause="{% $failure. %}"), "is not JSONata"),
    (SERVICE_MODELS, STATE_MACHINE, state("CreateClient", Output="{% $states.( %}"), "is not JSONata"),
    (SERVICE_MODELS, STATE_MACHINE, state("CreateClient", ResultPath="$.x"), "States Language"),
    (SERVICE_MODELS, STATE_MACHINE, retry(BackoffRate=0.5), "BackoffRate"),
    (SERVICE_MODELS, STATE_MACHINE, retry(JitterStrategy="SOME"), "SOME"),
    (SERVICE_MODELS, STATE_MACHINE, retry(MaxDelaySeconds=0), "MaxDelaySeconds"),
    (SERVICE_MODELS, METHOD_SETTINGS, {"methodPath": "leads/POST"}, "~1leads/POST"),
    (SERVICE_MODELS, METHOD_SETTINGS, {"methodPath": "~1clients/{rut}/GET"}, "names no method"),
]


def fault_id(fault: tuple[Callable[[Graph], Any], str, Change, str]) -> str:
    judge, type_, _, word = fault
    return f"{judge.__module__.rpartition('.')[2]}-{type_.rpartition(':')[2]}-{word.split()[0]}"


@pytest.mark.parametrize("fault", FAULTS, ids=fault_id)
def test_judge_catches_fault(fault: tuple[Callable[[Graph], Any], str, Change, str], prod: Graph) -> None:
    judge, type_, change, word = fault
    victim = prod.of(type_)[0]
    before = copy.copy(prod)
    # the victim and what CloudFormation writes it into: a whole graph takes seconds
    hosts = [each for each in prod.resources if type_ in PARTS and each.type == PARTS[type_].type]
    before.resources = [victim, *hosts]
    after = copy.copy(before)
    after.resources = [changed(victim, change), *hosts]
    noticed = {*judge(after)} - {*judge(before)}
    assert any(word in problem for problem in noticed), f"not among {noticed}"


def changed(resource: Any, change: Change) -> Any:
    inputs = change(resource.inputs) if callable(change) else {**resource.inputs, **change}
    outputs = {**resource.outputs, **({"name": inputs["name"]} if "name" in inputs else {})}
    return replace(resource, inputs=inputs, outputs=outputs)


def test_every_judge_is_seen_to_catch() -> None:
    assert {judge for judge, *_ in FAULTS} == {CFN_LINT, SERVICE_MODELS}
