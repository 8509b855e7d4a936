"""The emulator serves who has a key, and everybody on the form's and the API's paths; nobody else gets a thing."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import h2.config
import h2.connection
import h2.events
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud.aws_key import AwsKey
from tests.local_cloud.lab import Lab

SECRET = "the-owners-password"
# Each protocol has its own words.
WRONG_SIGNATURE = {"SignatureDoesNotMatch", "InvalidSignatureException"}
UNKNOWN_KEY = {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"}
FOREIGN = "http://127.0.0.1:1"
ECHO = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'served'}\n"
AS_TEST = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/secretsmanager/aws4_request, " + (
    "SignedHeaders=host, Signature=" + "0" * 64
)
IN_QUERY = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fsecretsmanager%2Faws4_request"
    "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
)
GET_SECRET = "X-Amz-Target: secretsmanager.GetSecretValue"
BODY = '{"SecretId": "guarded"}'
WEB_SOCKET = "\n".join(
    (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
)
AS_ROOT_BY_NUMBER = AS_TEST.replace("Credential=test/", "Credential=000000000000/")


@dataclass(frozen=True)
class World:
    """`url_id`: of a function URL that takes anybody; `closed_id`: of one that wants a signature."""

    lab: Lab
    url_id: str
    closed_id: str
    api_path: str

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.lab.port}"


@pytest.fixture(scope="module")
def world(lab: Lab) -> World:
    lab.client("secretsmanager").create_secret(Name="guarded", SecretString=SECRET)
    functions = lab.client("lambda")
    ids = []
    for kind in ("NONE", "AWS_IAM"):
        name = lab.function(ECHO)
        url = functions.create_function_url_config(FunctionName=name, AuthType=kind)["FunctionUrl"]
        ids.append(url.partition("://")[2].partition(".")[0])
    api = lab.rest_api(lab.function(ECHO))
    return World(lab, ids[0], ids[1], api._path)


def ask(world: World, request: str, body: str = "") -> bytes:
    """All that comes back for the lines of a request; the host's is the emulator's unless they have one."""
    lines = request.strip().splitlines()
    if not any(line.lower().startswith("host:") for line in lines) and "HTTP/1.0" not in lines[0]:
        lines.append(f"Host: {world.host}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    if WEB_SOCKET not in request:
        lines.append("Connection: close")
    with socket.create_connection(("127.0.0.1", world.lab.port), timeout=20) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:  # it did not read the body
            pass
    return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


UNSIGNED = {
    "a target": (f"POST / HTTP/1.1\n{GET_SECRET}\nContent-Type: application/x-amz-json-1.1", BODY),
    "a page's form": ("POST /?Action=ListUsers HTTP/1.1\nContent-Type: application/x-www-form-urlencoded", "a=b"),
    "a page's text": ("POST / HTTP/1.1\nContent-Type: text/plain", "Action=ListUsers&Version=2010-05-08"),
    "an action in the query": ("GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1", ""),
    "key test": (f"POST / HTTP/1.1\n{AS_TEST}\n{GET_SECRET}", BODY),
    "key test in the query": (f"POST /?{IN_QUERY} HTTP/1.1\n{GET_SECRET}", BODY),
    "key test in the query, GET": (f"GET /?{IN_QUERY}&Action=ListUsers&Version=2010-05-08 HTTP/1.1", ""),
    "an account's number as key": (f"POST / HTTP/1.1\n{AS_ROOT_BY_NUMBER}\n{GET_SECRET}", BODY),
    "a key of version 2": ("GET /?AWSAccessKeyId=test&Signature=x&Expires=9999999999 HTTP/1.1", ""),
    "two signatures": (f"POST / HTTP/1.1\n{AS_TEST}\n{AS_TEST}\n{GET_SECRET}", BODY),
    "functions": ("GET /2015-03-31/functions/ HTTP/1.1", ""),
    "buckets": ("GET / HTTP/1.1", ""),
    "a preflight": ("OPTIONS / HTTP/1.1\nOrigin: https://evil.example\nAccess-Control-Request-Method: POST", ""),
    "HTTP/1.0 without a host": ("GET / HTTP/1.0", ""),
    "HTTP/1.1 with two hosts": ("GET / HTTP/1.1\nHost: 127.0.0.1:{port}\nHost: evil.example", ""),
    "a proxy's request": ("GET http://127.0.0.1:{port}/2015-03-31/functions/ HTTP/1.1", ""),
    "a proxy's request for an API": ("GET http://127.0.0.1:{port}{api} HTTP/1.1", ""),
    "the whole server": ("OPTIONS * HTTP/1.1", ""),
    "a tunnel": ("CONNECT 127.0.0.1:{port} HTTP/1.1", ""),
    "a web socket": ("GET {api} HTTP/1.1\n" + WEB_SOCKET, ""),
    "a web socket of a function": ("GET /_aws/lambda-url/{url_id}/ HTTP/1.1\n" + WEB_SOCKET, ""),
    "a bucket by its host": ("GET /key HTTP/1.1\nHost: bucket.s3.localhost", ""),
    "an API by its host": ("GET /s/ HTTP/1.1\nHost: {api_id}.execute-api.localhost", ""),
    "a function by its host": ("GET / HTTP/1.1\nHost: {url_id}.lambda-url.us-east-1.on.aws", ""),
    "a name that was rebound": ("GET / HTTP/1.1\nHost: evil.example:{port}", ""),
    "a function URL that wants a signature": ("GET /_aws/lambda-url/{closed_id}/ HTTP/1.1", ""),
    "such a one with key test": (f"GET /_aws/lambda-url/{{closed_id}}/?{IN_QUERY} HTTP/1.1", ""),
    "an API of LocalStack's form": ("POST /restapis/{api_id}/s/_user_request_/ HTTP/1.1", "{{}}"),
    "an API's connections": ("POST /_aws/execute-api/{api_id}/s/@connections/1 HTTP/1.1", "{{}}"),
    "an API's connections, escaped": ("POST /_aws/execute-api/{api_id}/s/%40connections/1 HTTP/1.1", "{{}}"),
    "an escaped API": ("GET /_aws%2Fexecute-api/{api_id}/s/ HTTP/1.1", ""),
    "an escaped letter": ("GET /%5Faws/lambda-url/{url_id}/ HTTP/1.1", ""),
    "a double slash": ("GET //_aws/lambda-url/{url_id}/ HTTP/1.1", ""),
    "a path that leads out": ("GET /_aws/lambda-url/../../_ministack/health HTTP/1.1", ""),
    "the same, escaped": ("GET /_aws/lambda-url/%2e%2e/%2e%2e/_ministack/health HTTP/1.1", ""),
}
for path in (
    *("/_ministack/health", "/_ministack/ready", "/_localstack/health", "/_localstack/init", "/health"),
    *("//_ministack/health", "/%5Fministack/health", "/_ministack/../_ministack/health", "/_leadbridge/start"),
    *("/_aws/sqs/messages", "/_aws/ses", "/_aws/sns/sms-messages", "/_aws/unknown", "/_aws/execute-api/"),
    *("/_ministack/iot/ca.pem", "/_ministack/rds/iam-auth", "/_ministack/transfer/sftp-ports", "/_alb/x/"),
    *("/_ministack/lambda-code/000000000000/us-east-1/f1", "/oauth2/authorize", "/logout", "/v2/_catalog"),
    *("/.well-known/openid-configuration", "/iceberg/v1/config", "/v20180820/mrap/instances"),
):
    UNSIGNED[path] = (f"GET {path} HTTP/1.1", "")
for path in ("/_ministack/reset", "/_ministack/config", "/oauth2/token", "/login", "/Execute", "/graphql"):
    UNSIGNED[f"POST {path}"] = (f"POST {path} HTTP/1.1\nContent-Type: text/plain", "{{}}")


@pytest.mark.parametrize("name", UNSIGNED)
def test_guard_refuses_what_is_not_signed(world: World, name: str) -> None:
    request, body = UNSIGNED[name]
    api_id = world.api_path.split("/")[3]
    places = {
        "port": world.lab.port,
        "api": world.api_path,
        "api_id": api_id,
        "url_id": world.url_id,
        "closed_id": world.closed_id,
    }
    body = body.replace("{{}}", "{}")
    answer = ask(world, request.format(**places), body)
    assert 400 <= status_of(answer) < 500, answer
    assert SECRET.encode() not in answer
    assert b"served" not in answer
    assert b"access-control-" not in answer.lower()
    assert world.lab.client("secretsmanager").get_secret_value(SecretId="guarded")["SecretString"] == SECRET


@pytest.mark.parametrize("headers", ["", "Origin: https://any.example", "Origin: null", "Host: rebound.example"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_guard_lets_every_page_use_the_form_and_the_api(world: World, headers: str, version: str) -> None:
    for path in (f"/_aws/lambda-url/{world.url_id}/", world.api_path):
        answer = ask(world, f"POST {path} HTTP/{version}\nContent-Type: application/json\n{headers}", "{}")
        assert status_of(answer) == 200, answer
        assert answer.endswith(b"served"), answer


@pytest.mark.parametrize(
    "host",
    [
        "bucket.s3.localhost",
        "x.cloudfront.localhost",
        "deadbeef.execute-api.localhost",
        "a.iot.us-east-1.x",
        "localhost",
    ],
)
def test_guard_lets_no_host_lead_a_public_path_elsewhere(world: World, host: str) -> None:
    answer = ask(world, f"POST {world.api_path} HTTP/1.1\nHost: {host}", "{}")
    assert answer.endswith(b"served"), answer


def test_guard_lets_no_path_below_a_public_one_lead_elsewhere(world: World) -> None:
    for path in ("../../../_ministack/health", "%2e%2e/%2e%2e/%2e%2e/_ministack/health", "//_ministack/health"):
        answer = ask(world, f"GET /_aws/lambda-url/{world.url_id}/{path} HTTP/1.1")
        assert answer.endswith(b"served"), answer
        assert b'"services"' not in ask(world, f"GET {world.api_path}{path} HTTP/1.1")


@pytest.mark.parametrize("upgraded", [False, True])
def test_guard_is_the_same_for_http_2(world: World, upgraded: bool) -> None:
    public = f"/_aws/lambda-url/{world.url_id}/"
    for path, status in (("/_ministack/health", b"403"), ("/?Action=ListUsers", b"403"), (public, b"200")):
        assert status_over_http_2(world, path, upgraded=upgraded) == status, path


def status_over_http_2(world: World, path: str, *, upgraded: bool) -> bytes:
    http_2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    with socket.create_connection(("127.0.0.1", world.lab.port), timeout=20) as connection:
        if upgraded:
            settings = http_2.initiate_upgrade_connection().decode()
            lines = [f"GET {path} HTTP/1.1", f"Host: {world.host}", "Upgrade: h2c", f"HTTP2-Settings: {settings}"]
            lines.append("Connection: Upgrade, HTTP2-Settings")
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(1)
            assert received.startswith(b"HTTP/1.1 101 ")
        else:
            http_2.initiate_connection()
            names = {":method": "GET", ":scheme": "http", ":authority": world.host, ":path": path}
            http_2.send_headers(1, list(names.items()), end_stream=True)
        connection.sendall(http_2.data_to_send())
        while True:
            for event in http_2.receive_data(connection.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    return dict(event.headers)[b":status"]


def owners(world: World, **headers: str) -> urllib3.BaseHTTPResponse:
    """The answer to a request that the owner signed, with further headers."""
    url = f"{world.lab.endpoint_url}/_ministack/health"
    signed = world.lab.key.signed_headers("GET", url)
    return urllib3.request("GET", url, headers={**signed, **headers}, retries=False)


def test_guard_serves_the_owner(world: World) -> None:
    answer = owners(world)
    assert answer.status == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert owners(world, Origin=world.lab.endpoint_url).status == 200


@pytest.mark.parametrize("origin", [FOREIGN, "null", "https://evil.example", "http://127.0.0.1", ""])
def test_guard_refuses_the_owner_from_a_foreign_page(world: World, origin: str) -> None:
    answer = owners(world, Origin=origin)
    assert answer.status == 403
    assert b"another origin" in answer.data


def client(world: World, service: str, key: AwsKey, token: str | None = None, **config: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=world.lab.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        aws_session_token=token,
        config=Config(retries={"max_attempts": 0}, **config),
    )


def error_code(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("secretsmanager", "list_secrets"),
        ("iam", "list_users"),
        ("s3", "list_buckets"),
        ("lambda", "list_functions"),
    ],
)
def test_guard_tells_a_client_what_is_wrong_with_its_key(world: World, service: str, operation: str) -> None:
    mistyped = client(world, service, AwsKey(world.lab.key.id, "mistyped"))
    assert error_code(getattr(mistyped, operation)) in WRONG_SIGNATURE
    for key in ("test", "000000000000", "AKIAUNKNOWN"):
        unknown = client(world, service, AwsKey(key, "test"))
        assert error_code(getattr(unknown, operation)) in UNKNOWN_KEY
    with_token = client(world, service, world.lab.key, "a-token")
    assert error_code(getattr(with_token, operation)) in UNKNOWN_KEY


CREDENTIALS = """
import os
def handler(event, context):
    return [os.environ[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
"""


def test_functions_credentials_are_its_roles_and_nobody_can_work_them_out(world: World) -> None:
    lab = world.lab
    name = lab.function(CREDENTIALS)
    lab.allow(name, "secretsmanager:GetSecretValue", "*")
    key_id, secret, token = lab.call(name)
    wait = {"SecretId": "guarded"}
    assert client(world, "secretsmanager", AwsKey(key_id, secret), token).get_secret_value(**wait)["Name"]
    assert error_code(client(world, "secretsmanager", AwsKey(key_id, secret), token).list_secrets) in (
        "AccessDenied",
        "AccessDeniedException",
    ), "what its role does not allow"
    config = lab.client("lambda").get_function_configuration(FunctionName=name)
    digest = hashlib.sha256(f"{config['FunctionArn']}:{config['Role']}".encode()).hexdigest()
    computed = [hashlib.sha256(f"{word}:{digest}".encode()).hexdigest() for word in ("secret", "token")]
    for pair in (computed, [secret, computed[1]], [computed[0], token], [secret, None]):
        thief = client(world, "secretsmanager", AwsKey(key_id, str(pair[0])), pair[1])
        assert error_code(lambda thief=thief: thief.get_secret_value(**wait)) in WRONG_SIGNATURE | UNKNOWN_KEY


def test_functions_credentials_do_not_open_the_emulators_own_pages(world: World) -> None:
    key_id, secret, token = world.lab.call(world.lab.function(CREDENTIALS))
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    url = f"{world.lab.endpoint_url}/_ministack/health"
    request = AWSRequest(method="GET", url=url)
    SigV4Auth(Credentials(key_id, secret, token), "leadbridge", "local").add_auth(request)
    answer = urllib3.request("GET", url, headers=dict(request.headers))
    assert answer.status == 403
    assert b"owner" in answer.data


def test_assumed_role_can_sign(world: World) -> None:
    lab = world.lab
    role = lab._role("assumable")
    lab.allow("assumable", "sqs:ListQueues", "*")
    document = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    lab.client("iam").update_assume_role_policy(
        RoleName="assumable", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [document]})
    )
    given = lab.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    key = AwsKey(given["AccessKeyId"], given["SecretAccessKey"])
    client(world, "sqs", key, given["SessionToken"]).list_queues()
    assert error_code(client(world, "iam", key, given["SessionToken"]).list_users) == "AccessDenied"


def test_objects_travel_and_a_presigned_link_opens_only_its_own(world: World) -> None:
    s3 = client(world, "s3", world.lab.key, signature_version="s3v4", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="guarded")
    s3.put_object(Bucket="guarded", Key="a b/ü+%.txt", Body=b"content" * 100_000)
    s3.put_object(Bucket="guarded", Key="other", Body=b"another")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "guarded", "Key": "a b/ü+%.txt"})
    found = urllib3.request("GET", link)
    assert found.data == b"content" * 100_000
    assert not [name for name in found.headers if name.lower().startswith("access-control-")]
    path, _, query = link.partition("?")
    assert urllib3.request("GET", f"{world.lab.endpoint_url}/guarded/other?{query}").status == 403
    assert urllib3.request("GET", path).status == 403
    steered = {"X-Amz-Target": "secretsmanager.ListSecrets"}
    assert urllib3.request("GET", link, headers=steered).status == 403
    upload = s3.generate_presigned_url("put_object", Params={"Bucket": "guarded", "Key": "up"})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    turned = urllib3.request("PUT", upload, body=b"Action=ListUsers&Version=2010-05-08", headers=form)
    assert b"ListUsersResponse" not in turned.data
