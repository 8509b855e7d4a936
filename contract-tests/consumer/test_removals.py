"""Removing or renaming anything that a consumer counts on, in openapi.yaml alone, is noticed."""

import re

import pytest
from consumer import expectations
from consumer.check import ConsumerCheck
from consumer.removals import Change, changes
from support.stack import ROOT

from components import openapi

DOCUMENT = openapi.load(ROOT / "openapi.yaml")
PROSE = "prose; nobody acts on it"
UNUSED = "getClient is for callers outside; what holds it is contract-tests/provider and drift"
SAID_TWICE = "the pattern or the values beside it say so already"
# Why consumers need not notice a change: its kinds (all where empty), its place (regular expressions), the reason.
HARMLESS = (
    ("", r"(info|servers|tags)\b.*", PROSE),
    ("", r"openapi", "openapi-spec-validator holds it, in make check"),
    ("", r".* (summary|tags( \d)?)", PROSE),
    ("", r".*(?<!properties) description", PROSE),
    ("", r".* example\b.*", PROSE),
    ("", r"(.* )?x-tidy\b.*", "tests/web/test_tidy.py holds what the doors for people forgive"),
    ("", r".* x-words", PROSE),
    ("", r".* links\b.*", "the stateful tests in contract-tests/provider walk them"),
    ("", r"paths /clients/\{rut\}.*", UNUSED),
    ("", r"components (parameters Rut|schemas ClientRecord|schemas CanonicalRut)\b.*", UNUSED),
    (
        "removed|renamed|reworded",
        r"security( 0)?( api_key)?",
        "each operation says for itself which key it asks for",
    ),
    (
        "removed|renamed",
        r"paths /create_\w+ post security",
        "without it the document's own holds, which says the same",
    ),
    (
        "removed|renamed",
        r"components parameters LeadId required",
        "a path without its last segment is another path",
    ),
    ("removed|renamed", r"components parameters CorrelationId required", "false, as if it weren't said"),
    ("renamed everywhere", r"components (parameters|responses|headers) \w+", "a name inside the document"),
    ("renamed everywhere", r"components schemas \w+", "a name inside the document, which no function asks for"),
    ("removed|renamed", r".* headers (Location|RetryAfter) schema type", "a header is text"),
    (
        "removed|renamed",
        r"components schemas (Name minLength|(Rut|Store|LeadId|Phone oneOf 0) maxLength)",
        SAID_TWICE,
    ),
    ("removed|renamed", r"components schemas (Origin|LeadState|LeadStep) type", SAID_TWICE),
    ("removed|renamed", r"components schemas Rut pattern", "the format says so already"),
    ("", r"components schemas Phone oneOf 1 format", "the bounds are narrower than int64"),
    (
        "removed|renamed",
        r"components schemas ApiResponseBody properties statusCode (type|minimum|maximum)",
        "it is the answer's own status, and the consumers compare the two",
    ),
)
CHECK = ConsumerCheck(expectations.all_of_them())


def reason(change: Change) -> str | None:
    for kinds, place, why in HARMLESS:
        if re.fullmatch(kinds or ".*", change.kind) and re.fullmatch(place, change.place):
            return why
    return None


@pytest.fixture(scope="module")
def unnoticed() -> list[Change]:
    return [change for change in changes(DOCUMENT) if CHECK.finding(change.document) is None]


def test_the_contract_as_it_is_keeps_every_expectation() -> None:
    assert CHECK.finding(DOCUMENT) is None


@pytest.mark.timeout(180)
def test_every_removal_and_renaming_is_noticed_or_harmless_for_a_reason(unnoticed: list[Change]) -> None:
    assert [f"{each.kind}: {each.place}" for each in unnoticed if reason(each) is None] == []


@pytest.mark.timeout(180)
def test_every_reason_is_needed(unnoticed: list[Change]) -> None:
    used = {
        (kinds, place)
        for kinds, place, _ in HARMLESS
        for each in unnoticed
        if re.fullmatch(kinds or ".*", each.kind) and re.fullmatch(place, each.place)
    }
    assert [place for kinds, place, _ in HARMLESS if (kinds, place) not in used] == []


def test_several_hundred_changes_are_tried_and_most_of_what_is_no_prose_is_noticed() -> None:
    tried = list(changes(DOCUMENT))
    assert len(tried) > 1000
    assert len({(each.kind, each.place) for each in tried}) == len(tried)
    assert len([each for each in tried if each.document == DOCUMENT]) == 0, "each is really a change"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("paths /create_partner post responses 404", "status 404 is not documented"),
        ("components securitySchemes api_key", "api_key"),
        ("components schemas Client properties mail", "additionalProperties"),
        ("components schemas LeadStatus properties error", "additionalProperties"),
        ("components schemas ApiResponseBody required 1", "is allowed now"),
        ("components schemas Lead required 2", "is allowed now"),
        ("components schemas Mail format", "is allowed now"),
        ("paths /leads post responses 202 headers Location", "is allowed now"),
    ],
)
def test_a_finding_says_what_breaks(place: str, says: str) -> None:
    (change,) = (each for each in changes(DOCUMENT) if (each.kind, each.place) == ("removed", place))
    assert says in str(CHECK.finding(change.document))
