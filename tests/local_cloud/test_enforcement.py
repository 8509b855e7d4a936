"""A function has the rights of its role: the emulator asks its policies at every call."""

from tests.local_cloud.lab import Lab


def test_a_function_may_do_what_its_role_says_and_nothing_else(lab: Lab) -> None:
    source = (
        "import boto3, botocore.exceptions as e, os\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        boto3.client('sqs').get_queue_attributes(QueueUrl=event)\n"
        "        return 'allowed'\n"
        "    except e.ClientError as error:\n"
        "        return error.response['Error']['Code']\n"
    )
    urls = [lab.client("sqs").create_queue(QueueName=f"rights-{number}")["QueueUrl"] for number in (1, 2)]
    name = lab.function(source)
    assert lab.call(name, urls[0]) == "AccessDenied"
    lab.allow(name, "sqs:GetQueueAttributes", "arn:aws:sqs:us-east-1:000000000000:rights-1")
    assert [lab.call(name, url) for url in urls] == ["allowed", "AccessDenied"], "at once, without a new function"


def test_a_function_can_not_take_the_rights_of_another(lab: Lab) -> None:
    source = (
        "import boto3, botocore.exceptions as e\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        return boto3.client('sts').assume_role(RoleArn=event, RoleSessionName='other')['Credentials']\n"
        "    except e.ClientError as error:\n"
        "        return error.response['Error']['Code']\n"
    )
    name, other = lab.function(source), lab.function(source)
    assert lab.call(name, f"arn:aws:iam::000000000000:role/{other}") == "AccessDenied"


def test_a_person_and_the_deployment_may_do_everything(lab: Lab) -> None:
    assert lab.client("iam").list_roles()["ResponseMetadata"]["HTTPStatusCode"] == 200
