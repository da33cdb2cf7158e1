"""References are recognised in whatever form payers and banks write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from billhook_payments.domain.references import (
    PaymentText,
    compact,
    creditor_references_in,
    is_checked,
    is_strong,
    normalise,
    reference_key,
    references_in,
)

pytestmark = pytest.mark.unit

RF = "RF18539007547034"


def found_in(*lines: str) -> list[str]:
    return list(dict.fromkeys(creditor_references_in(PaymentText.of(lines, ()))))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  Žižka \n  jan ", "ŽIŽKA JAN"),
        ("ＩＮＶ－１２", "INV-12"),
        ("a\u202eb\u200bc", "ABC"),
        ("tab\there", "TAB HERE"),
        ("Miete AWV-MELDEPFLICHT BEACHTEN HOTLINE BUNDESBANK (0800) 1234-111 RF18", "MIETE RF18"),
        ("straße", "STRASSE"),
    ],
)
def test_texts_become_comparable(text: str, normal: str) -> None:
    assert normalise(text) == normal


def test_compact_keeps_letters_and_digits() -> None:
    assert compact("INV-2026/000 123") == "INV2026000123"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("rf18 5390 0754 7034", RF),
        ("RF18 0005 3900 7547 034", RF),
        ("RF19539007547034", "RF19539007547034"),
        ("0000123456", "123456"),
        ("c-1042", "C1042"),
        ("", ""),
    ],
)
def test_one_reference_has_one_key(text: str, key: str) -> None:
    assert reference_key(text) == key


def test_check_digits_are_checked() -> None:
    assert is_checked(RF)
    assert not is_checked("RF19539007547034")
    assert not is_checked("18539007547034")


@pytest.mark.parametrize(("key", "strong"), [("123456", True), ("12345", False), ("INTERNET", False), ("C10420", True)])
def test_short_numbers_and_words_are_weak(key: str, strong: bool) -> None:
    assert is_strong(key) == strong


@pytest.mark.parametrize(
    "lines",
    [
        ("Rechnung RF18539007547034 danke",),
        ("rf18 5390 0754 7034",),
        ("platba RF18539007", "547034"),
        ("RF18 539OO754 7O34",),
        ("RFI8539007547034",),
        ("REF: RF18-5390-0754-7034/2026",),
    ],
)
def test_a_creditor_reference_is_found_however_it_is_written(lines: tuple[str, ...]) -> None:
    assert RF in found_in(*lines)


@pytest.mark.parametrize("lines", [("RF19539007547034",), ("RF18",), ("no reference",), ()])
def test_what_is_no_creditor_reference_is_not_found(lines: tuple[str, ...]) -> None:
    assert found_in(*lines) == []


@given(st.text("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", min_size=1, max_size=21), st.integers(1, 30))
def test_every_valid_reference_is_found_when_cut_anywhere(body: str, width: int) -> None:
    reference = next(f"RF{check:02}{body}" for check in range(2, 99) if iso11649.is_valid(f"RF{check:02}{body}"))
    lines = tuple(reference[at : at + width] for at in range(0, len(reference), width))
    assert reference_key(reference) in found_in(*lines)


def test_words_and_runs_of_digits_may_be_references() -> None:
    text = PaymentText.of(["Jan.Novak c-1042", "Platba 0001", "234567"], ["not a word of the lines"])
    keys = set(references_in(text))
    assert {"JAN.NOVAK", "C1042", "PLATBA", "1", "234567"} <= keys
    assert "LINES" not in keys


def test_the_views_of_a_text() -> None:
    text = PaymentText.of(["INV-2026-", "000 123"], ["", "E-1"])
    assert text.spaced == "INV-2026- 000 123 E-1"
    assert text.glued == "INV-2026-000 123"
    assert text.compact == "INV2026000123"
