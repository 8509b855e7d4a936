"""The Chilean tax id (RUT): digits, a dash, a check character modulo 11."""

import re
from itertools import cycle

_SHAPE = re.compile(r"([0-9]{7,8})-([0-9Kk])")


def check_character(digits: str) -> str:
    """`0`-`9` or `K`: the digits weighted 2, 3, 4, 5, 6, 7, 2, … from the right, modulo 11."""
    total = sum(int(digit) * weight for digit, weight in zip(reversed(digits), cycle(range(2, 8)), strict=False))
    return "0123456789K0"[11 - total % 11]


def is_valid(rut: str) -> bool:
    match = _SHAPE.fullmatch(rut)
    return match is not None and check_character(match[1]) == match[2].upper()


def normalise(rut: str) -> str:
    """As it is stored: with a capital K."""
    return rut.upper()
