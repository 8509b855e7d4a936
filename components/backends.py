"""The functions behind the CRM operations, and the migrations that bring the database up to date before them."""

import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import functions, iam, openapi
from components.archive import digest
from components.database import Database
from components.function import LambdaFunction
from components.functions import FunctionFactory
from components.network import Network

MIGRATIONS = "handlers/migrations"

# of the operations that the backends answer
TAG = "crm"
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def module_of(operation: str) -> str:
    """The module below handlers/backend that answers the operation: createClient is create_client."""
    return _WORD.sub("_", operation).lower()


@dataclass(frozen=True, kw_only=True)
class BackendsArgs:
    """`concurrency`: how many of each function run at once, and so how many connections it holds.

    `protect`: no row is ever removed, not even one that contract tests wrote. `link`: what leads to a database
    outside the VPC.
    """

    factory: FunctionFactory
    database: Database
    network: Network
    concurrency: int
    protect: bool
    link: pulumi.Resource | None = None


class Backends(pulumi.ComponentResource):
    """`functions`: operationId -> function. `migrations`: what keeps the schema, and what it answered."""

    functions: dict[str, LambdaFunction]
    migrations: LambdaFunction
    schema_version: pulumi.Output[str]

    def __init__(self, name: str, args: BackendsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("leadbridge:api:Backends", name, None, opts)
        document = args.factory.document
        modules = {operation: module_of(operation) for operation in openapi.operations(document, TAG)}
        names = {operation: f"{name}-{module.replace('_', '-')}" for operation, module in modules.items()}
        self.migrations = self._migrations(name, args)
        endpoint = args.network.secrets_endpoint(_endpoint_statements(name, list(names.values()), args.database))
        migration = self._migrate(name, args, endpoint)
        self.functions = {
            operation: LambdaFunction(
                names[operation],
                args.factory.args(
                    f"backend.{module}",
                    description=f"The API's operation {operation}",
                    timeout=functions.BACKEND_TIMEOUT,
                    schemas=openapi.request_schemas(document, operation),
                    packages=["pymysql"],
                    texts=args.database.texts(),
                    environment=args.database.environment(),
                    statements=[args.database.read_app_secret_statement()],
                    vpc=args.network.placement(),
                    reserved_concurrency=args.concurrency,
                ),
                # new code may need the new schema
                opts=pulumi.ResourceOptions(parent=self, depends_on=[migration]),
            )
            for operation, module in modules.items()
        }
        self.schema_version = migration.result
        self.register_outputs({"schema_version": self.schema_version})

    def _migrations(self, name: str, args: BackendsArgs) -> LambdaFunction:
        database = args.database
        return LambdaFunction(
            f"{name}-migrations",
            args.factory.args(
                "migrations.apply",
                description="Brings the database's schema and user up to date; the deployment invokes it",
                timeout=functions.MIGRATION_TIMEOUT,
                packages=["pymysql"],
                data=[f"{MIGRATIONS}/versions"],
                texts=database.texts(),
                environment={
                    **database.environment(),
                    "DATABASE_OWNER_SECRET_ARN": database.owner_secret_arn,
                    "TEST_ROWS": "protected" if args.protect else "removable",
                },
                statements=database.migration_statements(),
                vpc=args.network.placement(),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _migrate(self, name: str, args: BackendsArgs, endpoint: pulumi.Resource) -> aws.lambda_.Invocation:
        database = args.database
        return aws.lambda_.Invocation(
            f"{name}-migrate",
            function_name=self.migrations.name,
            input="{}",
            triggers={
                "migrations": digest(args.factory.root / MIGRATIONS),
                "database": database.host,
                "secret": database.app_secret_arn,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[endpoint, *([args.link] if args.link else [])]),
        )


def _endpoint_statements(name: str, backends: list[str], database: Database) -> list[iam.Statement]:
    """What may pass the endpoint: what the functions may do anyhow, and for their roles alone.

    The roles are named by their functions, not by their ARNs: the endpoint must know a new secret before the
    migrations run, and the backends' roles come after them.
    """

    def roles(names: list[str]) -> list[pulumi.Output[str]]:
        return [iam.roles_of(database.app_secret_arn, each) for each in names]

    return [
        iam.for_roles(database.read_app_secret_statement(), roles(backends)),
        *(iam.for_roles(each, roles([f"{name}-migrations"])) for each in database.migration_statements()),
    ]
