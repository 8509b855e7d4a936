"""The Chilean tax id (RUT): five to nine digits, a dash, a check character modulo 11.

Leading zeros and a small k are read, and name the same client: every place that stores, sends on or compares a
RUT does it with the `canonical` one.
"""

import re
from collections.abc import Mapping
from itertools import cycle
from typing import Any

_SHAPE = re.compile(r"0*([1-9][0-9]{4,8})-([0-9Kk])")


def check_character(digits: str) -> str:
    """`0`-`9` or `K`: the digits weighted 2, 3, 4, 5, 6, 7, 2, … from the right, modulo 11."""
    total = sum(int(digit) * weight for digit, weight in zip(reversed(digits), cycle(range(2, 8)), strict=False))
    return "0123456789K0"[11 - total % 11]


def is_valid(rut: str) -> bool:
    """Whether it has the shape and the right check character. How long it may be, the contract says."""
    match = _SHAPE.fullmatch(rut)
    return match is not None and check_character(match[1]) == match[2].upper()


def canonical(rut: str) -> str:
    """The one spelling of a valid RUT: no leading zeros, a capital K."""
    return rut.lstrip("0").upper()


def with_canonical(record: Mapping[str, Any]) -> dict[str, Any]:
    """The same record or lead, under its canonical RUT."""
    return {**record, "rut": canonical(record["rut"])}
