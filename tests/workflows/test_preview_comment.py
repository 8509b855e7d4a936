"""The comment with each stack's preview, against a stand-in for GitHub's API."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.handlers.http_server import Reply, Request, ScriptedServer
from tools.preview_comment import MARKER, MAX_COMMENT, PER_PAGE, body

ROOT = Path(__file__).parents[2]
PREVIEW = """\
     Type                 Name            Plan
 +   pulumi:pulumi:Stack  leadbridge-dev  create

Resources:
    + 2 to create
    ~ 1 to update
    125 unchanged
"""
WRITTEN = Reply.json(201, {"html_url": "https://example.com/comment"})


def comment(number: int, text: str) -> dict[str, object]:
    return {"id": number, "body": text}


@contextmanager
def github(*replies: Reply) -> Iterator[ScriptedServer]:
    with ScriptedServer(list(replies)).running() as server:
        yield server


def run(server: ScriptedServer, folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    variables = {
        "GITHUB_API_URL": server.url,
        "GITHUB_REPOSITORY": "company/leadbridge",
        "PULL_REQUEST": "12",
        "GITHUB_TOKEN": "token-of-this-test",
        **changes,
    }
    return subprocess.run(
        [sys.executable, "tools/preview_comment.py", str(folder)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=30,
    )


def last(server: ScriptedServer) -> Request:
    return server.requests[-1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dev.txt").write_text(PREVIEW)
    (tmp_path / "prod.txt").write_text("error: no credentials\n")
    return tmp_path


def test_the_first_preview_becomes_a_comment(folder: Path) -> None:
    with github(Reply.json(200, [comment(1, "looks good")]), WRITTEN) as server:
        result = run(server, folder)
        assert result.returncode == 0, result.stderr
        assert (last(server).method, last(server).path) == ("POST", "/repos/company/leadbridge/issues/12/comments")
        assert json.loads(last(server).body)["body"].startswith(MARKER)
        assert last(server).headers["authorization"] == "Bearer token-of-this-test"


def test_the_next_preview_takes_the_place_of_the_first(folder: Path) -> None:
    with github(Reply.json(200, [comment(7, f"{MARKER}\n\nold")]), WRITTEN) as server:
        assert run(server, folder).returncode == 0
        assert (last(server).method, last(server).path) == ("PATCH", "/repos/company/leadbridge/issues/comments/7")


def test_a_comment_of_a_busy_pull_request_is_found_on_a_later_page(folder: Path) -> None:
    full = [comment(number, "talk") for number in range(PER_PAGE)]
    pages = (Reply.json(200, full), Reply.json(200, [comment(200, f"{MARKER} old")]))
    with github(*pages, WRITTEN) as server:
        assert run(server, folder).returncode == 0
        assert [request.path.rpartition("page=")[2] for request in server.requests[:2]] == ["1", "2"]
        assert last(server).path.endswith("/comments/200")


def test_a_comment_that_only_quotes_ours_stays_as_it_is(folder: Path) -> None:
    with github(Reply.json(200, [comment(7, f"> {MARKER}\n\nwhy?")]), WRITTEN) as server:
        assert run(server, folder).returncode == 0
        assert last(server).method == "POST"


def test_a_refusal_of_github_is_told_without_the_token(folder: Path) -> None:
    with github(Reply.json(403, {"message": "Resource not accessible"})) as server:
        result = run(server, folder)
        assert result.returncode == 1
        assert "403" in result.stderr
        assert "Resource not accessible" in result.stderr
        assert "token-of-this-test" not in result.stderr


def test_a_missing_variable_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULL_REQUEST", raising=False)
    with github(WRITTEN) as server:
        variables = {name: value for name, value in os.environ.items() if name != "PULL_REQUEST"}
        result = subprocess.run(
            [sys.executable, "tools/preview_comment.py", str(folder)],
            cwd=ROOT,
            env={**variables, "GITHUB_API_URL": server.url, "GITHUB_REPOSITORY": "a/b"},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert result.returncode == 2
        assert "PULL_REQUEST" in result.stderr
        assert not server.requests


def test_an_empty_folder_is_an_error_and_not_an_empty_comment(tmp_path: Path) -> None:
    with github(WRITTEN) as server:
        result = run(server, tmp_path)
        assert result.returncode == 1
        assert "tools/preview-stacks" in result.stderr
        assert not server.requests


def test_each_stack_says_in_one_line_what_would_happen() -> None:
    text = body({"dev": PREVIEW, "prod": "error: no credentials", "test": PREVIEW.partition("Resources")[0]})
    assert "<b>dev</b>: + 2 to create, ~ 1 to update, 125 unchanged" in text
    assert "<b>prod</b>: the preview failed" in text
    assert "<b>test</b>: the preview failed" in text, "without its counts a preview did not come to its end"


@pytest.mark.parametrize("stacks", [1, 2, 5])
def test_a_long_preview_is_cut_where_github_would_refuse_it_and_keeps_both_ends(stacks: int) -> None:
    long = "first line\n" + "x" * MAX_COMMENT + PREVIEW
    text = body({f"stack{number}": long for number in range(stacks)})
    assert len(text) <= MAX_COMMENT
    assert text.count("first line") == text.count("125 unchanged\n") == stacks


def test_a_preview_can_not_end_its_own_fence() -> None:
    text = body({"dev": "`````\n<script>\n" + PREVIEW})
    assert text.count("`````") == 2
