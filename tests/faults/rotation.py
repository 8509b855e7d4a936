"""New secrets for a running stack, in the order in which docs/reliability.md says that they are changed."""

import json
import secrets
from typing import Any

from tests.faults.bench import Bench
from tests.faults.sessions import Sessions


class Rotation:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._sessions = Sessions(bench.stack, bench.home)
        self._secrets = bench.stack.client("secretsmanager")
        self._gateway = bench.stack.client("apigateway")
        functions = bench.stack.client("lambda")

        def setting(function: str, name: str) -> str:
            config = functions.get_function_configuration(FunctionName=bench.lines.name_of(function))
            return str(config["Environment"]["Variables"][name])

        self._password_secret = setting("api-create-client", "DATABASE_SECRET_ARN")
        self._key_secret = setting("flow-create-client", "CRM_API_KEY_SECRET_ARN")
        self._plan = self._gateway.get_usage_plans()["items"][0]["id"]
        (self._first,) = self._keys()
        self._made: list[str] = []

    def password(self) -> None:
        """Change it in the database, then in the secret; no connection of before may stay."""
        account = json.loads(self._secret(self._password_secret))
        account["password"] = secrets.token_urlsafe(24)
        with self._sessions.owner() as session, session.cursor() as cursor:
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (account["username"], account["password"]))
        self._secrets.put_secret_value(SecretId=self._password_secret, SecretString=json.dumps(account))
        for proxy in self._bench.lines.database.values():
            proxy.cut_all()

    def key(self) -> None:
        """The new one works before it is in the secret; the one of before works until the next rotation."""
        now = self._secret(self._key_secret)
        made = self._gateway.create_api_key(name=f"rotated-{secrets.token_hex(4)}", enabled=True)
        self._made.append(made["id"])
        value = self._gateway.get_api_key(apiKey=made["id"], includeValue=True)["value"]
        self._put_in(made["id"])
        self._secrets.put_secret_value(SecretId=self._key_secret, SecretString=value)
        self._take_out_all_but(now, value)

    def both(self) -> None:
        self.password()
        self.key()

    def back_to_the_first_key(self) -> None:
        """The one of the stack's outputs."""
        if self._first["value"] not in [key["value"] for key in self._keys()]:
            self._put_in(self._first["id"])
        self._secrets.put_secret_value(SecretId=self._key_secret, SecretString=self._first["value"])
        self._take_out_all_but(self._first["value"])
        for made in self._made:
            self._gateway.delete_api_key(apiKey=made)
        self._made.clear()

    def _put_in(self, key_id: str) -> None:
        self._gateway.create_usage_plan_key(usagePlanId=self._plan, keyId=key_id, keyType="API_KEY")

    def _take_out_all_but(self, *values: str) -> None:
        for key in self._keys():
            if key["value"] not in values:
                self._gateway.delete_usage_plan_key(usagePlanId=self._plan, keyId=key["id"])

    def _keys(self) -> list[dict[str, Any]]:
        """Those of the plan, with their values."""
        listed = self._gateway.get_usage_plan_keys(usagePlanId=self._plan)["items"]
        return [dict(self._gateway.get_api_key(apiKey=key["id"], includeValue=True)) for key in listed]

    def _secret(self, arn: str) -> str:
        return str(self._secrets.get_secret_value(SecretId=arn)["SecretString"])
