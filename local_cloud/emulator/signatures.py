"""Checks the AWS signature (Signature Version 4) of a request as it arrived. botocore's own signer computes it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
SKEW = dt.timedelta(minutes=5)
LONGEST_EXPIRY = 604_800
"""Seconds that a presigned request may be good for, on AWS too: a week."""

_SCOPE = r"([^/,\s]+)/([0-9]{8})/([^/,\s]+)/([^/,\s]+)/aws4_request"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential={_SCOPE}, *SignedHeaders=([a-z0-9;._-]+), *Signature=([0-9a-f]{{64}})"
)
_CREDENTIAL = re.compile(_SCOPE)
_SIGNATURE = re.compile("[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SECONDS = re.compile("[0-9]{1,6}")
_QUERY = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
_ANY_QUERY = re.compile("x-amz-(algorithm|credential|date|expires|signedheaders|signature)|awsaccesskeyid", re.I)


class Refused(Exception):
    """`code` is the one that AWS gives."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Request:
    """As it arrived: `path` and `query` still encoded, `headers` with names in lower case, in their order."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]

    def values(self, header: str) -> list[str]:
        return [value for name, value in self.headers if name == header]

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a request says of its signature. `time` is as it was signed, `token` of temporary credentials."""

    key_id: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    time: str
    token: str | None
    expires: int | None
    """Seconds; None when the signature is in the header."""

    @property
    def presigned(self) -> bool:
        return self.expires is not None


def claim_of(request: Request, now: dt.datetime) -> Claim:
    """Raises Refused when there is no signature, or one that no key could make good."""
    in_header, in_query = request.values("authorization"), _query_claim(request)
    if not in_header and not in_query:
        raise Refused("MissingAuthenticationToken", "The request has no AWS signature (Signature Version 4).")
    if len(in_header) + bool(in_query) > 1:
        raise Refused("IncompleteSignature", "The request has more than one signature.")
    claim = _from_query(request, in_query) if in_query else _from_header(request, in_header[0])
    _check_time(claim, now)
    _check_signed_headers(claim, request)
    return claim


def check(claim: Claim, request: Request, secret: str, body: bytes) -> None:
    """Raises Refused unless the key's secret signed this request with this body."""
    payload = _payload(claim, request, body)
    signer_of = S3SigV4Auth if claim.service == "s3" else SigV4Auth
    signer = signer_of(Credentials(claim.key_id, secret), claim.service, claim.region)
    headers = HTTPHeaders()
    for name in claim.signed_headers:
        headers[name] = request.values(name)[0]
    query = [pair for pair in request.parameters if not (claim.presigned and pair[0] == "X-Amz-Signature")]
    signed = AWSRequest(method=request.method, url=f"http://host{request.path}", headers=headers)
    signed.params = query
    signed.context["timestamp"] = claim.time
    canonical = "\n".join(
        [
            request.method,
            signer._normalize_url_path(request.path),
            signer.canonical_query_string(signed),
            signer.canonical_headers(headers) + "\n",
            signer.signed_headers(headers),
            payload,
        ]
    )
    computed = signer.signature(signer.string_to_sign(signed, canonical), signed)
    if not hmac.compare_digest(computed, claim.signature):
        raise Refused(
            "SignatureDoesNotMatch",
            "The signature is not the one that this key makes for this request: check the secret access key.",
        )


def _from_header(request: Request, authorization: str) -> Claim:
    found = _AUTHORIZATION.fullmatch(authorization.strip())
    if found is None:
        raise Refused(
            "IncompleteSignature",
            f"Authorization is not `{ALGORITHM} Credential=…, SignedHeaders=…, Signature=…`.",
        )
    key_id, date, region, service, signed_headers, signature = found.groups()
    times, tokens = request.values("x-amz-date"), request.values("x-amz-security-token")
    if len(times) != 1 or len(tokens) > 1:
        raise Refused(
            "IncompleteSignature", "One header X-Amz-Date is needed, and at most one X-Amz-Security-Token."
        )
    return Claim(
        key_id=key_id,
        region=region,
        service=service,
        signed_headers=tuple(signed_headers.split(";")),
        signature=signature,
        time=_of_date(times[0], date),
        token=tokens[0] if tokens else None,
        expires=None,
    )


