"""SQS queues and SNS topics, with their policies and subscriptions."""

from local_cloud.provider.resource import AutoName, Call, Resource, Setting, Tagging, names

ATTRIBUTES = {
    "contentBasedDeduplication": "Attributes.ContentBasedDeduplication",
    "deduplicationScope": "Attributes.DeduplicationScope",
    "delaySeconds": "Attributes.DelaySeconds",
    "fifoThroughputLimit": "Attributes.FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "Attributes.KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "Attributes.KmsMasterKeyId",
    "maxMessageSize": "Attributes.MaximumMessageSize",
    "messageRetentionSeconds": "Attributes.MessageRetentionPeriod",
    "policy": "Attributes.Policy",
    "receiveWaitTimeSeconds": "Attributes.ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "Attributes.RedriveAllowPolicy",
    "redrivePolicy": "Attributes.RedrivePolicy",
    "sqsManagedSseEnabled": "Attributes.SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "Attributes.VisibilityTimeout",
}

QUEUE = Resource(
    type="aws:sqs/queue:Queue",
    service="sqs",
    name=AutoName(limit=80, suffix=lambda inputs: ".fifo" if inputs.get("fifoQueue") else ""),
    inputs={**ATTRIBUTES, "name": "QueueName", "fifoQueue": "Attributes.FifoQueue"},
    key={"QueueUrl": "url"},
    create="create_queue",
    exists=Call(operation="get_queue_url", key={"QueueName": "name"}),
    update=(Call(operation="set_queue_attributes", inputs=ATTRIBUTES),),
    read=Call(operation="get_queue_attributes", constants={"AttributeNames": ["QueueArn"]}),
    delete="delete_queue",
    tagging=Tagging(tag="tag_queue", untag="untag_queue", key={"QueueUrl": "url"}),
    found="Attributes",
    created={"url": "QueueUrl"},
    outputs={"arn": "QueueArn"},
    id="{url}",
    documents=names("policy redrivePolicy redriveAllowPolicy"),
    replace=names("name fifoQueue"),
    resets={
        "contentBasedDeduplication": False,
        "delaySeconds": 0,
        "kmsMasterKeyId": "",
        "maxMessageSize": 262144,
        "messageRetentionSeconds": 345600,
        "policy": "",
        "receiveWaitTimeSeconds": 0,
        "redriveAllowPolicy": "",
        "redrivePolicy": "",
        "visibilityTimeoutSeconds": 30,
    },
)

QUEUE_POLICY = Resource(
    type="aws:sqs/queuePolicy:QueuePolicy",
    service="sqs",
    inputs={"queueUrl": "QueueUrl", "policy": "Attributes.Policy"},
    key={"QueueUrl": "queueUrl"},
    create="set_queue_attributes",
    update=("set_queue_attributes",),
    read=Call(operation="get_queue_attributes", constants={"AttributeNames": ["Policy"]}),
    delete=Call(operation="set_queue_attributes", constants={"Attributes": {"Policy": ""}}),
    found="Attributes.Policy",
    id="{queueUrl}",
    documents=names("policy"),
    replace=names("queueUrl"),
    identity=("queueUrl",),
)


def attribute(operation: str, name: str, default: str = "") -> Setting:
    """SNS sets one attribute at a time."""
    parameter = name[0].upper() + name[1:]
    put = Call(operation=operation, constants={"AttributeName": parameter})
    return Setting(put=put, inputs={name: "AttributeValue"}, default=default)


TOPIC_ARN = "arn:aws:sns:{region}:{account}:{name}"

TOPIC = Resource(
    type="aws:sns/topic:Topic",
    service="sns",
    name=AutoName(limit=256, suffix=lambda inputs: ".fifo" if inputs.get("fifoTopic") else ""),
    inputs={
        "name": "Name",
        "fifoTopic": "Attributes.FifoTopic",
        "contentBasedDeduplication": "Attributes.ContentBasedDeduplication",
    },
    key={"TopicArn": "arn"},
    create="create_topic",
    exists=Call(operation="get_topic_attributes", key={"TopicArn": TOPIC_ARN}),
    read="get_topic_attributes",
    delete="delete_topic",
    settings=tuple(
        attribute("set_topic_attributes", name)
        for name in (
            "displayName",
            "policy",
            "deliveryPolicy",
            "kmsMasterKeyId",
            "signatureVersion",
            "tracingConfig",
        )
    ),
    tagging=Tagging(tag="tag_resource", untag="untag_resource", key={"ResourceArn": "arn"}),
    found="Attributes",
    created={"arn": "TopicArn"},
    outputs={"owner": "Owner"},
    id="{arn}",
    documents=names("policy deliveryPolicy"),
    replace=names("name fifoTopic contentBasedDeduplication"),
)

TOPIC_POLICY = Resource(
    type="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    inputs={"arn": "TopicArn", "policy": "AttributeValue"},
    key={"TopicArn": "arn"},
    create=Call(operation="set_topic_attributes", constants={"AttributeName": "Policy"}),
    update=(Call(operation="set_topic_attributes", constants={"AttributeName": "Policy"}),),
    read="get_topic_attributes",
    delete=Call(
        operation="set_topic_attributes",
        inputs={},
        constants={"AttributeName": "Policy", "AttributeValue": ""},
    ),
    found="Attributes.Policy && Attributes",
    outputs={"owner": "Owner"},
    id="{arn}",
    documents=names("policy"),
    replace=names("arn"),
    identity=("arn",),
)

TOPIC_SUBSCRIPTION = Resource(
    type="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    inputs={"topic": "TopicArn", "protocol": "Protocol", "endpoint": "Endpoint"},
    key={"SubscriptionArn": "arn"},
    create=Call(operation="subscribe", constants={"ReturnSubscriptionArn": True}),
    read="get_subscription_attributes",
    delete="unsubscribe",
    settings=tuple(
        attribute("set_subscription_attributes", name, default)
        for name, default in (
            ("rawMessageDelivery", "false"),
            ("filterPolicy", "{}"),
            ("filterPolicyScope", "MessageAttributes"),
            ("redrivePolicy", ""),
            ("deliveryPolicy", ""),
            ("subscriptionRoleArn", ""),
        )
    ),
    found="Attributes",
    created={"arn": "SubscriptionArn"},
    outputs={
        "ownerId": "Owner",
        "pendingConfirmation": "PendingConfirmation == 'true'",
        "confirmationWasAuthenticated": "ConfirmationWasAuthenticated == 'true'",
    },
    id="{arn}",
    documents=names("filterPolicy redrivePolicy deliveryPolicy"),
    replace=names("topic protocol endpoint"),
    not_sent={
        "confirmationTimeoutInMinutes": "nothing waits for a confirmation",
        "endpointAutoConfirms": "nothing waits for a confirmation",
    },
)

RESOURCES = (QUEUE, QUEUE_POLICY, TOPIC, TOPIC_POLICY, TOPIC_SUBSCRIPTION)
