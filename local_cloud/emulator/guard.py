"""Stands before MiniStack, which asks nobody for a signature: only who has a key gets in.

Open to everybody, as on AWS, are the function URLs and the REST APIs' operations that take unsigned calls. All the
rest has to be signed, by the owner's key or by a role's temporary one, and comes neither through another host's
name nor from another origin's page. MiniStack's own pages (`/_ministack/…` and the like) are the owner's alone.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from ministack import app as ministack_app
from ministack.core import iam_evaluator
from ministack.core.responses import _account_from_sts_session, get_account_id
from ministack.core.router import detect_service, extract_access_key_id
from ministack.core.sigv4 import decode_header_value
from ministack.services import lambda_svc

from local_cloud.aws_key import AwsKey
from local_cloud.emulator import signatures
from local_cloud.emulator.signatures import Refused
from local_cloud.emulator_process import START_ID_PATH

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 256 * 1024 * 1024  # bytes that a signed request may hold in memory
NAMES = ("127.0.0.1", "localhost")

_FUNCTION_URL = re.compile(rb"/_aws/lambda-url/([a-z0-9]{32})(?:/.*)?", re.S)
_REST_API = re.compile(rb"/_aws/execute-api/([a-z0-9]+)/([A-Za-z0-9_-]+)(/.*)?", re.S)
_HOST = re.compile(rf"(?:{'|'.join(map(re.escape, NAMES))}):[0-9]{{1,5}}")
_CORS = b"access-control-"

HOW = "`python -m local_cloud outputs --json` prints the key pair: aws_access_key_id and aws_secret_access_key."


class Guard:
    """`port` is the one that it listens on, `start_id` what tells one run of the emulator from the next."""

    def __init__(self, app: App, *, port: int, key: AwsKey, start_id: str) -> None:
        self._app = app
        self._key = key
        self._start_id = start_id
        self._host = f"{NAMES[0]}:{port}".encode()
        self._origins = {f"http://{name}:{port}" for name in NAMES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: 403
        elif takes_anybody(scope):
            # MiniStack looks at the host first: another one would lead into another service.
            await self._app(self._with_our_host(scope), receive, send)
        else:
            await self._admit(scope, receive, _without_cors(send))

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_sender(scope)
        except Refused as refusal:
            await _answer(send, *_plain_refusal(refusal))
            return
        try:
            request = _request(scope)
            claim = signatures.claim_of(request, dt.datetime.now(dt.UTC))
            secret = self._secret_of(claim)
            body = await _body(receive)
            signatures.check(claim, request, secret, body)
            _check_reading(scope, claim, body)
            if scope["path"].startswith("/_") and claim.key_id != self._key.id:
                raise Refused("AccessDenied", "The emulator's own pages are for the owner's key.")
        except Refused as refusal:
            await _answer(send, *_refusal(scope, refusal))
            return
        if scope["path"] == START_ID_PATH:
            await _answer(send, 200, {"content-type": "text/plain"}, self._start_id.encode())
            return
        await self._app(scope, _replayed(body, receive), send)

    def _check_sender(self, scope: Scope) -> None:
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        # A port may be forwarded; a page that made its own name mean this machine still sends that name.
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            raise Refused("AccessDenied", f"The local cloud answers to {' and '.join(NAMES)} only.")
        if not self._origins.issuperset(origins):
            raise Refused("AccessDenied", "The local cloud takes no requests from the pages of another origin.")
        if not scope["raw_path"].startswith(b"/"):
            raise Refused("AccessDenied", "The request's target is not a path.")

    def _secret_of(self, claim: signatures.Claim) -> str:
        """Raises Refused unless the key is the owner's or one that the emulator has issued."""
        if claim.key_id == self._key.id and claim.token is None:
            return self._key.secret
        # MiniStack believes that whoever says `test` or an account's number is root.
        if not iam_evaluator.is_root_access_key(claim.key_id):
            account = _account_of(claim.key_id)
            found = account and iam_evaluator.resolve_credential(claim.key_id, account, claim.token or "")
            if isinstance(found, iam_evaluator.ResolvedCredential):
                return str(found.secret_access_key)
        raise Refused("InvalidClientTokenId", f"The security token included in the request is invalid. {HOW}")

    def _with_our_host(self, scope: Scope) -> Scope:
        if len(hosts := _values(scope, b"host")) == 1 and _HOST.fullmatch(hosts[0]):
            return scope
        others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
        return scope | {"headers": [*others, (b"host", self._host)]}


