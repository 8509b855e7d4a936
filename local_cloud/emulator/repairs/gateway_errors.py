"""API Gateway and Function URLs answer failures as AWS does: in the gateway's own words only.

MiniStack 1.5.33 puts the text of a function's error in the 502's body, answers a malformed proxy response with
200 and a throttled function with 429 and its name, and takes bodies of any size.
"""

from __future__ import annotations

import logging
from typing import Any

from ministack.services import apigateway_v1, lambda_svc

from local_cloud.emulator.repairs import replace

logger = logging.getLogger("leadbridge.gateway")

MAX_REQUEST = 10 * 1024 * 1024  # bytes, API Gateway's limit of a request's body

Response = dict[str, Any]


class _Failure(Exception):
    """What the gateway answers when the function did not: 502, or 500 when it was not even invoked."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def apply() -> None:
    def proxy_response(result: Response) -> tuple[Response, None]:
        if result.get("throttle"):
            raise _Failure(500, "the function is throttled")
        if result.get("error"):
            raise _Failure(502, "the function failed")
        return checked(result.get("body")), None

    async def execute(request: dict[str, Any], api_id: str, stage_name: str, *rest: Any) -> Any:
        body = rest[3]
        stage = apigateway_v1._stages_v1.get(api_id, {}).get(stage_name)
        if stage and len(body or b"") > MAX_REQUEST:
            request["stage"] = stage
            return apigateway_v1._GatewayError("REQUEST_TOO_LARGE", "Request Too Long", "RequestTooLargeException")
        try:
            return await original_execute(request, api_id, stage_name, *rest)
        except _Failure as failure:
            logger.warning("%s %s: %s", api_id, request["resource_path"], failure)
            error = apigateway_v1._GatewayError("DEFAULT_5XX", "Internal server error")
            status, headers, text = apigateway_v1._gateway_error_response(error, request)
            # The gateway response for this type has no status of its own unless the stack gave it one.
            return failure.status if status == 500 else status, headers, text

    def url_response(exec_result: Response) -> tuple[Response | None, str | None]:
        if exec_result.get("error"):
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "InternalServerErrorException"}
            return {"statusCode": 502, "headers": headers, "body": "Internal Server Error"}, None
        shaped: tuple[Response | None, str | None] = original_url_response(exec_result)
        return shaped

    replace(apigateway_v1, "_lambda_proxy_response", proxy_response, parameters="result")
    original_execute = replace(
        apigateway_v1,
        "_execute_in_scope",
        execute,
        parameters="request, api_id, stage_name, method, path, headers, body, query_params, "
        "owner_account_id, owner_region",
    )
    original_url_response = replace(
        lambda_svc, "lambda_execute_result_to_api_proxy_response", url_response, parameters="exec_result"
    )


def checked(payload: Any) -> Response:
    """A function's answer in the form that the proxy integration demands; a _Failure for any other."""
    if not isinstance(payload, dict):
        raise _Failure(502, f"malformed proxy response: {type(payload).__name__} instead of an object")
    status = payload.get("statusCode")
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise _Failure(502, "malformed proxy response: statusCode is not an HTTP status")
    body = payload.get("body")
    if body is not None and not isinstance(body, str):
        raise _Failure(502, f"malformed proxy response: body is {type(body).__name__} instead of a string")
    headers = payload.get("headers") or {}
    if not isinstance(headers, dict) or not all(
        isinstance(value, str | int | float) for value in headers.values()
    ):
        raise _Failure(502, "malformed proxy response: headers are not an object of plain values")
    many = payload.get("multiValueHeaders") or {}
    if not isinstance(many, dict) or not all(isinstance(value, list) for value in many.values()):
        raise _Failure(502, "malformed proxy response: multiValueHeaders are not an object of lists")
    return {
        "statusCode": status,
        "headers": {name: _text(value) for name, value in headers.items()},
        "multiValueHeaders": {name: [_text(value) for value in values] for name, values in many.items()},
        "body": body or "",
        "isBase64Encoded": payload.get("isBase64Encoded") is True,
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
