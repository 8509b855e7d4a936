"""Step Functions."""

from typing import Any

from local_cloud.engine.provider import CheckFailed, Properties
from local_cloud.provider.resource import AutoName, Call, Resource, Tagging, To, names, same
from local_cloud.provider.states_language import problems


def logging_configuration(value: dict[str, Any]) -> dict[str, Any]:
    rest = {name: item for name, item in value.items() if name != "logDestination"}
    arn = value.get("logDestination")
    return {**rest, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}] if arn else None}


def check_definition(inputs: Properties) -> None:
    definition = inputs.get("definition")
    if isinstance(definition, str) and (found := list(problems(definition))):
        raise CheckFailed(f"Step Functions would refuse the definition: {'; '.join(found)}")


STATE_MACHINE = Resource(
    type="aws:sfn/stateMachine:StateMachine",
    service="stepfunctions",
    name=AutoName(limit=80),
    inputs={
        **same("name roleArn definition type tracingConfiguration publish"),
        "loggingConfiguration": To(path="loggingConfiguration", convert=logging_configuration),
    },
    key={"stateMachineArn": "arn"},
    create="create_state_machine",
    exists=Call(
        operation="describe_state_machine",
        key={"stateMachineArn": "arn:aws:states:{region}:{account}:stateMachine:{name}"},
    ),
    update=("update_state_machine",),
    read="describe_state_machine",
    delete="delete_state_machine",
    tagging=Tagging(tag="tag_resource", untag="untag_resource", key={"resourceArn": "arn"}),
    created={"arn": "stateMachineArn"},
    outputs={"creationDate": "creationDate", "status": "status", "revisionId": "revisionId"},
    id="{arn}",
    documents=names("definition"),
    replace=names("name type"),
    check=check_definition,
    resets={
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
    },
)

RESOURCES = (STATE_MACHINE,)
