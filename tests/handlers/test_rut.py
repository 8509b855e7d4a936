from itertools import product

import pytest
from stdnum.cl import rut as oracle

from handlers.shared import rut
from handlers.shared.contract import Contract
from tests.handlers.samples import SPELLINGS


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
    "known",
    ["11111111-1", "12345678-5", "7654321-6", "10000013-K", "30686957-4", "10000-5", "123456-0", "123456789-2"],
)
def test_a_known_rut_is_valid_and_its_own_canonical_form(known: str) -> None:
    assert rut.is_valid(known)
    assert rut.canonical(known) == known


def test_each_number_has_exactly_one_check_character() -> None:
    for number in [*range(10_000, 10_400), *range(9_999_900, 10_000_100), *range(999_999_600, 1_000_000_000)]:
        valid = {each for each in "0123456789K" if rut.is_valid(f"{number}-{each}")}
        assert valid == {modulo_11(number)}, number


def test_the_check_character_is_the_one_that_a_library_computes() -> None:
    """The library takes 8 and 9 characters only, check character included."""
    for number in [*range(1_000_000, 1_000_300), *range(99_999_700, 100_000_000)]:
        (character,) = (each for each in "0123456789K" if oracle.is_valid(f"{number}{each}"))
        assert rut.check_character(str(number)) == character, number


@pytest.mark.parametrize(("spelling", "canonical"), SPELLINGS)
def test_leading_zeros_and_a_small_k_name_the_same_client(
    spelling: str, canonical: str, the_contract: Contract
) -> None:
    assert rut.is_valid(spelling)
    assert rut.canonical(spelling) == canonical
    assert the_contract.holds("Rut", spelling)
    assert the_contract.holds("CanonicalRut", spelling) == (spelling == canonical)


@pytest.mark.parametrize(("significant", "zeros"), list(product(range(12), range(20))))
def test_five_to_nine_digits_count_and_leading_zeros_do_not(
    significant: int, zeros: int, the_contract: Contract
) -> None:
    digits = "0" * zeros + "123456789012"[:significant]
    text = f"{digits}-{rut.check_character(digits)}"
    assert rut.is_valid(text) == (5 <= significant <= 9)
    assert the_contract.holds("Rut", text) == (5 <= significant <= 9 and len(text) <= 20)


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            "",
            "-",
            "11111111",
            "111111111",
            "11.111.111-1",
            "11111111-1\n",
            "11111111-٣",
            "١١١١١١١١-1",
            "11111111-1 ",
        ),
        *(" 11111111-1", "00000-0", "00000000-0", "000000000000000000-0", "1234-3", "0001234-3", "1234567890-9"),
        *("-11111111-1", "11111111--1", "+1111111-1", "1111111K-1", "11111111-KK", "011111111-2"),
    ],
)
def test_what_only_looks_like_a_rut_is_not_one(wrong: str, the_contract: Contract) -> None:
    assert not rut.is_valid(wrong)
    assert not the_contract.holds("Rut", wrong)


def test_a_record_is_given_the_canonical_form_and_nothing_else_changes() -> None:
    record = {"rut": "07654321-6", "name": "0a"}
    assert rut.with_canonical(record) == {"rut": "7654321-6", "name": "0a"}
    assert record["rut"] == "07654321-6"
