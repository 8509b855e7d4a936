"""What AWS's signers sign is taken, and nothing that was changed afterwards."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_cloud.emulator import signatures
from local_cloud.emulator.signatures import SKEW, Refused, Request

SECRET = "a/secret+of-the-tests"
BODY = b'{"SecretId": "crm-owner"}'
URL = "http://127.0.0.1:1234"


def arrived(signed: AWSRequest) -> Request:
    prepared = signed.prepare()
    parts = urlsplit(prepared.url)
    headers = {"host": parts.netloc, **prepared.headers}
    texts = [
        (name.lower(), value.decode() if isinstance(value, bytes) else str(value))
        for name, value in headers.items()
    ]
    return Request(method=prepared.method, path=parts.path, query=parts.query, headers=texts)


def header_signed(
    signer: type[auth.SigV4Auth] = auth.SigV4Auth,
    service: str = "secretsmanager",
    path: str = "/",
    token: str | None = None,
    body: bytes = BODY,
    **headers: str,
) -> Request:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method="POST", url=URL + path, data=body, headers=sent)
    signer(Credentials("LBKEY1", SECRET, token), service, "eu-west-1").add_auth(request)
    return arrived(request)


def presigned(
    signer: type[auth.SigV4QueryAuth] = auth.S3SigV4QueryAuth,
    service: str = "s3",
    path: str = "/bucket/a%20key",
    token: str | None = None,
    expires: int = 60,
) -> Request:
    request = AWSRequest(method="GET", url=URL + path)
    signer(Credentials("LBKEY1", SECRET, token), service, "eu-west-1", expires=expires).add_auth(request)
    return arrived(request)


def verify(request: Request, body: bytes = b"", *, later: float = 0, secret: str = SECRET) -> signatures.Claim:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=later)
    claim = signatures.claim_of(request, now)
    signatures.check(claim, request, secret, body)
    return claim


TARGET = {"X_Amz_Target": "secretsmanager.GetSecretValue", "Content_Type": "application/x-amz-json-1.1"}
GOOD: dict[str, tuple[Callable[[], Request], bytes]] = {
    "a JSON request": (lambda: header_signed(**TARGET), BODY),
    "temporary credentials": (lambda: header_signed(token="a-token", **TARGET), BODY),
    "an encoded path": (lambda: header_signed(service="lambda", path="/2015-03-31/functions/a%3Ab%2Fc"), BODY),
    "dots and double slashes": (lambda: header_signed(service="lambda", path="/a//b/../c"), BODY),
    "a query": (lambda: header_signed(path="/?b=2&a=%C3%A1%20%2B&a=&flag"), BODY),
    "spaces in a header": (lambda: header_signed(X_Amz_Note="two  spaces "), BODY),
    "S3": (lambda: header_signed(auth.S3SigV4Auth, "s3", "/bucket//a/../b%20c"), BODY),
    "S3, presigned": (presigned, b"whatever"),
    "S3, presigned, temporary": (lambda: presigned(token="a-token"), b""),
    "another service, presigned": (
        lambda: presigned(auth.SigV4QueryAuth, "sts", "/?Action=GetCallerIdentity"),
        b"",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_signature_of_botocore_is_taken(name: str) -> None:
    make, body = GOOD[name]
    claim = verify(make(), body)
    assert (claim.key_id, claim.region) == ("LBKEY1", "eu-west-1")
    assert claim.token == ("a-token" if "temporary" in name else None)


def test_signature_of_the_example_in_awss_manual_is_taken() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, as of 2015."""
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request,"
        " SignedHeaders=content-type;host;x-amz-date,"
        " Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )
    request = Request(
        method="GET",
        path="/",
        query="Action=ListUsers&Version=2010-05-08",
        headers=[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            ("authorization", authorization),
        ],
    )
    claim = signatures.claim_of(request, dt.datetime(2015, 8, 30, 12, 36, tzinfo=dt.UTC))
    signatures.check(claim, request, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", b"")


def with_header(name: str, value: str) -> Callable[[Request], Request]:
    return lambda request: dataclasses.replace(
        request, headers=[(name, value) if each == name else (each, old) for each, old in request.headers]
    )


def and_header(name: str, value: str) -> Callable[[Request], Request]:
    return lambda request: dataclasses.replace(request, headers=[*request.headers, (name, value)])


def in_query(old: str, new: str) -> Callable[[Request], Request]:
    def change(request: Request) -> Request:
        assert old in request.query
        return dataclasses.replace(request, query=request.query.replace(old, new))

    return change


def in_authorization(old: str, new: str) -> Callable[[Request], Request]:
    def change(request: Request) -> Request:
        (value,) = request.values("authorization")
        assert old in value
        return with_header("authorization", value.replace(old, new))(request)

    return change


def without(name: str) -> Callable[[Request], Request]:
    return lambda request: dataclasses.replace(
        request, headers=[pair for pair in request.headers if pair[0] != name]
    )


CHANGES: dict[str, Callable[[Request], Request]] = {
    "the method": lambda request: dataclasses.replace(request, method="PUT"),
    "the path": lambda request: dataclasses.replace(request, path="/other"),
    "the query": lambda request: dataclasses.replace(request, query="Action=Other"),
    "a signed header": with_header("x-amz-target", "secretsmanager.DeleteSecret"),
    "a signed header, twice": and_header("x-amz-target", "secretsmanager.DeleteSecret"),
    "an unsigned steering header": and_header("x-amz-other", "1"),
    "the host": with_header("host", "evil.example"),
    "the time": with_header("x-amz-date", "20200101T000000Z"),
    "no time": without("x-amz-date"),
    "no host": without("host"),
    "a second signature": and_header("authorization", "AWS4-HMAC-SHA256 x"),
    "a signature in the query too": lambda request: dataclasses.replace(request, query="AWSAccessKeyId=test"),
    "the region": in_authorization("eu-west-1", "us-east-1"),
    "the service": in_authorization("secretsmanager/", "s3/"),
    "the host unsigned": in_authorization(";host", ""),
    "no signature in it": in_authorization("Signature=", "Sig="),
    "an empty signature": lambda request: with_header("authorization", request.values("authorization")[0][:-64])(
        request
    ),
    "signature 00": lambda request: with_header("authorization", request.values("authorization")[0][:-64] + "00")(
        request
    ),
    "another signature": lambda request: with_header(
        "authorization", request.values("authorization")[0][:-64] + "0" * 64
    )(request),
    "version 2": with_header("authorization", "AWS LBKEY1:c2lnbmF0dXJl"),
    "version 4A": in_authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_signature_of_a_request_that_was_changed_is_refused(what: str) -> None:
    request = CHANGES[what](header_signed(**TARGET))
    with pytest.raises(Refused):
        verify(request, BODY)


def test_signature_with_another_body_or_secret_is_refused() -> None:
    for service in ("secretsmanager", "sts", "s3"):
        with pytest.raises(Refused):
            verify(header_signed(service=service), b"another")
    with pytest.raises(Refused):
        verify(header_signed(auth.S3SigV4Auth, "s3", "/b/k"), b"another")
    with pytest.raises(Refused):
        verify(header_signed(), BODY, secret="another")


def test_signature_that_leaves_the_body_open_is_s3s_alone() -> None:
    unsigned = {"X_Amz_Content_SHA256": "UNSIGNED-PAYLOAD"}
    with pytest.raises(Refused, match="not the body's hash"):
        verify(header_signed(**unsigned), BODY)
    with pytest.raises(Refused):
        verify(presigned(auth.SigV4QueryAuth, "sts", "/"), b"Action=AssumeRole")


def test_signature_of_chunks_is_refused_with_what_to_do() -> None:
    chunks = header_signed(X_Amz_Content_SHA256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD", service="s3")
    with pytest.raises(Refused, match="sign the whole body"):
        verify(chunks, BODY)


@pytest.mark.parametrize("seconds", [SKEW.total_seconds() + 5, -SKEW.total_seconds() - 5])
def test_signature_of_another_time_is_refused(seconds: float) -> None:
    with pytest.raises(Refused, match=r"Signature (expired|not yet current)"):
        verify(header_signed(), BODY, later=seconds)
    verify(header_signed(), BODY, later=seconds * 0.9)


def test_presigned_request_is_good_until_it_expires() -> None:
    request = presigned(expires=3600)
    verify(request, later=3590)
    with pytest.raises(Refused, match="expired"):
        verify(request, later=3605)
    with pytest.raises(Refused, match="not yet"):
        verify(request, later=-SKEW.total_seconds() - 5)
    for longer in ("7200", "0", "-1", "604801", "1e3"):
        with pytest.raises(Refused):
            verify(in_query("X-Amz-Expires=3600", f"X-Amz-Expires={longer}")(request))


@pytest.mark.parametrize(
    "change",
    [
        in_query("X-Amz-Signature=", "X-Amz-Signature=00&x="),
        in_query(
            "X-Amz-Credential=", "x-amz-credential=test%2F20200101%2Fr%2Fs3%2Faws4_request&X-Amz-Credential="
        ),
        in_query("X-Amz-Credential=LBKEY1", "X-Amz-Credential=test"),
        in_query("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256"),
        in_query("&X-Amz-Expires=60", ""),
        in_query("X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=60"),
        in_query("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
        and_header("x-amz-target", "secretsmanager.GetSecretValue"),
        and_header("x-amz-security-token", "t"),
        lambda request: dataclasses.replace(request, path="/bucket/other"),
        lambda request: dataclasses.replace(request, query=request.query + "&versionId=1"),
    ],
)
def test_presigned_request_that_was_changed_is_refused(change: Callable[[Request], Request]) -> None:
    with pytest.raises(Refused):
        verify(change(presigned()))


def test_request_without_signature_is_told_what_it_lacks() -> None:
    bare = Request(method="GET", path="/", query="Action=ListUsers", headers=[("host", "127.0.0.1:1")])
    with pytest.raises(Refused, match="has no AWS signature") as refused:
        verify(bare)
    assert refused.value.code == "MissingAuthenticationToken"
