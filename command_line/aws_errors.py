"""What AWS, the local cloud or something between here and there answered, as a sentence and an exit code."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_FAILED, _UNUSABLE = 1, 2
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MAX_MESSAGE = 300
_DENIED = re.compile(r"AccessDenied|Unauthorized|Authorization|NotAuthorized|OptInRequired")
_CREDENTIALS = re.compile(
    r"ExpiredToken|RequestExpired|TokenRefreshRequired|InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId"
    r"|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|AuthFailure|MissingAuthenticationToken"
)
_BUSY = re.compile(
    r"Throttl|TooManyRequests|SlowDown|LimitExceeded|ThroughputExceeded|Unavailable|InternalServer|InternalFailure"
    r"|InternalError|RequestTimeout"
)
_GONE = re.compile(r"NotFound|NonExistent|DoesNotExist|NoSuch")
_LOG_IN = "Log in again (such as `aws sso login`, or AWS_PROFILE=…) and run the command again."


class NotAws(Exception):
    """Something else than AWS answered a request."""

    exit_code = _FAILED

    def __init__(self, operation: str, status: int) -> None:
        super().__init__(
            f"{operation} was answered {status} by something that is not AWS, such as a proxy or a login page."
            " Look at HTTPS_PROXY and NO_PROXY."
        )


def hold_to_aws(client: Any) -> Any:
    """The boto3 client, made to raise NotAws for a success without a request id, which every answer of AWS has."""
    client.meta.events.register("after-call", _check)
    return client


def _check(http_response: Any, model: Any, **_: Any) -> None:
    names = {name.lower() for name in http_response.headers}
    if http_response.status_code < 300 and not names & {"x-amzn-requestid", "x-amz-request-id"}:
        raise NotAws(model.name, http_response.status_code)


def explained(error: BaseException) -> tuple[int, str] | None:
    """None for an error that is neither botocore's nor urllib3's. Their texts may name accounts and addresses."""
    if _is_a(error, "botocore.exceptions", "ClientError"):
        return _refused(error)
    if _is_a(error, "botocore.parsers", "ResponseParserError") or _is_raised_by_parser(error):
        return _FAILED, str(NotAws("a request", 200)).replace(" 200", "")
    if _is_a(error, "botocore.exceptions", "HTTPClientError", "ConnectionError"):
        return _FAILED, _unreachable(error)
    if _is_a(
        error,
        "botocore.exceptions",
        *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "SSOError"),
        *("TokenRetrievalError", "LoginError"),
    ):
        return _UNUSABLE, f"AWS credentials are missing or can't be used ({type(error).__name__}). {_LOG_IN}"
    if _is_a(error, "botocore.exceptions", "BotoCoreError"):
        said = _one_line(str(error)).rstrip(".")
        return _UNUSABLE, f"AWS can't be asked: {said}. Look at the AWS settings and the stack's outputs."
    if _is_a(error, "urllib3.exceptions", "HTTPError"):
        return (
            _FAILED,
            f"the API can't be reached ({type(error).__name__}). Look at the network, and try again.",
        )
    return None


def _refused(error: Any) -> tuple[int, str]:
    operation, answer = error.operation_name, error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    said = _one_line(str(answer.get("Error", {}).get("Message", "")))
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if _CREDENTIALS.search(code):
        return _UNUSABLE, f"AWS refuses the credentials ({operation}: {code}): expired or wrong. {_LOG_IN}"
    if "<" in said or not code or code.isdigit():
        again = " Try again in a minute." if status in (429, 500, 502, 503, 504) else ""
        return _FAILED, str(NotAws(operation, status)) + again
    if _DENIED.search(code):
        said = re.sub(r"User: \S+ is", "you are", said)
        return (
            _FAILED,
            f"AWS denies {operation} ({code}): {said}. docs/operations.md lists the rights.",
        )
    if _BUSY.search(code) or status >= 500:
        return _FAILED, f"AWS is too busy for {operation} ({code}). Try again in a minute."
    if _GONE.search(code):
        return _FAILED, (
            f"AWS does not know what {operation} asks for ({code}): {said}. Are the stack's outputs of this"
            " account and region, and is the stack still deployed?"
        )
    return _FAILED, f"AWS refused {operation} ({code}): {said}".rstrip(": ")


def _unreachable(error: Any) -> str:
    parts = urlsplit(str(error.kwargs.get("endpoint_url") or ""))
    kind = type(error).__name__
    if parts.hostname in _LOOPBACK:
        return (
            f"the local cloud on {parts.hostname}:{parts.port} can't be reached ({kind}). Run: python -m"
            " local_cloud up, and try again."
        )
    place = parts.hostname or "AWS"
    return (
        f"{place} can't be reached ({kind}). Look at the network, HTTPS_PROXY and the region in its outputs,"
        " and try again."
    )


def _is_a(error: BaseException, module: str, *names: str) -> bool:
    """By the module that is loaded, since a program that never asks AWS need not import botocore."""
    loaded = sys.modules.get(module)
    return any(isinstance(error, getattr(loaded, name, ())) for name in names)


def _is_raised_by_parser(error: BaseException) -> bool:
    """Valid JSON or XML that is none of AWS's makes botocore's parser stumble."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and Path(frames[-1].filename).parts[-2:] == ("botocore", "parsers.py")


def _one_line(text: str) -> str:
    """Without what would steer a terminal."""
    line = "".join(each if each.isprintable() else " " for each in text[:_MAX_MESSAGE])
    return " ".join(line.split()).rstrip(".")
