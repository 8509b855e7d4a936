"""Breakages of what the gateway is told to answer by itself."""

from mutants import killers
from mutants.mutant import Mutant, rows

_DOCUMENT = rows("gateway", "components/openapi.py")
_API = rows("gateway", "components/rest_api.py")

_INTEGRATE = 'item[method]["x-amazon-apigateway-integration"]'

ROWS: tuple[Mutant, ...] = (
    _DOCUMENT(
        "no operation needs a key",
        _INTEGRATE,
        f'item[method]["security"] = []\n            {_INTEGRATE}',
        killers=killers.KEYS,
    ),
    _DOCUMENT(
        "a wrong method is not answered",
        'item["x-amazon-apigateway-any-method"] = ',
        "_ = ",
        killers=killers.WRONG_METHOD,
    ),
    _DOCUMENT("a wrong method answers 404", "_mock(405, {", "_mock(404, {", killers=killers.WRONG_METHOD),
    _DOCUMENT(
        "a 405 does not say what is allowed",
        '_mock(405, {"Allow": allow}',
        "_mock(405, {}",
        killers=killers.WRONG_METHOD,
    ),
    _DOCUMENT(
        "a 405 allows what it doesn't",
        '(["OPTIONS"] if public else [])',
        '["PATCH"]',
        killers=killers.WRONG_METHOD,
    ),
    _DOCUMENT(
        "a 405 has no body",
        'body = _message(405, "METHOD_NOT_ALLOWED", f"This path knows {allow}.")',
        'body = ""',
        killers=killers.WRONG_METHOD,
    ),
    _DOCUMENT(
        "a 405 tells another status in its body", "_message(405,", "_message(404,", killers=killers.WRONG_METHOD
    ),
    _DOCUMENT(
        "a wrong method with a body answers 415",
        'MOCK_MEDIA_TYPES = (\n    "application/json",\n',
        "MOCK_MEDIA_TYPES = (\n",
        killers=killers.WRONG_METHOD,
    ),
    _DOCUMENT("a page may not ask before it sends", 'item["options"] = ', "_ = ", killers=killers.CORS),
    _DOCUMENT(
        "a page may not send",
        '"Access-Control-Allow-Methods": allow',
        '"Access-Control-Allow-Methods": "GET"',
        killers=killers.CORS,
    ),
    _DOCUMENT(
        "a page may not say that it sends JSON",
        '"Access-Control-Allow-Headers": "Content-Type"',
        '"Access-Control-Allow-Headers": "X-Lead-Id"',
        killers=killers.CORS,
    ),
    _DOCUMENT(
        "a page can't read the gateway's refusals",
        'headers = {"Access-Control-Allow-Origin": allowed_origin, "Cache-Control": "no-store"}',
        'headers = {"Cache-Control": "no-store"}',
        killers=killers.CORS,
    ),
    _DOCUMENT(
        "a wrong key answers 401", '"INVALID_API_KEY": (403,', '"INVALID_API_KEY": (401,', killers=killers.KEYS
    ),
    _DOCUMENT(
        "an unknown path answers 403",
        '"MISSING_AUTHENTICATION_TOKEN": (404,',
        '"MISSING_AUTHENTICATION_TOKEN": (403,',
        killers=killers.UNKNOWN_PATH,
    ),
    _DOCUMENT(
        "an unknown path is answered in the gateway's own words",
        '    "MISSING_AUTHENTICATION_TOKEN": (404, "NOT_FOUND", "There is no such path."),\n',
        "",
        killers=killers.UNKNOWN_PATH,
    ),
    _DOCUMENT(
        "a body of over 10 MB answers 400",
        '"REQUEST_TOO_LARGE": (413,',
        '"REQUEST_TOO_LARGE": (400,',
        killers=killers.LARGE_READ,
    ),
    _DOCUMENT("a throttled call answers 503", '"THROTTLED": (429,', '"THROTTLED": (503,', killers=killers.LIMIT),
    _DOCUMENT(
        "a used-up quota answers 503", '"QUOTA_EXCEEDED": (429,', '"QUOTA_EXCEEDED": (503,', killers=killers.LIMIT
    ),
    _DOCUMENT(
        "a throttled call is not told when to come back",
        "if status in (429, 503):",
        "if status == 503:",
        killers=killers.LIMIT,
    ),
    _DOCUMENT(
        "the gateway's 503 does not say when to come back",
        "if status in (429, 503):",
        "if status == 429:",
        killers=killers.OWN_ANSWERS,
    ),
    _DOCUMENT(
        "a late answer is a 504",
        '"INTEGRATION_TIMEOUT": (503,',
        '"INTEGRATION_TIMEOUT": (504,',
        killers=killers.OWN_ANSWERS,
    ),
    _DOCUMENT(
        "a function that can't be reached is a 502",
        '"INTEGRATION_FAILURE": (503,',
        '"INTEGRATION_FAILURE": (502,',
        killers=killers.OWN_ANSWERS,
    ),
    _DOCUMENT(
        "the gateway's errors are its own",
        '"DEFAULT_5XX": (500,',
        '"DEFAULT_5XX": (502,',
        killers=killers.OWN_ANSWERS,
    ),
    _DOCUMENT(
        "the gateway's refusals are no JSON by their media type",
        '"responseTemplates": {"application/json": _message(status, code, sentence)}',
        '"responseTemplates": {"text/plain": _message(status, code, sentence)}',
        killers=killers.KEYS,
    ),
    _DOCUMENT(
        "the gateway's message has another field",
        '"message": "{code}", "description"',
        '"code": "{code}", "description"',
        killers=killers.KEYS,
    ),
    _DOCUMENT(
        "the gateway's status is text",
        '{{"statusCode": {status}, "message"',
        '{{"statusCode": "{status}", "message"',
        killers=killers.KEYS,
    ),
    _DOCUMENT(
        "a function's answer is not the gateway's",
        '"type": "aws_proxy"',
        '"type": "aws"',
        killers=killers.READ_BACK,
    ),
    _API(
        "the key has no plan",
        '"api_id": api.id, "stage": stage.stage_name',
        '"api_id": api.id, "stage": "other"',
        killers=killers.READ_BACK,
    ),
    _API(
        "the functions of the API may not be called",
        '"/*/", method, path_pattern',
        '"/other/", method, path_pattern',
        killers=killers.PERMISSIONS,
    ),
    _API(
        "the public operations are not throttled",
        'get("security") == []',
        'get("security") is None',
        killers=killers.OWN_LIMIT,
    ),
)
