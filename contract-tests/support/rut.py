"""RUTs for tests, computed apart from the handlers' own rule.

A RUT that a test writes begins with `00`, so that its rows can be told from a real client's and removed.
"""

import itertools
import random
import re

PREFIX = "00"
OWN = "9"  # the digit after the prefix in the RUTs of tests that look at what they wrote
_numbers = itertools.count(random.SystemRandom().randrange(100_000))
_SHAPE = re.compile(r"[0-9]{7,8}-[0-9Kk]")


def check_character(digits: str) -> str:
    """Modulo 11, weights 2 to 7 from the right."""
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(digits)))
    return {10: "K", 11: "0"}.get(11 - total % 11, str(11 - total % 11))


def of(digits: str) -> str:
    return f"{digits}-{check_character(digits)}"


def is_valid(rut: object) -> bool:
    return isinstance(rut, str) and _SHAPE.fullmatch(rut) is not None and of(rut[:-2]) == rut.upper()


def in_test_range(rut: str) -> str:
    """A valid RUT that begins with the prefix; the same one for the same RUT."""
    return of(PREFIX + rut[:-2][len(PREFIX) :])


def new() -> str:
    """Another RUT of the test range at each call, out of a part of it where generated cases write nothing."""
    return of(f"{PREFIX}{OWN}{next(_numbers) % 100_000:05}")


# Of no client: shorter than those that `new` makes, and of the part where generated cases write nothing.
NOBODY = of(f"{PREFIX}{OWN}0000")
