"""JSON as RFC 8259 means it: no NaN, no duplicate keys, no broken Unicode, no bottomless nesting."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

from handlers.shared.errors import InvalidRequest

# More than any lead needs, and less than any interpreter's own limit, which differ.
MAX_DEPTH = 100
MAX_QUOTED = 40  # characters of a name
# What a name shows of itself: no markup, no template, no end of the sentence, and nothing that hides or reorders.
_PLAIN = re.compile(r"[A-Za-z0-9 _.\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f-]")
_LONG_NUMBER = re.compile("[0-9]{5,}")  # may be somebody's RUT or phone


def is_media_type(content_type: str | None) -> bool:
    """Whether a Content-Type header says `application/json`, in UTF-8 where it names a charset."""
    media_type, _, parameters = (content_type or "").partition(";")
    charsets = [
        value.strip().strip('"').lower()
        for name, _, value in (parameter.partition("=") for parameter in parameters.split(";"))
        if name.strip().lower() == "charset"
    ]
    return media_type.strip().lower() == "application/json" and all(charset == "utf-8" for charset in charsets)


def parse(text: str) -> Any:
    """Raise InvalidRequest with what is wrong; the text itself is never quoted."""
    if "\ufffd" in text:  # the gateway puts U+FFFD where the body was not UTF-8
        raise InvalidRequest("the body is not valid UTF-8")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        if is_too_deep(value):
            raise InvalidRequest("the body is nested too deeply")
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidRequest("the body holds half of a surrogate pair") from None
    except RecursionError:
        raise InvalidRequest("the body is nested too deeply") from None
    except ValueError:  # JSONDecodeError, and integers of more digits than Python converts
        raise InvalidRequest("the body is not valid JSON") from None
    return value


def quoted(name: str) -> str:
    """A field's name that somebody else chose, in quotes: cut, any odd character as its code point."""
    cut = _LONG_NUMBER.sub("…", name[:MAX_QUOTED])
    shown = "".join(each if _PLAIN.fullmatch(each) or each == "…" else f"\\u{{{ord(each):x}}}" for each in cut)
    return f'"{shown}{"…" if len(name) > MAX_QUOTED else ""}"'


def is_too_deep(value: Any) -> bool:
    """Whether objects and arrays are nested for more than MAX_DEPTH levels. Does not recurse itself."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidRequest(f"the body is not valid JSON: {name} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidRequest(f"the body names the field {quoted(twice)} twice")
    return result
