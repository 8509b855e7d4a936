"""The web form behind a Lambda Function URL: the page, its script and style, and the contract's rules."""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from handlers.shared import http, settings
from handlers.shared.contract import Contract

FOLDER = Path(__file__).parents[2] / "web"  # in the archive as in the repository
METHODS = ("GET", "HEAD")
# What the page checks by the contract: its name in config.json -> the contract's schema.
SCHEMAS = {"lead": "Lead", "receipt": "LeadReceipt", "status": "LeadStatus"}


class Form:
    """Answers the Function URL's events (payload format 2.0)."""

    def __init__(self, folder: Path, api_url: str, contract: Contract) -> None:
        """`api_url` is the stage's URL."""
        self._page = (folder / "index.html").read_text(encoding="utf-8")
        schemas = {name: contract.schema(schema) for name, schema in SCHEMAS.items()}
        config = {"apiUrl": api_url.rstrip("/"), **schemas}
        self._parts = {
            **{
                name: ("text/javascript; charset=utf-8", (folder / name).read_text(encoding="utf-8"))
                for name in ("form.js", "contract.js", "tidy.js")
            },
            "form.css": ("text/css; charset=utf-8", (folder / "form.css").read_text(encoding="utf-8")),
            "config.json": ("application/json", json.dumps(config, ensure_ascii=False)),
        }
        self._headers = {
            "Content-Security-Policy": _content_security_policy(api_url),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def answer(self, event: http.Event) -> http.Answer:
        request = event["requestContext"]
        found = self._find(event.get("rawPath") or "/", request.get("domainPrefix", ""))
        if found is None:
            return http.message(404, "NOT_FOUND", "There is nothing at this path.", self._headers)
        method = request["http"]["method"]
        if method not in METHODS:
            allow = {"Allow": ", ".join(METHODS)}
            return http.message(
                405, "METHOD_NOT_ALLOWED", "This path can only be read.", {**self._headers, **allow}
            )
        content_type, text = found
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        headers = {**self._headers, "Content-Type": content_type, "Cache-Control": "no-cache", "ETag": tag}
        unchanged = tag in (http.header(event, "if-none-match") or "")
        return {
            "statusCode": 304 if unchanged else 200,
            "headers": headers,
            "body": "" if unchanged or method == "HEAD" else text,
            "isBase64Encoded": False,
        }

    def _find(self, path: str, site: str) -> tuple[str, str] | None:
        """The media type and text at a path.

        `site` is the URL's own id. On the local cloud it is the last segment of the page's address, which people
        type with or without the slash at its end, and the event does not tell. A link through `site/` reaches
        this function from both, so the page's links go there and its parts answer there too.
        """
        known = re.fullmatch("[a-z0-9-]+", site) is not None
        if path == "/":
            page = re.sub(r'(href|src)="(form\.)', rf'\1="{site}/\2', self._page) if known else self._page
            return "text/html; charset=utf-8", page
        name = path.removeprefix("/")
        return self._parts.get(name.removeprefix(f"{site}/") if known else name)


def _content_security_policy(api_url: str) -> str:
    api = urlsplit(api_url)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src 'self' {api.scheme}://{api.netloc}",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


@cache
def _form() -> Form:
    return Form(FOLDER, settings.required("API_URL"), Contract.bundled())


@http.operation
def handler(event: http.Event, _context: Any) -> http.Answer:
    return _form().answer(event)
