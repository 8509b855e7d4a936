"""Puts the previews of a folder into one comment of a pull request, and keeps that comment up to date.

    GITHUB_TOKEN=… GITHUB_REPOSITORY=owner/name PULL_REQUEST=12 python tools/preview_comment.py build/preview

The folder holds <stack>.txt for each stack. GITHUB_API_URL is another API than GitHub's own.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from command_line import boundary

with boundary.imports():
    import urllib3

MARKER = "<!-- leadbridge: preview of each stack -->"
MAX_COMMENT = 65_536  # characters that GitHub takes
PER_PAGE = 100
FENCE = "`````"


class CommentError(Exception):
    """What kept the comment from being written."""

    exit_code = boundary.FAILED


def body(previews: Mapping[str, str]) -> str:
    """One part for each stack. What is too long is cut in the middle: its head and its summary are kept."""
    room = (MAX_COMMENT - 500) // max(len(previews), 1) - 200
    parts = [MARKER, "## What this changes on AWS"]
    for stack, text in sorted(previews.items()):
        summary = _summary(text)
        fenced = f"{FENCE}diff\n{_cut(text.strip(), room).replace(FENCE, '')}\n{FENCE}"
        parts.append(f"<details><summary><b>{stack}</b>: {summary}</summary>\n\n{fenced}\n\n</details>")
    return "\n\n".join(parts)


def _summary(text: str) -> str:
    """The counts that Pulumi ends a preview with, on one line."""
    lines = [line.strip() for line in text.splitlines()]
    if "Resources:" not in lines:
        return "the preview failed"
    counts = lines[lines.index("Resources:") + 1 :]
    return ", ".join(line for line in counts if line and line[0] in "+-~0123456789") or "no changes"


def _cut(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    note = "\n… cut; the whole preview is in the job's log …\n"
    half = (room - len(note)) // 2
    return text[:half] + note + text[-half:]


class PullRequest:
    """Its comments, through GitHub's REST API."""

    def __init__(self, api: str, repository: str, number: str, token: str) -> None:
        self._http = urllib3.PoolManager(retries=urllib3.Retry(3, backoff_factor=1), timeout=30)
        self._comments = f"{api}/repos/{repository}/issues"
        self._number = number
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}

    def put(self, text: str) -> str:
        """Write the comment, over the one of the last time where there is one. The comment's address."""
        known = next((each for each in self._all() if str(each.get("body", "")).startswith(MARKER)), None)
        if known:
            answer = self._call("PATCH", f"{self._comments}/comments/{known['id']}", {"body": text})
        else:
            answer = self._call("POST", f"{self._comments}/{self._number}/comments", {"body": text})
        return str(answer["html_url"])

    def _all(self) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            url = f"{self._comments}/{self._number}/comments?per_page={PER_PAGE}&page={page}"
            found = self._call("GET", url)
            yield from found
            if len(found) < PER_PAGE:
                return
            page += 1

    def _call(self, method: str, url: str, document: Any = None) -> Any:
        answer = self._http.request(method, url, json=document, headers=self._headers)
        if answer.status >= 300:
            raise CommentError(
                f"{method} {url} answered {answer.status}: {answer.data.decode(errors='replace')[:300]}"
            )
        return answer.json()


def main(arguments: list[str]) -> int:
    return boundary.run(lambda: _commented(arguments), boundary.Plain())


def _commented(arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise boundary.Unusable(f"give the folder of the previews, and nothing else\n\n{__doc__}")
    folder = Path(arguments[0])
    names = ("GITHUB_REPOSITORY", "PULL_REQUEST", "GITHUB_TOKEN")
    if missing := [name for name in names if not os.environ.get(name)]:
        raise boundary.Unusable(f"the variable {missing[0]} is missing\n\n{__doc__}")
    previews = {path.stem: path.read_text(errors="replace") for path in sorted(folder.glob("*.txt"))}
    if not previews:
        raise CommentError(f"there is no <stack>.txt in {folder}; run tools/preview-stacks first")
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    pull_request = PullRequest(api, *(os.environ[name] for name in names))
    try:
        sys.stdout.write(f"{pull_request.put(body(previews))}\n")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise CommentError(
            f"{api} answered with something that is not GitHub's own. Look at HTTPS_PROXY."
        ) from None
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
