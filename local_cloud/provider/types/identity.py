"""IAM roles and their policies."""

from local_cloud.provider.resource import AutoName, Call, Resource, Tagging, names, same

ROLE = Resource(
    type="aws:iam/role:Role",
    service="iam",
    name=AutoName(limit=64),
    inputs={
        **same("description path maxSessionDuration permissionsBoundary"),
        "name": "RoleName",
        "assumeRolePolicy": "AssumeRolePolicyDocument",
    },
    key={"RoleName": "name"},
    create="create_role",
    update=(
        "update_role",
        Call(operation="update_assume_role_policy", inputs={"assumeRolePolicy": "PolicyDocument"}),
    ),
    read="get_role",
    delete="delete_role",
    tagging=Tagging(tag="tag_role", untag="untag_role", key={"RoleName": "name"}),
    found="Role",
    outputs={"arn": "Arn", "uniqueId": "RoleId", "createDate": "CreateDate"},
    id="{name}",
    documents=names("assumeRolePolicy"),
    replace=names("name path permissionsBoundary"),
    resets={"description": "", "maxSessionDuration": 3600},
    not_sent={"forceDetachPolicies": "attachments are resources of their own, deleted first"},
)

ROLE_POLICY = Resource(
    type="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    name=AutoName(limit=128),
    inputs={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
    key={"RoleName": "role", "PolicyName": "name"},
    create="put_role_policy",
    exists="get_role_policy",
    update=("put_role_policy",),
    read="get_role_policy",
    delete="delete_role_policy",
    id="{role}:{name}",
    documents=names("policy"),
    replace=names("role name"),
    identity=("role", "name"),
)

ROLE_POLICY_ATTACHMENT = Resource(
    type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    inputs={"role": "RoleName", "policyArn": "PolicyArn"},
    key={"RoleName": "role", "PolicyArn": "policyArn"},
    create="attach_role_policy",
    read="list_attached_role_policies",
    delete="detach_role_policy",
    found="AttachedPolicies[?PolicyArn=='{policyArn}'] | [0]",
    id="{role}/{policyArn}",
    replace=names("role policyArn"),
    identity=("role", "policyArn"),
)

RESOURCES = (ROLE, ROLE_POLICY, ROLE_POLICY_ATTACHMENT)
