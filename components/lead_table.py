"""The table that holds each lead's state in the flow; sparse indexes of the failed and the unfinished ones."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import iam

FAILED_INDEX = "failed"
UNFINISHED_INDEX = "unfinished"
RETENTION_DAYS = 90  # as the functions set `expiresAt`: a test holds the two together


@dataclass(frozen=True, kw_only=True)
class LeadTableArgs:
    """`protect`: refuse the table's deletion and replacement, as every stack with real leads should."""

    protect: bool


class LeadTable(pulumi.ComponentResource):
    """`fingerprint_key_arn`: of the key whose owner alone can tell which data a fingerprint in the table is of."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    fingerprint_key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: LeadTableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:leads:LeadTable", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        table = aws.dynamodb.Table(
            f"{name}-table",
            billing_mode="PAY_PER_REQUEST",
            hash_key="leadId",
            attributes=[
                {"name": "leadId", "type": "S"},
                {"name": "failed", "type": "S"},
                {"name": "updatedAt", "type": "S"},
                {"name": "unfinished", "type": "S"},
                {"name": "createdAt", "type": "S"},
            ],
            global_secondary_indexes=[
                {
                    "name": FAILED_INDEX,
                    "key_schemas": _keys("failed", "updatedAt"),
                    "projection_type": "ALL",
                },
                {
                    # its keys stay as they are from a lead's start to its end: two writes for each lead
                    "name": UNFINISHED_INDEX,
                    "key_schemas": _keys("unfinished", "createdAt"),
                    "projection_type": "KEYS_ONLY",
                },
            ],
            ttl={"attribute_name": "expiresAt", "enabled": True},
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True},
            deletion_protection_enabled=args.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        key = aws.kms.Key(
            f"{name}-fingerprint-key",
            description="Makes the fingerprints of leads",
            customer_master_key_spec="HMAC_256",
            key_usage="GENERATE_VERIFY_MAC",
            opts=child,
        )
        self.fingerprint_key_arn = key.arn
        self.name = table.name
        self.arn = table.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def statement(self, *actions: str) -> iam.Statement:
        """Rights on single items, such as "GetItem"."""
        return iam.allow([f"dynamodb:{action}" for action in actions], [self.arn])

    def fingerprint_statement(self) -> iam.Statement:
        """The right to ask for the fingerprint of a lead."""
        return iam.allow(["kms:GenerateMac"], [self.fingerprint_key_arn])

    def unfinished_statement(self) -> iam.Statement:
        """The right to ask for the oldest unfinished lead."""
        return iam.allow(["dynamodb:Query"], [pulumi.Output.concat(self.arn, "/index/", UNFINISHED_INDEX)])


def _keys(hash_key: str, range_key: str) -> list[aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgsDict]:
    return [
        {"attribute_name": hash_key, "key_type": "HASH"},
        {"attribute_name": range_key, "key_type": "RANGE"},
    ]
