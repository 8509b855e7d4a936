"""Each kind of change of the contract, with what it does to whom."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import breaking_changes
import pytest
import yaml
from compatibility.operations import CALLERS, MAJOR, MINOR, OUTSIDE, PATCH, changes, needed
from compatibility.schemas import SchemaComparison
from consumer.expectations import CALLS
from support.stack import ROOT

from components import openapi

DOCUMENT = openapi.load(ROOT / "openapi.yaml")
FORM, ORCHESTRATION = CALLERS
Edit = Callable[[Any], object]


def at(document: Any, place: str) -> Any:
    for key in place.split(" "):
        document = document[int(key) if isinstance(document, list) else key]
    return document


def put(place: str, value: object) -> Edit:
    way, _, last = place.rpartition(" ")
    return lambda document: at(document, way).update({last: value})


def drop(place: str) -> Edit:
    way, _, last = place.rpartition(" ")

    def edit(document: Any) -> None:
        holder = at(document, way)
        holder.pop(int(last) if isinstance(holder, list) else last)

    return edit


def add(place: str, value: object) -> Edit:
    return lambda document: at(document, place).append(value)


def move(old: str, new: str) -> Edit:
    return lambda document: document["paths"].update({new: document["paths"].pop(old)})


CLIENT, SUBMIT = "paths /create_client post", "paths /leads post"
SCHEMAS = "components schemas"
FRESH = {"operationId": "fresh", "responses": {"200": {"description": "Fine."}}}
# what is changed -> the edit, the bump, whom it breaks, a part of the words
TABLE: dict[str, tuple[Edit, str, set[str], str]] = {
    "a path renamed": (
        move("/create_client", "/clients"),
        MAJOR,
        {ORCHESTRATION, OUTSIDE},
        "createClient is at POST /clients now",
    ),
    "a path removed": (drop("paths /leads/{leadId}"), MAJOR, {FORM, OUTSIDE}, "operation removed"),
    "a method renamed": (put("paths /clients/{rut}", {"post": FRESH}), MAJOR, {OUTSIDE}, "operation removed"),
    "an operation added": (put("paths /ping", {"get": FRESH}), MINOR, set(), "operation added"),
    "an operationId renamed": (put(f"{CLIENT} operationId", "makeClient"), MAJOR, {OUTSIDE}, "operationId"),
    "a key asked for": (put(f"{SUBMIT} security", [{"api_key": []}]), MAJOR, {FORM, OUTSIDE}, "a key is asked"),
    "no key any more": (put(f"{CLIENT} security", []), MINOR, set(), "less is asked"),
    "no key as an alternative": (
        put(f"{CLIENT} security", [{"api_key": []}, {}]),
        MINOR,
        set(),
        "less is asked",
    ),
    "security left to the document's own": (drop(f"{CLIENT} security"), PATCH, set(), "prose"),
    "the key's header renamed": (
        put("components securitySchemes api_key name", "x-key"),
        MAJOR,
        {ORCHESTRATION, OUTSIDE},
        "another key",
    ),
    "an optional field becomes required": (
        add(f"{SCHEMAS} ClientRecord required", "partner"),
        MINOR,
        set(),
        "fewer answers",
    ),
    "a field required of a request": (
        lambda document: (
            document["components"]["schemas"]["Partner"]["properties"].update(city={"type": "string"}),
            document["components"]["schemas"]["Partner"]["required"].append("city"),
        ),
        MAJOR,
        {ORCHESTRATION, OUTSIDE},
        ".city: is required now",
    ),
    "an optional field of a request": (
        put(f"{SCHEMAS} Partner properties city", {"type": "string"}),
        MINOR,
        set(),
        "property added",
    ),
    "a field of a request removed": (
        lambda document: (
            document["components"]["schemas"]["Partner"]["properties"].pop("store"),
            document["components"]["schemas"]["Partner"]["required"].remove("store"),
        ),
        MAJOR,
        {ORCHESTRATION, OUTSIDE},
        ".store: property removed",
    ),
    "unknown fields allowed in a request": (
        put(f"{SCHEMAS} Benefit additionalProperties", True),
        MINOR,
        set(),
        "additionalProperties",
    ),
    "a longer text in a request": (
        put(f"{SCHEMAS} Lead properties name", {"type": "string"}),
        MINOR,
        set(),
        "maxLength",
    ),
    "a channel added": (add(f"{SCHEMAS} Origin enum", "fax"), MINOR, set(), "value fax added"),
    "a channel removed": (drop(f"{SCHEMAS} Origin enum 1"), MAJOR, {FORM, OUTSIDE}, "value app removed"),
    "a phone as a number no longer": (
        drop(f"{SCHEMAS} Phone oneOf 1"),
        MAJOR,
        {FORM, ORCHESTRATION, OUTSIDE},
        "oneOf: integer removed",
    ),
    "another pattern": (
        put(f"{SCHEMAS} LeadId pattern", "^[0-9]+$"),
        MAJOR,
        {FORM, ORCHESTRATION, OUTSIDE},
        "pattern",
    ),
    "a shorter mail": (
        put(f"{SCHEMAS} Mail maxLength", 100),
        MAJOR,
        {FORM, ORCHESTRATION, OUTSIDE},
        "maxLength 254 -> 100",
    ),
    "a longer mail, which answers hold too": (
        put(f"{SCHEMAS} Mail maxLength", 300),
        MAJOR,
        {OUTSIDE},
        "answers may come that couldn't",
    ),
    "a higher least number": (
        put(f"{SCHEMAS} Phone oneOf 1 minimum", 5_000_000),
        MAJOR,
        {FORM, ORCHESTRATION, OUTSIDE},
        "minimum 1000000 -> 5000000",
    ),
    "a state added to an answer": (
        add(f"{SCHEMAS} LeadState enum", "LOST"),
        MAJOR,
        {FORM, OUTSIDE},
        "value LOST added",
    ),
    "a state removed from an answer": (
        drop(f"{SCHEMAS} LeadState enum 0"),
        MINOR,
        set(),
        "value SUBMITTED removed",
    ),
    "a field of an answer no longer certain": (
        drop(f"{SCHEMAS} ApiResponseBody required 1"),
        MAJOR,
        {FORM, ORCHESTRATION, OUTSIDE},
        ".message: is no longer required",
    ),
    "a field added to an answer that allowed no others": (
        put(f"{SCHEMAS} LeadStatus properties store", {"type": "string"}),
        MAJOR,
        {FORM, OUTSIDE},
        ".store: property added",
    ),
    "null in an answer": (
        put(f"{SCHEMAS} LeadStep nullable", True),
        MAJOR,
        {FORM, OUTSIDE},
        "null allowed",
    ),
    "a keyword that nobody knows": (
        put(f"{SCHEMAS} Store x-limit", 7),
        MAJOR,
        {FORM, ORCHESTRATION, OUTSIDE},
        "can't judge",
    ),
    "an error status removed": (drop(f"{CLIENT} responses 409"), MINOR, set(), "answer 409: error removed"),
    "an error status added": (
        put(f"{CLIENT} responses 422", {"$ref": "#/components/responses/Conflict"}),
        MINOR,
        set(),
        "answer 422: error added",
    ),
    "another success": (
        lambda document: document["paths"]["/create_client"]["post"]["responses"].update(
            {"201": document["paths"]["/create_client"]["post"]["responses"].pop("200")}
        ),
        MAJOR,
        {ORCHESTRATION, OUTSIDE},
        "answer 200: success removed",
    ),
    "another media type of an answer": (
        put("components responses Conflict content", {"text/plain": {"schema": {"type": "string"}}}),
        MAJOR,
        {ORCHESTRATION, OUTSIDE},
        "application/json removed",
    ),
    "another media type of a request": (
        put(f"{SUBMIT} requestBody content text/json", {"schema": {"type": "object"}}),
        MINOR,
        set(),
        "media type added",
    ),
    "a request's media type removed": (
        lambda document: document["paths"]["/leads"]["post"]["requestBody"].update(content={}),
        MAJOR,
        {FORM, OUTSIDE},
        "media type removed",
    ),
    "a body that may be missing": (put(f"{SUBMIT} requestBody required", False), MINOR, set(), "is optional now"),
    "a header of an answer removed": (
        drop(f"{SUBMIT} responses 202 headers Location"),
        MAJOR,
        {FORM, OUTSIDE},
        "header Location: removed",
    ),
    "a header of an answer no longer certain": (
        put("components headers RetryAfter required", False),
        MAJOR,
        {FORM, ORCHESTRATION, OUTSIDE},
        "may be missing now",
    ),
    "a parameter required": (
        put("components parameters CorrelationId required", True),
        MAJOR,
        {ORCHESTRATION, OUTSIDE},
        "X-Lead-Id: is required now",
    ),
    "an optional parameter added": (
        add(f"{CLIENT} parameters", {"name": "trace", "in": "query", "schema": {"type": "string"}}),
        MINOR,
        set(),
        "trace: added, optional",
    ),
    "a parameter renamed": (
        put("components parameters CorrelationId name", "X-Request-Id"),
        MAJOR,
        {ORCHESTRATION, OUTSIDE},
        "X-Lead-Id: removed",
    ),
    "a parameter of a path renamed": (
        lambda document: (
            move("/leads/{leadId}", "/leads/{id}")(document),
            put("components parameters LeadId name", "id")(document),
        ),
        PATCH,
        set(),
        "names that nobody outside sees",
    ),
    "a parameter of a path narrowed": (
        put("components parameters Rut schema", {"type": "string", "maxLength": 3}),
        MAJOR,
        {OUTSIDE},
        "path parameter rut",
    ),
    "a sentence": (put(f"{CLIENT} description", "Another."), PATCH, set(), "prose"),
    "a schema's name everywhere": (
        lambda document: (
            document["components"]["schemas"].update(Shop=document["components"]["schemas"].pop("Store")),
            [
                holder["properties"].update(store={"$ref": "#/components/schemas/Shop"})
                for holder in (
                    *(document["components"]["schemas"][name] for name in ("Partner", "Lead")),
                    document["components"]["schemas"]["ClientRecord"]["properties"]["partner"],
                )
            ],
        ),
        PATCH,
        set(),
        "prose",
    ),
}


def edited(edit: Edit) -> Any:
    document = copy.deepcopy(DOCUMENT)
    edit(document)
    return document


@pytest.mark.parametrize("name", TABLE)
def test_a_change_is_named_with_whom_it_breaks_and_the_version_it_needs(name: str) -> None:
    edit, bump, broken, words = TABLE[name]
    found = changes(DOCUMENT, edited(edit))
    assert needed(found) == bump, found
    assert {who for change in found for who in change.breaks} == broken
    assert any(words in f"{change.where}: {change.what}" for change in found), found


def test_the_callers_are_those_whose_requests_are_expected() -> None:
    assert {name for operations in CALLERS.values() for name in operations} == set(CALLS)


def test_the_same_contract_needs_nothing() -> None:
    assert changes(DOCUMENT, copy.deepcopy(DOCUMENT)) == []


@pytest.mark.parametrize("name", [name for name, (_, bump, *_) in TABLE.items() if bump != PATCH])
def test_the_way_back_is_a_change_too(name: str) -> None:
    back = needed(changes(edited(TABLE[name][0]), DOCUMENT))
    assert back in (MINOR, MAJOR), "what narrows one way widens the other"


@pytest.mark.parametrize(("version", "code"), [("1.0.1", 1), ("1.1.0", 1), ("2.0.0", 0)])
def test_a_break_needs_a_major_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], version: str, code: int
) -> None:
    released, new = written(tmp_path, "1.0.0", version, drop("paths /create_client"))
    assert breaking_changes.main(["--base", str(released), "--contract", str(new)]) == code
    shown = capsys.readouterr().out
    assert "breaks: orchestration, callers outside" in shown
    assert "info.version 1.0.0 -> 2.0.0" in shown
    assert ("Somebody breaks" in shown) == (code == 1)


def test_a_change_that_breaks_nobody_passes_and_a_program_can_read_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    released, new = written(tmp_path, "1.0.0", "1.0.0", add(f"{SCHEMAS} Origin enum", "fax"))
    assert breaking_changes.main(["--base", str(released), "--contract", str(new), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["needs"], result["breaks"], len(result["changes"])) == (MINOR, False, 1)


def written(folder: Path, old_version: str, new_version: str, edit: Edit) -> tuple[Path, Path]:
    old, new = folder / "released.yaml", folder / "new.yaml"
    for path, version, document in ((old, old_version, DOCUMENT), (new, new_version, edited(edit))):
        path.write_text(yaml.safe_dump({**document, "info": {**document["info"], "version": version}}))
    return old, new


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "git fetch"),
        ("a: [", "is not valid YAML"),
        ("just text", "is no OpenAPI document"),
        ("{paths: {}, info: {version: one}}", "write major.minor.patch"),
    ],
)
def test_a_contract_that_cannot_be_read_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, says: str
) -> None:
    base = tmp_path / "released.yaml"
    if text is not None:
        base.write_text(text)
    assert breaking_changes.main(["--base", str(base)]) == 2
    assert says in capsys.readouterr().err


def test_other_items_in_a_list_are_both_a_narrower_and_a_wider_list() -> None:
    lists = [{"type": "array", "items": {"type": kind}} for kind in ("string", "integer")]
    (found,) = SchemaComparison({}, {}).differences(lists[0], lists[1], ".notes")
    assert (found.place, found.narrower, found.wider) == (".notes[]", True, True)


def test_the_command_compares_with_a_commit_and_explains_itself() -> None:
    script = [sys.executable, str(ROOT / "contract-tests" / "breaking_changes.py")]
    done = subprocess.run([*script, "--help"], capture_output=True, text=True, timeout=30)
    assert "--base v1.2.0" in done.stdout
    against = subprocess.run([*script, "--base", "HEAD"], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert against.returncode in (0, 1), against.stderr
