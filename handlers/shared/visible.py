"""Whether a text leaves a mark: the contract's `format: visible`."""

import re

# Control characters and spaces, what Unicode calls format characters, fillers, and selectors of a glyph's form.
_BLANK = re.compile(
    "[\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)


def is_visible(text: str) -> bool:
    return not _BLANK.fullmatch(text)
