"""The worst day that strangers can bring about: every public door at its limit from midnight to midnight.

Not counted: what needs the key (API Gateway charges nothing for a refused one) and what is refused by a limit.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from operations.cost.errors import CostError
from operations.cost.graph import FUNCTION, Graph, Resource
from operations.cost.prices import Prices

SECONDS_PER_DAY = 24 * 3600
MB_PER_GB = 1024
KB_PER_GB = 1024 * 1024
METHOD_SETTINGS = "aws:apigateway/methodSettings:MethodSettings"
REST_API = "aws:apigateway/restApi:RestApi"
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"
DAILY_LIMIT = "INTAKE_DAILY_LIMIT"
# https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-throttling
URL_REQUESTS_PER_CONCURRENCY = 10
# What an account may run at once where a function reserves nothing:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ACCOUNT_CONCURRENCY = 1000


@dataclass(frozen=True, kw_only=True)
class Door:
    """`requests`: the most in a day that are answered. `usd`: what they cost."""

    what: str
    requests: float
    usd: float


def worst_day(graph: Graph, per_lead: float, prices: Prices) -> tuple[Door, ...]:
    """`per_lead`: what one lead costs on its whole way, in dollars."""
    leads = _daily_limit(graph)
    return (
        Door(what="leads that are taken", requests=leads, usd=leads * per_lead),
        *_api(graph, prices),
        *_pages(graph, prices),
    )


def _daily_limit(graph: Graph) -> float:
    for function in graph.of(FUNCTION):
        variables = (function.inputs.get("environment") or {}).get("variables") or {}
        if DAILY_LIMIT in variables:
            return float(variables[DAILY_LIMIT])
    raise CostError(f"no function of the stack has {DAILY_LIMIT}: nothing bounds its leads. Deploy it again")


def _api(graph: Graph, prices: Prices) -> Iterator[Door]:
    limits = {each.inputs["methodPath"]: each.inputs["settings"] for each in graph.of(METHOD_SETTINGS)}
    mocks = 0.0
    request = prices.of("api_request") + _text(prices, "log_kb_per_request") + _out(prices, "answer_kb")
    call = _call(graph, prices, prices.assumed("lambda_seconds"))
    for path, method, operation in _public(graph):
        setting = limits.get(f"{path.replace('/', '~1')}/{method}") or limits.get("*/*")
        if setting is None:
            raise CostError(f"{method} {path} has no limit, so no worst day. Deploy the stack again")
        requests = setting["throttlingRateLimit"] * SECONDS_PER_DAY
        if operation is None:
            mocks += requests
            continue
        table = prices.of("table_write" if method == "POST" else "table_read")
        yield Door(what=f"{method} {path}", requests=requests, usd=requests * (request + call + table))
    yield Door(what="preflights, wrong methods", requests=mocks, usd=mocks * request)


def _public(graph: Graph) -> Iterator[tuple[str, str, str | None]]:
    """Path, method and operationId of whatever needs no key; None: the gateway itself answers."""
    for api in graph.of(REST_API):
        for path, item in json.loads(api.inputs["body"])["paths"].items():
            for name, method in item.items():
                if isinstance(method, dict) and method.get("security") == []:
                    yield path, name.removeprefix("x-amazon-apigateway-any-").upper(), method.get("operationId")


def _pages(graph: Graph, prices: Prices) -> Iterator[Door]:
    functions = {each.inputs["name"]: each for each in graph.of(FUNCTION)}
    for url in graph.of(FUNCTION_URL):
        function = _called(functions, str(url.inputs["functionName"]))
        at_once = function.inputs.get("reservedConcurrentExecutions") or ACCOUNT_CONCURRENCY
        requests = at_once * URL_REQUESTS_PER_CONCURRENCY * SECONDS_PER_DAY
        # it can't be busy for longer than all day
        seconds = min(prices.assumed("lambda_seconds"), at_once * SECONDS_PER_DAY / requests)
        usd = requests * (_call(graph, prices, seconds) + _out(prices, "page_kb"))
        yield Door(what="the form's pages", requests=requests, usd=usd)


def _called(functions: dict[str, Resource], name: str) -> Resource:
    if name not in functions:
        raise CostError(f"a URL calls {name}, which is not a function of this stack")
    return functions[name]


def _call(graph: Graph, prices: Prices, seconds: float) -> float:
    memory_gb = max(each.inputs["memorySize"] for each in graph.of(FUNCTION)) / MB_PER_GB
    time = seconds * memory_gb * prices.of("lambda_gb_second_arm64")
    traces = prices.assumed("traced_share") * prices.of("trace")
    return float(prices.of("lambda_request") + time + _text(prices, "log_kb_per_call") + traces)


def _text(prices: Prices, size: str) -> float:
    return prices.assumed(size) / KB_PER_GB * prices.of("log_gb")


def _out(prices: Prices, size: str) -> float:
    return prices.assumed(size) / KB_PER_GB * prices.of("data_out_gb")
