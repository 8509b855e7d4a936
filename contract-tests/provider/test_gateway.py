"""What the gateway answers before any function: keys, paths, methods, limits."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import contract, rut
from support.stack import Stack

SECURED = [name for name in contract.operations() if contract.operation(name)["security"]]
PUBLIC = [name for name in contract.operations() if not contract.operation(name)["security"]]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SHAPE = {"$ref": "#/components/schemas/ApiResponseBody"}


def send(stack: Stack, name: str, **options: Any) -> Any:
    method, path = contract.operations()[name]
    body = contract.example(name, rut.new()) if method == "POST" else None
    return stack.request(method, path.replace("{rut}", rut.NOBODY).replace("{leadId}", "none"), body, **options)


def allowed(path: str) -> set[str]:
    methods = {method.upper() for method in contract.DOCUMENT["paths"][path]}
    public = any(contract.operations()[name][1] == path for name in PUBLIC)
    return methods | ({"OPTIONS"} if public else set())


def test_the_operations_on_the_crm_ask_for_a_key_and_no_others() -> None:
    on_the_crm = [name for name in contract.operations() if "crm" in contract.operation(name)["tags"]]
    assert on_the_crm == SECURED


WRONG_KEYS: dict[str, Callable[[str], dict[str, str | None]]] = {
    "none": lambda key: {"x-api-key": None},
    "empty": lambda key: {"x-api-key": ""},
    "another": lambda key: {"x-api-key": "no-such-key-no-such-key"},
    "cut short": lambda key: {"x-api-key": key[:-1]},
    "too long": lambda key: {"x-api-key": key + "x"},
    "in another case": lambda key: {"x-api-key": key.swapcase()},
    "as a bearer token": lambda key: {"x-api-key": None, "Authorization": f"Bearer {key}"},
    "in another header": lambda key: {"x-api-key": None, "api_key": key},
}


@pytest.mark.parametrize("kind", WRONG_KEYS)
@pytest.mark.parametrize("name", SECURED)
def test_without_the_right_key_an_operation_is_forbidden(stack: Stack, name: str, kind: str) -> None:
    answer = contract.hold(name, send(stack, name, headers=WRONG_KEYS[kind](stack.api_key)), 403)
    assert answer["message"] == "FORBIDDEN"


@pytest.mark.parametrize("name", SECURED)
def test_a_key_in_the_address_is_no_key(stack: Stack, name: str) -> None:
    method, path = contract.operations()[name]
    address = f"{path.replace('{rut}', rut.NOBODY)}?x-api-key={stack.api_key}&api_key={stack.api_key}"
    contract.hold(name, stack.request(method, address, key=False), 403)


def test_whoever_has_no_key_learns_nothing_about_the_request(stack: Stack) -> None:
    for body in (b"", b"{", b"x" * 20_000):
        contract.hold("createClient", stack.request("POST", "/create_client", body, key=False), 403)


@pytest.mark.parametrize("key", [None, "no-such-key-no-such-key"])
@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_operation_asks_for_no_key(stack: Stack, name: str, key: str | None) -> None:
    body = contract.hold(name, send(stack, name, headers={"x-api-key": key}), 202, 404)
    if "leadId" in body:
        stack.await_leads([body["leadId"]])


@pytest.mark.parametrize("path", ["/", "/nowhere", "/clients", "/leads/x/y", "/create_client/x", "/CREATE_CLIENT"])
@pytest.mark.parametrize("headers", [{}, {"x-api-key": None}], ids=["key", "no key"])
def test_an_unknown_path_is_not_found(stack: Stack, path: str, headers: dict[str, None]) -> None:
    response = stack.request("GET", path, headers=headers)
    assert (response.status, response.json()["statusCode"], response.json()["message"]) == (404, 404, "NOT_FOUND")
    assert contract.violations(SHAPE, response.json()) == []
    assert response.headers["Content-Type"].startswith("application/json")


def wrong_methods() -> list[tuple[str, str]]:
    return [
        (method, path) for path in contract.DOCUMENT["paths"] for method in METHODS if method not in allowed(path)
    ]


@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain"])
@pytest.mark.parametrize(("method", "path"), wrong_methods())
def test_a_wrong_method_is_told_the_right_ones(
    stack: Stack, method: str, path: str, content_type: str | None
) -> None:
    response = stack.request(
        method, path.format(rut=rut.NOBODY, leadId="x"), headers={"Content-Type": content_type}
    )
    assert response.status == 405
    assert set(response.headers["Allow"].split(", ")) == allowed(path)
    if method != "HEAD":
        assert contract.violations(SHAPE, response.json()) == []
        assert (response.json()["statusCode"], response.json()["message"]) == (405, "METHOD_NOT_ALLOWED")


@pytest.fixture
def limited_key(stack: Stack) -> Iterator[Callable[..., str]]:
    """Makes a key of the same API with a usage plan of its own, and takes both away again."""
    if not stack.outputs:
        pytest.skip("a stage elsewhere gets no further keys from a test")
    gateway = stack.aws("apigateway")
    api, stage = stack.url.rpartition("/execute-api/")[2].split("/")[:2]
    made = []

    def make(**limits: Any) -> str:
        key = gateway.create_api_key(name=f"limited-{uuid.uuid4().hex[:8]}", enabled=True)
        plan = gateway.create_usage_plan(name=key["name"], apiStages=[{"apiId": api, "stage": stage}], **limits)
        gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
        made.append((key["id"], plan["id"]))
        return str(gateway.get_api_key(apiKey=key["id"], includeValue=True)["value"])

    yield make
    for key, plan in made:
        gateway.delete_usage_plan_key(usagePlanId=plan, keyId=key)
        gateway.delete_usage_plan(usagePlanId=plan)
        gateway.delete_api_key(apiKey=key)


@pytest.mark.parametrize(
    "limits",
    [{"throttle": {"rateLimit": 0.01, "burstLimit": 1}}, {"quota": {"limit": 1, "period": "DAY"}}],
    ids=["throttled", "quota"],
)
def test_beyond_a_limit_the_answer_says_when_to_come_back(
    stack: Stack, limited_key: Callable[..., str], limits: dict[str, Any]
) -> None:
    headers = {"x-api-key": limited_key(**limits)}
    path = f"/clients/{rut.new()}"
    contract.hold("getClient", stack.request("GET", path, headers=headers), 404)
    refused = stack.request("GET", path, headers=headers, patient=False)
    contract.hold("getClient", refused, 429)
    assert int(refused.headers["Retry-After"]) > 0
