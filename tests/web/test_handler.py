"""The function that serves the page, as its Function URL sees it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components import archive, openapi
from handlers.intake.web_form import FOLDER, SCHEMAS, Form
from handlers.shared.contract import Contract
from tests.web.fake_api import DOCUMENT
from tests.web.site import URL_ID, event

API_URL = "https://abc123.execute-api.us-east-1.amazonaws.com/dev"
PATHS = {
    "/": "text/html; charset=utf-8",
    "/form.js": "text/javascript; charset=utf-8",
    "/contract.js": "text/javascript; charset=utf-8",
    "/tidy.js": "text/javascript; charset=utf-8",
    "/form.css": "text/css; charset=utf-8",
    "/config.json": "application/json",
}
UNKNOWN_PATHS = (
    "/index.html",
    "/web_form.py",
    "/../form.js",
    "//form.js",
    "/config.json/",
    f"/{URL_ID}/",
    f"/{URL_ID}form.js",
)


@pytest.fixture
def served(form_contract: Contract) -> Form:
    return Form(FOLDER, API_URL, form_contract)


def config_of(contract: Contract) -> dict[str, Any]:
    return {"apiUrl": API_URL, **{name: contract.schema(schema) for name, schema in SCHEMAS.items()}}


@pytest.mark.parametrize(("path", "content_type"), PATHS.items())
def test_each_part_of_the_page_is_served_with_its_media_type(served: Form, path: str, content_type: str) -> None:
    answer = served.answer(event(path))
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, content_type)
    assert len(answer["body"]) > 100


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_any_other_path_is_not_found(served: Form, path: str) -> None:
    answer = served.answer(event(path))
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["message"] == "NOT_FOUND"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_a_method_other_than_get_and_head_is_refused_with_the_allowed_ones(served: Form, method: str) -> None:
    answer = served.answer(event("/", method))
    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", PATHS)
def test_head_answers_like_get_without_a_body(served: Form, path: str) -> None:
    head, get = served.answer(event(path, "HEAD")), served.answer(event(path))
    assert head["body"] == ""
    assert {**head, "body": None} == {**get, "body": None}


@pytest.mark.parametrize(("path", "method"), [(path, "GET") for path in PATHS] + [("/none", "GET"), ("/", "POST")])
def test_every_answer_carries_the_strict_policy(served: Form, path: str, method: str) -> None:
    headers = served.answer(event(path, method))["headers"]
    assert headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self' https://abc123.execute-api.us-east-1.amazonaws.com",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_a_browser_that_has_the_current_version_is_not_sent_it_again(served: Form) -> None:
    tag = served.answer(event("/form.js"))["headers"]["ETag"]
    again = served.answer(event("/form.js", headers={"If-None-Match": f'W/"other", {tag}'}))
    assert (again["statusCode"], again["body"], again["headers"]["ETag"]) == (304, "", tag)
    assert served.answer(event("/form.js", headers={"If-None-Match": '"other"'}))["statusCode"] == 200


def test_the_configuration_is_the_stage_and_what_the_page_checks_by(form_contract: Contract) -> None:
    served = Form(FOLDER, API_URL + "/", form_contract)
    config = json.loads(served.answer(event("/config.json"))["body"])
    assert config == config_of(form_contract)
    assert "$ref" not in json.dumps(config), "a browser can't follow references into openapi.yaml"


def test_the_page_links_only_below_its_own_address(served: Form) -> None:
    body = served.answer(event("/"))["body"]
    assert f'src="{URL_ID}/form.js"' in body
    assert f'href="{URL_ID}/form.css"' in body
    assert '="/' not in body
    assert "http://www.w3.org/2000/svg" in body
    assert body.count("http") == 1, "the SVG namespace is the only absolute address"


def test_an_id_that_could_break_out_of_the_page_stays_out_of_it(served: Form) -> None:
    body = served.answer(event("/", url_id='"><script>'))["body"]
    assert "<script>" not in body
    assert 'src="form.js"' in body


RUN = """
import json, sys
from handlers.intake.web_form import handler
print(json.dumps([handler(event, None) for event in json.load(sys.stdin)]))
"""


def _run_in_archive(folder: Path, environment: dict[str, str], *events: dict[str, Any]) -> list[dict[str, Any]]:
    """The handler's answers from a folder that holds what the deployment packs, and nothing else."""
    root = FOLDER.parent
    for path in archive.modules(root, "handlers.intake.web_form"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / path, folder / path)
    shutil.copytree(FOLDER, folder / "web")
    contract = folder / "handlers" / "contract.json"
    contract.write_text(json.dumps(openapi.bundle(DOCUMENT, SCHEMAS.values())), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(events),
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_the_handler_works_from_its_archive(tmp_path: Path, form_contract: Contract) -> None:
    page, config = _run_in_archive(tmp_path, {"API_URL": API_URL}, event("/"), event("/config.json"))
    assert page["statusCode"] == 200
    assert json.loads(config["body"]) == config_of(form_contract)


def test_a_function_without_its_setting_answers_500_and_tells_nothing(tmp_path: Path) -> None:
    (answer,) = _run_in_archive(tmp_path, {}, event("/"))
    assert answer["statusCode"] == 500
    assert "API_URL" not in answer["body"]
