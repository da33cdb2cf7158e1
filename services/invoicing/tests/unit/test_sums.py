"""Sums, dates and states of documents."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_invoicing.domain.dates import due_date, tax_point
from billhook_invoicing.domain.document import SumsDisagree
from billhook_invoicing.domain.state import is_overdue, state_of
from billhook_invoicing.domain.sums import Taxed, check_sums, minor

pytestmark = pytest.mark.unit

LOW, HIGH = Decimal(12), Decimal(21)
LINES = [Taxed(HIGH, 1000, 210), Taxed(LOW, 500, 60), Taxed(HIGH, 50, 11)]
TAXES = [Taxed(LOW, 500, 60), Taxed(Decimal("21.00"), 1050, 221)]


def day(number: int, month: int = 11) -> dt.date:
    return dt.date(2026, month, number)


def test_sums_that_agree_are_fine() -> None:
    check_sums(LINES, TAXES, net=1550, tax=281, gross=1831)
    check_sums([], [], net=0, tax=0, gross=0)
    check_sums([Taxed(HIGH, -100, -21)], [Taxed(HIGH, -100, -21)], net=-100, tax=-21, gross=-121)


@pytest.mark.parametrize(
    ("lines", "taxes", "net", "tax", "gross", "what"),
    [
        (LINES[:2], TAXES, 1550, 281, 1831, "at 21"),
        (LINES, TAXES[:1], 1550, 281, 1831, "at 21"),
        (LINES, [*TAXES, Taxed(Decimal(0), 0, 0)], 1550, 281, 1831, "at 0"),
        (LINES, TAXES, 1551, 281, 1832, "the breakdown is"),
        (LINES, TAXES, 1550, 280, 1830, "the breakdown is"),
        (LINES, TAXES, 1550, 281, 1830, "are not 1830"),
    ],
)
def test_sums_that_do_not_agree_are_named(
    lines: list[Taxed], taxes: list[Taxed], net: int, tax: int, gross: int, what: str
) -> None:
    with pytest.raises(SumsDisagree, match=what):
        check_sums(lines, taxes, net=net, tax=tax, gross=gross)


@given(st.integers(-(10**15), 10**15), st.sampled_from([0, 2, 3, 4]))
def test_minor_units_are_exact(amount: int, places: int) -> None:
    assert minor(Decimal(amount).scaleb(-places), places) == amount


def test_an_amount_finer_than_its_currency_is_refused() -> None:
    with pytest.raises(SumsDisagree, match="more than 2 decimals"):
        minor(Decimal("1.001"), 2)
    assert minor(Decimal("1.500"), 2) == 150


@pytest.mark.parametrize(
    ("bill_date", "period_until", "expected"),
    [
        (day(1), day(1, 12), day(1)),
        (day(30), day(1, 12), day(30)),
        (day(1, 12), day(1, 12), day(30)),
        (day(5, 12), day(1, 12), day(30)),
    ],
)
def test_the_tax_point_is_the_last_day_or_the_bill_date_before_it(
    bill_date: dt.date, period_until: dt.date, expected: dt.date
) -> None:
    assert tax_point(bill_date, period_until) == expected


def test_a_document_issued_later_is_due_later() -> None:
    assert due_date(day(1), day(15), day(1)) == day(15)
    assert due_date(day(1), day(15), day(4)) == day(18)
    assert due_date(day(10), day(24), day(1)) == day(24)


def test_states() -> None:
    assert [state_of(100, still_open) for still_open in (100, 99, 1, 0)] == [
        "unpaid", "partially_paid", "partially_paid", "paid",
    ]  # fmt: skip
    assert state_of(0, 0) == "paid"
    assert (is_overdue(1, day(14), day(15)), is_overdue(1, day(15), day(15)), is_overdue(0, day(14), day(15))) == (
        True, False, False,
    )  # fmt: skip
