"""The form's own handler behind a loopback server that turns requests into a Function URL's events."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from handlers.intake.web_form import Form
from tests.web.fake_api import QuietHandler, serving

URL_ID = "0123456789abcdef0123456789abcdef"


def event(
    path: str, method: str = "GET", headers: Mapping[str, str] | None = None, url_id: str = URL_ID
) -> dict[str, Any]:
    """What Lambda sends for a Function URL, payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in (headers or {}).items()},
        "requestContext": {
            "apiId": url_id,
            "domainName": f"{url_id}.lambda-url.us-east-1.on.aws",
            "domainPrefix": url_id,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


@contextmanager
def form_site(form: Form, prefix: str = f"/_aws/lambda-url/{URL_ID}") -> Iterator[str]:
    """The page's address below a prefix; the prefix with and without its slash is `/` to the function."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802
            path, _, _query = self.path.partition("?")
            below = path.removeprefix(prefix)
            if not path.startswith(prefix) or (below and not below.startswith("/")):
                return self.send(404, {}, b"no function here")
            answer = form.answer(event(below or "/", self.command, dict(self.headers)))
            return self.send(answer["statusCode"], answer["headers"], answer["body"].encode())

    with serving(Handler) as address:
        yield f"{address}{prefix}/"
