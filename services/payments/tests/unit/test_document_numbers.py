"""Document numbers are found in the manner in which payers write them, and only those that exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_payments.domain.document_numbers import NumberFinder, NumberShape, parse_number
from billhook_payments.domain.references import PaymentText

pytestmark = pytest.mark.unit

EXISTING = ("INV-2026-000123", "INV-2026-000124", "INV-2026-123456", "INV-2026-000012", "INV-2025-000007")


def found(*lines: str, numbers: tuple[str, ...] = EXISTING, fields: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """What is found: the existing number and how it was read."""
    parsed = {
        key: (number, shape) for number in numbers for shape, key in [parse_number(number) or pytest.fail(number)]
    }
    finder = NumberFinder(shape for _, shape in parsed.values())
    mentions = finder.find(PaymentText.of(lines, fields), parsed)
    return [(parsed[mention.key][0], mention.quality) for mention in mentions]


@pytest.mark.parametrize(
    ("number", "shape", "key"),
    [
        ("INV-2026-000123", NumberShape("INV", (4,), 6), ("INV", (2026, 123))),
        ("inv 2026/000123", NumberShape("INV", (4,), 6), ("INV", (2026, 123))),
        ("202201000409", NumberShape("", (), 12), ("", (202201000409,))),
        ("RE1", NumberShape("RE", (), 1), ("RE", (1,))),
    ],
)
def test_a_number_has_a_shape(number: str, shape: NumberShape, key: tuple[str, tuple[int, ...]]) -> None:
    assert parse_number(number) == (shape, key)


@pytest.mark.parametrize("number", ["2026/A/12", "INV", ""])
def test_other_numbers_have_none(number: str) -> None:
    assert parse_number(number) is None


@pytest.mark.parametrize(
    ("lines", "quality"),
    [
        (("Invoice INV-2026-000123",), "literal"),
        (("inv 2026/000123 thanks",), "literal"),
        (("INV2026000123",), "literal"),
        (("RECHNUNGINV-2026-000123",), "literal"),
        (("paying INV-2026-00", "0123 for internet"), "literal"),
        (("IN", "V-2026-000123"), "literal"),
        (("INV 2026 123",), "literal"),
        (("INV-2026-123, Jan",), "literal"),
        (("INV-2O26-OOOI23",), "mended"),
        (("1NV-2026-000123",), "mended"),
        (("I N V 2 0 2 6 0 0 0 1 2 3",), "mended"),
        (("Rechnung 2026-000123",), "mended"),
        (("2026000123",), "mended"),
    ],
)
def test_a_number_is_found_with_its_quality(lines: tuple[str, ...], quality: str) -> None:
    assert found(*lines) == [("INV-2026-000123", quality)]


def test_a_number_in_a_reference_field_is_found() -> None:
    assert found("Internet", fields=("INV-2026-000123",)) == [("INV-2026-000123", "literal")]


def test_several_numbers_are_found_in_the_payers_order_each_once() -> None:
    numbers = [number for number, _ in found("INV-2026-000124, INV-2026-000", "123, INV-2026-000124")]
    assert sorted(numbers) == ["INV-2026-000123", "INV-2026-000124"]
    assert numbers[0] == "INV-2026-000124"


def test_a_line_end_inside_a_counter_does_not_make_a_shorter_number() -> None:
    assert found("INV-2026-12", "3456") == [("INV-2026-123456", "literal")]
    unknown = tuple(number for number in EXISTING if number != "INV-2026-123456")
    assert found("INV-2026-12", "3456", numbers=unknown) == []


@pytest.mark.parametrize(
    "line",
    [
        "INV-2026-999999",
        "INV-2024-000123",
        "INV-2026-0123",
        "XINV 000123",
        "call 2026 123",
        "INV-2026-0001239",
        "20.26.000123",
        "",
    ],
)
def test_what_names_no_existing_document_is_not_found(line: str) -> None:
    assert found(line) == []


def test_a_counter_may_outgrow_its_padding() -> None:
    assert found("INV-2026-1000001", numbers=("INV-2026-000001", "INV-2026-1000001")) == [
        ("INV-2026-1000001", "literal")
    ]


@pytest.mark.parametrize(
    ("line", "number", "expected"),
    [
        ("Faktura 202201000409", "202201000409", [("202201000409", "literal")]),
        ("202201OOO409", "202201000409", [("202201000409", "mended")]),
        ("order 1042", "1042", [("1042", "weak")]),
        ("order 10421", "1042", []),
        ("RE 7", "RE-0007", [("RE-0007", "literal")]),
        ("CARE 7", "RE-0007", []),
        ("2026/7", "2026/0007", []),
        ("2026/0007", "2026/0007", [("2026/0007", "literal")]),
    ],
)
def test_series_without_clear_letters_need_more(line: str, number: str, expected: list[tuple[str, str]]) -> None:
    assert found(line, numbers=(number,)) == expected


def test_digits_alone_name_a_number_in_a_field_for_digits() -> None:
    finder = NumberFinder([NumberShape("INV", (4,), 6), NumberShape("", (), 4)])
    assert list(finder.with_digits("2026000123")) == [("", (2026000123,)), ("INV", (2026, 123))]


@given(st.integers(0, 9999999), st.integers(1, 40), st.sampled_from(["", " ", "-", "/", ". "]))
def test_every_number_is_found_with_any_separator_and_cut_at_any_width(
    counter: int, width: int, separator: str
) -> None:
    number = f"INV-2026-{counter:06}"
    written = f"platba {separator.join(('inv', '2026', f'{counter:06}'))}"
    lines = tuple(written[at : at + width] for at in range(0, len(written), width))
    assert [name for name, _ in found(*lines, numbers=(number,))] == [number]
