"""RUTs for tests, computed apart from the handlers' own rule."""

import itertools
import random
import re
from typing import TypeGuard

LONGEST = 20  # characters, with leading zeros
_SHAPE = re.compile(r"0*[1-9][0-9]{4,8}-[0-9Kk]")
# Of no client: nobody has been given nine digits.
# Generated cases have theirs below.
NOBODY_NUMBER = 910_000_000
_numbers = itertools.count(random.SystemRandom().randrange(89_000_000))


def check_character(digits: str) -> str:
    """Modulo 11, weights 2 to 7 from the right."""
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(digits)))
    return {10: "K", 11: "0"}.get(11 - total % 11, str(11 - total % 11))


def of(digits: str) -> str:
    return f"{digits}-{check_character(digits)}"


def has_shape(rut: object) -> TypeGuard[str]:
    return isinstance(rut, str) and _SHAPE.fullmatch(rut) is not None


def with_check_character(rut: str) -> str:
    """The same one if it was right, a small k too."""
    return rut if is_valid(rut) else of(rut[:-2])


def is_valid(rut: object) -> bool:
    return has_shape(rut) and of(rut[:-2]) == rut.upper()


def canonical(rut: str) -> str:
    """As it is stored and answered."""
    return rut.upper().lstrip("0")


def new() -> str:
    """Another canonical RUT at each call, out of those that no person and no company has."""
    return of(str(NOBODY_NUMBER + 1 + next(_numbers) % 89_000_000))


NOBODY = of(str(NOBODY_NUMBER))
