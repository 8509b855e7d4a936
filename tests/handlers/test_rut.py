import pytest

from handlers.shared import rut


def modulo_11(number: int) -> str:
    """The official description, written independently: the last digit times 2, the next times 3, … 7, then 2."""
    total, factor = 0, 2
    while number:
        number, digit = divmod(number, 10)
        total += digit * factor
        factor = factor + 1 if factor < 7 else 2
    rest = 11 - total % 11
    return {11: "0", 10: "K"}.get(rest, str(rest))


@pytest.mark.parametrize(
    "known", ["11111111-1", "12345678-5", "7654321-6", "10000013-K", "22222222-2", "30686957-4"]
)
def test_a_known_rut_is_valid(known: str) -> None:
    assert rut.is_valid(known)


def test_each_number_has_exactly_one_check_character() -> None:
    for number in [*range(1_000_000, 1_000_400), *range(99_999_600, 100_000_000), *range(9_999_900, 10_000_100)]:
        valid = {each for each in "0123456789K" if rut.is_valid(f"{number}-{each}")}
        assert valid == {modulo_11(number)}, number


def test_a_small_k_is_valid_and_is_stored_as_a_capital() -> None:
    assert rut.is_valid("10000013-k")
    assert rut.normalise("10000013-k") == "10000013-K"


@pytest.mark.parametrize(
    "wrong",
    ["", "-", "11111111", "111111111", "11.111.111-1", "11111111-1\n", "11111111-٣", "١١١١١١١١-1", "11111111-1 "],
)
def test_what_only_looks_like_a_rut_is_not_one(wrong: str) -> None:
    assert not rut.is_valid(wrong)