def _query_claim(request: Request) -> dict[str, list[str]]:
    """The parameters that make a signature, as they were written."""
    found: dict[str, list[str]] = {}
    for name, value in request.parameters:
        if _ANY_QUERY.fullmatch(name):
            found.setdefault(name, []).append(value)
    return found


def _from_query(request: Request, found: dict[str, list[str]]) -> Claim:
    values = {name: found.get(f"X-Amz-{name}", []) for name in _QUERY}
    if any(len(each) != 1 for each in values.values()) or len(found) != len(_QUERY):
        raise Refused(
            "IncompleteSignature",
            f"A presigned request has one of each: {', '.join(f'X-Amz-{name}' for name in _QUERY)}.",
        )
    algorithm, credential, time, expires, signed_headers, signature = (values[name][0] for name in _QUERY)
    scope = _CREDENTIAL.fullmatch(credential)
    tokens = [value for name, value in request.parameters if name.lower() == "x-amz-security-token"]
    if algorithm != ALGORITHM or scope is None or not _SIGNATURE.fullmatch(signature) or len(tokens) > 1:
        raise Refused("IncompleteSignature", f"The presigned request is not one of {ALGORITHM}.")
    if not _SECONDS.fullmatch(expires) or not 0 < int(expires) <= LONGEST_EXPIRY:
        raise Refused("AuthorizationQueryParametersError", f"X-Amz-Expires is not from 1 to {LONGEST_EXPIRY}.")
    key_id, date, region, service = scope.groups()
    return Claim(
        key_id=key_id,
        region=region,
        service=service,
        signed_headers=tuple(signed_headers.split(";")),
        signature=signature,
        time=_of_date(time, date),
        token=tokens[0] if tokens else None,
        expires=int(expires),
    )


def _of_date(time: str, date: str) -> str:
    if not _TIME.fullmatch(time) or not time.startswith(date):
        raise Refused("IncompleteSignature", "X-Amz-Date is not a time of the credential's date.")
    return time


def _check_time(claim: Claim, now: dt.datetime) -> None:
    try:
        signed = dt.datetime.strptime(claim.time, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise Refused("IncompleteSignature", "X-Amz-Date is no time.") from error
    if signed > now + SKEW:
        raise Refused("RequestTimeTooSkewed", f"Signature not yet current: {claim.time} is later than now.")
    if claim.expires is not None:
        if now > signed + dt.timedelta(seconds=claim.expires):
            raise Refused("AccessDenied", "Request has expired")
    elif signed < now - SKEW:
        raise Refused("RequestTimeTooSkewed", f"Signature expired: {claim.time} is more than {SKEW} ago.")


def _check_signed_headers(claim: Claim, request: Request) -> None:
    names = claim.signed_headers
    if list(names) != sorted(set(names)) or "host" not in names:
        raise Refused("IncompleteSignature", "SignedHeaders is not a sorted list of different names with host.")
    if any(len(request.values(name)) != 1 for name in names):
        raise Refused("SignatureDoesNotMatch", "A signed header is missing, or was sent twice.")
    # What steers AWS, such as X-Amz-Target, is the signer's or not there at all.
    unsigned = sorted({name for name, _ in request.headers if name.startswith("x-amz-")} - set(names))
    if unsigned:
        raise Refused("AccessDenied", f"There were headers present which were not signed: {', '.join(unsigned)}")


def _payload(claim: Claim, request: Request, body: bytes) -> str:
    """What was signed in the body's place. Raises Refused when the body is another one."""
    declared = request.values("x-amz-content-sha256")
    if claim.service == "s3" and (declared == [UNSIGNED_PAYLOAD] or (claim.presigned and not declared)):
        return UNSIGNED_PAYLOAD
    computed = hashlib.sha256(body).hexdigest()
    if declared and declared[0].startswith("STREAMING-"):
        raise Refused(
            "NotImplemented", "The local cloud takes no body that is signed in chunks: sign the whole body's hash."
        )
    if declared and not hmac.compare_digest(declared[0].encode(), computed.encode()):
        raise Refused("XAmzContentSHA256Mismatch", "X-Amz-Content-SHA256 is not the body's hash.")
    return computed