def takes_anybody(scope: Scope) -> bool:
    """Whether the request is for a function URL, or an operation of a REST API, that takes unsigned calls."""
    # As it was sent: no escape can make a path begin so, nor lead out of it, since nobody resolves `..`.
    path = scope["raw_path"]
    if found := _FUNCTION_URL.fullmatch(path):
        function = lambda_svc.resolve_function_url(found[1].decode())
        return function is None or function[4].get("AuthType") == "NONE"
    if found := _REST_API.fullmatch(path):
        api, stage = found[1].decode(), found[2].decode()
        own_path = scope["path"].removeprefix(f"/_aws/execute-api/{api}/{stage}") or "/"
        if own_path.startswith("/@connections"):
            return False
        wanted = ministack_app._execute_api_authorization_type(api, stage, scope["method"], own_path)
        return bool(wanted != "AWS_IAM")
    return False


def _account_of(key_id: str) -> str | None:
    try:
        of_user = iam_evaluator.find_iam_access_key_account(key_id)
    except iam_evaluator.AmbiguousAccessKeyError:
        return None
    return str(_account_from_sts_session(key_id) or of_user or get_account_id())


def _check_reading(scope: Scope, claim: signatures.Claim, body: bytes) -> None:
    """Raises Refused when MiniStack would read another caller, or another service, out of the request."""
    headers, query = _headers(scope), parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    if extract_access_key_id(headers, query) != claim.key_id:
        raise Refused("IncompleteSignature", "The request names more than one key.")
    # S3 alone takes bodies that nobody signed: such a one must not become another service's request.
    method, path = scope["method"], scope["path"]
    parameters = ministack_app._routing_params(method, path, headers, body, query)
    if claim.service == "s3" and detect_service(method, path, headers, parameters) != "s3":
        raise Refused("SignatureDoesNotMatch", "Credential should be scoped to the correct service.")


def _values(scope: Scope, header: bytes) -> list[str]:
    return [decode_header_value(value) for name, value in scope["headers"] if name.lower() == header]


def _headers(scope: Scope) -> dict[str, str]:
    """As MiniStack reads them."""
    names = dict.fromkeys(name.lower() for name, _ in scope["headers"])
    return {name.decode("latin-1"): ", ".join(_values(scope, name)) for name in names}


def _request(scope: Scope) -> signatures.Request:
    try:
        return signatures.Request(
            method=scope["method"],
            path=scope["raw_path"].decode("ascii"),
            query=scope["query_string"].decode("ascii"),
            headers=[
                (name.decode("latin-1").lower(), decode_header_value(value)) for name, value in scope["headers"]
            ],
        )
    except UnicodeDecodeError as error:
        raise Refused("AccessDenied", "The request's target is not ASCII.") from error


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("RequestTimeout", "The request ended before its body did.")
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > MAX_BODY:
            raise Refused("EntityTooLarge", f"The local cloud takes at most {MAX_BODY} bytes.")
    return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> dict[str, Any]:
        return messages.pop() if messages else await receive()

    return again


def _without_cors(send: Send) -> Send:
    """MiniStack lets any page read any answer."""

    async def own_pages_only(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", ()) if not pair[0].lower().startswith(_CORS)]
            message = message | {"headers": kept}
        await send(message)

    return own_pages_only


def _refusal(scope: Scope, refusal: Refused) -> tuple[int, dict[str, str], bytes]:
    """In the form that the service's clients read, with the code that this service gives the reason."""
    if refusal.code == "MissingAuthenticationToken":
        return _plain_refusal(refusal)
    headers, query = _headers(scope), parse_qs(scope["query_string"].decode("latin-1"))
    service = detect_service(scope["method"], scope["path"], headers, query)
    error = iam_evaluator.AuthError(refusal.code, str(refusal))
    status, answered, body = ministack_app._credential_failure(service, "", str(uuid.uuid4()), error, headers)
    return (status if status >= 400 else 403), answered, body


def _plain_refusal(refusal: Refused) -> tuple[int, dict[str, str], bytes]:
    text = json.dumps({"__type": refusal.code, "message": str(refusal)})
    return 403, {"content-type": "application/json"}, text.encode()


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    sent = {name.lower(): value for name, value in headers.items()} | {"content-length": str(len(body))}
    pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
