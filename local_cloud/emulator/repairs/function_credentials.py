"""A function's temporary credentials are a secret.

MiniStack 1.5.33 computes them from the function's and its role's names, which everybody knows.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts

from local_cloud.emulator.repairs import replace


def apply() -> None:
    issued: dict[str, tuple[str, str]] = {}
    issuing = threading.Lock()

    def credentials(config: dict[str, Any]) -> dict[str, str]:
        account, _ = lambda_runtime._account_region_from_function_config(config)
        function, role = config.get("FunctionArn", ""), config.get("Role", "")
        # Only the id is still MiniStack's: the audit log names it.
        key_id = f"ASIA{hashlib.sha256(f'{function}:{role}'.encode()).hexdigest()[:16].upper()}"
        role_name, session_name = role.rpartition("/")[2], config.get("FunctionName", "function")[:64]
        with issuing:  # the workers of one function have the same credentials
            secret, token = issued.setdefault(key_id, (secrets.token_hex(32), secrets.token_hex(32)))
            session = {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}",
                "UserId": f"{role_name}:{session_name}",
                "SecretAccessKey": secret,
                "SessionToken": token,
            }
            sts.register_session(key_id, session)
        return {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    for module in (lambda_runtime, lambda_svc):
        replace(module, "execution_credentials", credentials, parameters="config")
