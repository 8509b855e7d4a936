"""The files themselves: their length, what they must not mention, and the names that several of them share."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.architecture.sources import ROOT, files, texts

MAX_LINES = 400
CODE = {".py", ".js", ".css", ".html", ".sh", ".sql"}
LOOPBACK = {"localhost", "127.0.0.1"}
INDEX_VARIABLES = re.compile(r"(PIP|UV)_.*(INDEX|LINKS|HOST)")
HOMES = re.compile(r"/(?:home|Users)/[a-z][a-z0-9_-]*/")


def registry_places(settings: str) -> set[str]:
    """Hosts and folders that packages come from, of `pip config list`'s text or of NAME=value lines."""
    places: set[str] = set()
    for value in re.findall(r"=\s*'?([^'\n]*)", settings):
        for word in value.split():
            if urlsplit(word).hostname:
                places.add(str(urlsplit(word).hostname))
            elif word.startswith("/"):
                places.add(word)
    return places - LOOPBACK


def this_machines_registries() -> set[str]:
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    lines = [line for line in listed.splitlines() if re.search(r"index|find-links|host", line.partition("=")[0])]
    lines += [f"{name}={value}" for name, value in os.environ.items() if INDEX_VARIABLES.fullmatch(name)]
    return registry_places("\n".join(lines))


def mentions(words: set[str]) -> list[str]:
    return [f"{path} mentions {word}" for path, text in texts() for word in sorted(words) if word in text]


class Fields(HTMLParser):
    """Names of the fields of a page's forms."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("name")
        if tag in ("input", "select", "textarea") and name:
            self.names.add(name)


def lead_fields() -> set[str]:
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    return set(document["components"]["schemas"]["Lead"]["properties"])


def test_no_file_of_code_is_longer_than_one_can_read() -> None:
    lengths = {path: len(text.splitlines()) for path, text in texts() if path.suffix in CODE}
    assert {str(path): length for path, length in lengths.items() if length > MAX_LINES} == {}


def test_no_file_mentions_where_this_machine_gets_its_packages() -> None:
    assert mentions(this_machines_registries()) == []


def test_a_registry_would_be_noticed() -> None:
    settings = "global.index-url='https://user@mirror.example:8443/simple'\n:env:.find-links='/var/wheels'\n"
    assert registry_places(settings) == {"mirror.example", "/var/wheels"}
    assert registry_places("UV_DEFAULT_INDEX=http://127.0.0.1:3141/simple") == set(), "the project's own servers"


def test_no_file_mentions_a_folder_of_this_machine() -> None:
    here = {f"{folder}/" for folder in (ROOT, Path.home()) if folder != Path("/")}
    assert mentions(here) == []


def test_no_file_mentions_anybodys_home() -> None:
    assert [f"{path}: {match[0]}" for path, text in texts() for match in [HOMES.search(text)] if match] == []


def test_the_page_asks_for_fields_that_the_contract_knows() -> None:
    page = Fields()
    page.feed((ROOT / "web/index.html").read_text())
    assert page.names | {"origin"} == lead_fields()


def test_the_script_words_fields_that_the_contract_knows() -> None:
    script = (ROOT / "web/form.js").read_text()
    block = re.search(r"^  fields: \{\n(.*?)^  \},?$", script, re.DOTALL | re.MULTILINE)
    assert block, "the script's texts of the fields have moved"
    names = set(re.findall(r"^    (\w+):", block[1], re.MULTILINE))
    assert names | {"origin"} == lead_fields()


@pytest.mark.parametrize("name", [".env", "id_rsa", "credentials"])
def test_no_file_of_secrets_is_tracked(name: str) -> None:
    assert not [path for path in files() if path.name == name]
