"""How the stack's functions are made: from the name of a module below `handlers`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components import iam, openapi
from components.archive import code_archive
from components.function import LambdaFunctionArgs, VpcPlacement

CONTRACT_FILE = "handlers/contract.json"
VALIDATOR_PACKAGE = "fastjsonschema"

# Seconds, each below its caller's: the database's statement (5) < backend < the step's HTTP call (10) < step
# < the state's task (60); backend and intake < the gateway's integration (29).
BACKEND_TIMEOUT = 9
INTAKE_TIMEOUT = 20
STEP_TIMEOUT = 30
MIGRATION_TIMEOUT = 120


@dataclass(frozen=True, kw_only=True)
class FunctionFactory:
    """What all functions share: the repository, the contract, how long logs are kept."""

    root: Path
    document: openapi.Document
    log_retention_days: int

    def args(
        self,
        module: str,
        *,
        description: str,
        timeout: int,
        schemas: Sequence[str] = (),
        packages: Sequence[str] = (),
        data: Sequence[str] = (),
        texts: Mapping[str, str] | None = None,
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        statements: Sequence[iam.Statement] = (),
        vpc: VpcPlacement | None = None,
        reserved_concurrency: int | None = None,
    ) -> LambdaFunctionArgs:
        """`schemas`: those of the contract that the function checks by; they bring the validator along."""
        handler = f"handlers.{module}.handler"
        files = dict(texts or {})
        if schemas:
            files[CONTRACT_FILE] = json.dumps(openapi.bundle(self.document, schemas), sort_keys=True)
        vendored = [*packages, *([VALIDATOR_PACKAGE] if schemas else [])]
        return LambdaFunctionArgs(
            handler=handler,
            code=code_archive(self.root, handler, packages=vendored, data=data, texts=files),
            description=description,
            timeout=timeout,
            log_retention_days=self.log_retention_days,
            environment=environment or {},
            statements=statements,
            vpc=vpc,
            reserved_concurrency=reserved_concurrency,
        )
