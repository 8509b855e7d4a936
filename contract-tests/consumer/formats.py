"""The contract's formats, written from its descriptions and apart from the handlers' own rules."""

import re
import string
import unicodedata
from collections.abc import Iterator

import jsonschema
from jsonschema import Draft4Validator, ValidationError
from rfc3339_validator import validate_rfc3339
from support import rut

FORMATS = jsonschema.FormatChecker(formats=())
_ATOM = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~")
# Signs of Arabic and other scripts, which Unicode counts among the format characters, and which are drawn.
_SEEN = frozenset([*map(chr, range(0x600, 0x606)), *"\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"])
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U0001d159")
# Selectors, and blocks of controls with code points that are not assigned yet.
_BLOCKS = (
    range(0x2060, 0x2070),
    range(0xFE00, 0xFE10),
    range(0xFFF0, 0xFFFC),
    range(0x13430, 0x13440),
    range(0xE0000, 0xE1000),
)
_LABEL = frozenset(string.ascii_letters + string.digits + "-")


@FORMATS.checks("rut")
def is_rut(value: object) -> bool:
    return not isinstance(value, str) or rut.is_valid(value)


@FORMATS.checks("visible")
def is_visible(value: object) -> bool:
    """Some character is neither a space, nor a control or format character, nor a filler or selector."""
    return not isinstance(value, str) or not all(map(_is_blank, value))


def _is_blank(character: str) -> bool:
    if character in _SEEN:
        return False
    unseen = unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")
    return unseen or character in _FILLERS or any(ord(character) in block for block in _BLOCKS)


@FORMATS.checks("email")
def is_mail(value: object) -> bool:
    """RFC 5321's Dot-string (64 characters at most) and a domain of two labels or more (63 each)."""
    if not isinstance(value, str):
        return True
    local, at, domain = value.rpartition("@")
    labels = domain.split(".")
    return (
        at == "@"
        and 0 < len(local) <= 64
        and all(atom and set(atom) <= _ATOM for atom in local.split("."))
        and len(labels) > 1
        and all(_is_label(label) for label in labels)
    )


def _is_label(label: str) -> bool:
    return 0 < len(label) <= 63 and set(label) <= _LABEL and label[0] != "-" and label[-1] != "-"


@FORMATS.checks("date-time")
def is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(validate_rfc3339(value))


@FORMATS.checks("int64")
def is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _is_integer(_checker: object, value: object) -> bool:
    """JSON has one kind of number: 1.0 is the integer 1, as JSON Schema says from draft 6 on."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(_validator: object, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    """As ECMA 262, which OpenAPI names, has it: `$` is the very end, and not before a last line break too."""
    if isinstance(value, str) and not re.search(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), value):
        yield ValidationError("does not match")


_TYPES = Draft4Validator.TYPE_CHECKER.redefine("integer", _is_integer)
# OpenAPI 3.0's schema objects are JSON Schema's draft 4 as far as this contract uses them.
Validator = jsonschema.validators.extend(Draft4Validator, {"pattern": _pattern}, type_checker=_TYPES)


def problems(schema: object, value: object) -> list[str]:
    """What breaks the schema, as `place: rule`, without quoting the value."""
    found = Validator(schema, format_checker=FORMATS).iter_errors(value)
    return [f"{error.json_path}: {error.validator}" for error in found]
