"""Where a document leaves something open, each with its reason. Tests find what is missing and what is stale."""

from tests.security.roles import FLOW_TRACES, FUNCTION_NETWORK, LOG_DELIVERY

# action -> why its resource can only be "*"
ANY_RESOURCE = {
    **dict.fromkeys(
        FUNCTION_NETWORK,
        "Lambda makes and finds interfaces that don't exist yet; the function's own code is denied these",
    ),
    **dict.fromkeys(
        LOG_DELIVERY,
        "CloudWatch Logs defines no resource for the delivery of logs, which Step Functions arranges",
    ),
    **dict.fromkeys(
        FLOW_TRACES, "X-Ray's traces and sampling are the account's, and it defines no resource for them"
    ),
}
# (action, the end of the resource from its wildcard on) -> why
PART_OF_A_RESOURCE = {
    ("logs:CreateLogStream", ":*"): "Lambda names a stream of the function's own group at each cold start",
    ("logs:PutLogEvents", ":*"): "Lambda names a stream of the function's own group at each cold start",
}
# A managed policy -> why the program writes none of its own
MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs": (
        "API Gateway tries the account's role out and refuses one with less"
    ),
}
# service that takes a role -> why the trust names no source
ANY_SOURCE = {
    "lambda.amazonaws.com": "AWS documents no source for it; iam:PassRole keeps a role within its account",
    "apigateway.amazonaws.com": "the role is the account's, for all its APIs; iam:PassRole keeps it within",
}
# (action, resource) of what belongs to the stack and says itself who may use it -> why so much
IN_RESOURCE_POLICIES = {
    ("kms:*", "*"): "the account's own roles, by their policies: without it nobody could manage the key",
    ("kms:GenerateDataKey*", "*"): "CloudWatch's alarms publish under the key; in a key's policy * is that key",
    ("kms:Decrypt", "*"): "CloudWatch's alarms publish under the key; in a key's policy * is that key",
}
# a function's permission, without the stack's prefix -> why anybody may call
PUBLIC = {
    "form-public-url": "the form is a public page",
    "form-public-invoke": "the form is a public page; only through its URL",
}
