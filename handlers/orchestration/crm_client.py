"""The orchestration's only way to the CRM: the API's operations, held to the contract."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import urllib3

from handlers.shared import aws, settings, strict_json
from handlers.shared.contract import Contract
from handlers.shared.errors import CrmRejected, CrmUnavailable, InvalidRequest
from handlers.shared.secrets import ManagedSecret, SecretSource

# Seconds. Below the step's function time-out, above the backends'.
CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 10.0

FORBIDDEN = 403
CONFLICT = 409
TOO_MANY_REQUESTS = 429

# What a header can carry: http.client would quote any other value in its error.
_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An answer that the flow goes on with. `conflict`: the CRM holds other data and kept it."""

    code: str
    conflict: bool


class CrmClient:
    """One pool of connections for each execution environment."""

    def __init__(
        self, base_url: str, api_key: SecretSource[str], contract: Contract, pool: urllib3.PoolManager
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._contract = contract
        self._pool = pool

    def create(self, path: str, body: Mapping[str, Any], lead_id: str) -> Outcome:
        """POST one record.

        Raises CrmRejected (any 4xx but 403, 409 and 429) or CrmUnavailable (no answer, 429, 5xx, or an answer that
        breaks the contract: the same call may succeed later). So may a call whose key is refused: API Gateway
        knows a new key, and its place in the plan, only some minutes after it has been made.
        """
        key = self._api_key.get()
        status, answer = self._post(path, body, lead_id, key)
        # the key may have been rotated since this environment read it
        if status == FORBIDDEN and (now := self._api_key.get(fresh=True)) != key:
            status, answer = self._post(path, body, lead_id, now)
        if status == 200 or status == CONFLICT:
            return Outcome(code=answer["message"], conflict=status == CONFLICT)
        detail = f"{path} answered {status} {answer['message']}"
        if status == FORBIDDEN:
            raise CrmUnavailable(f"{detail}: the API key is refused")
        raise CrmRejected(detail) if _is_refusal(status) else CrmUnavailable(detail)

    def _post(self, path: str, body: Mapping[str, Any], lead_id: str, key: str) -> tuple[int, dict[str, Any]]:
        try:
            response = self._pool.request(
                "POST",
                self._base_url + path,
                body=json.dumps(body).encode(),
                headers={"Content-Type": "application/json", "x-api-key": key, "x-lead-id": lead_id},
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise CrmUnavailable(f"{path} did not answer: {type(error).__name__}") from error
        return response.status, self._checked(path, response)

    def _checked(self, path: str, response: "urllib3.BaseHTTPResponse") -> dict[str, Any]:
        status = response.status
        try:
            answer = self._message(response)
        except (ValueError, InvalidRequest) as error:
            if _is_refusal(status):
                # a refusal stays one, whoever worded it
                return {"message": "UNDOCUMENTED_ANSWER"}
            raise CrmUnavailable(f"{path} answered {status} with a body outside the contract") from error
        return answer

    def _message(self, response: "urllib3.BaseHTTPResponse") -> dict[str, Any]:
        if not strict_json.is_media_type(response.headers.get("Content-Type")):
            raise InvalidRequest("the answer is not application/json in UTF-8")
        answer = strict_json.parse(response.data.decode())
        self._contract.validate("ApiResponseBody", answer)
        if answer["statusCode"] != response.status:
            raise InvalidRequest("the body tells another status than the answer")
        return dict(answer)


def _is_refusal(status: int) -> bool:
    return 400 <= status < 500 and status not in (CONFLICT, TOO_MANY_REQUESTS)


def parse_key(text: str) -> str | None:
    return text if _KEY.fullmatch(text) else None


@cache
def from_environment() -> CrmClient:
    key = ManagedSecret(aws.client("secretsmanager"), settings.required("CRM_API_KEY_SECRET_ARN"), parse_key)
    pool = urllib3.PoolManager(maxsize=1)
    return CrmClient(settings.required("CRM_API_URL"), key, Contract.bundled(), pool)
