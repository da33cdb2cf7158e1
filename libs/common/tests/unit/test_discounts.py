"""Discounts, in the order given, each on the remainder, never below zero (R7)."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.discounts import Discount, UnknownDiscountKind, discounted
from billhook_common.money import DecimalOutOfRange
from billhook_common.periods import EndBeforeStart

pytestmark = pytest.mark.unit

TEN_PERCENT = Discount("percent", Decimal(10))
FIVE_OFF = Discount("fixed", Decimal(5))

discount_values = st.one_of(
    st.builds(Discount, st.just("percent"), st.decimals(0, 100, places=2)),
    st.builds(Discount, st.just("fixed"), st.decimals(0, 1000, places=2)),
)


def test_discounts_apply_in_the_order_given_each_on_the_remainder() -> None:
    assert discounted(Fraction(100), [TEN_PERCENT, FIVE_OFF]) == 85
    assert discounted(Fraction(100), [FIVE_OFF, TEN_PERCENT]) == Fraction("85.5")
    assert discounted(Fraction(100), [TEN_PERCENT, TEN_PERCENT]) == 81


def test_a_discount_never_goes_below_zero() -> None:
    assert discounted(Fraction(3), [FIVE_OFF, TEN_PERCENT]) == 0
    assert discounted(Fraction(-3), [FIVE_OFF]) == 0
    assert discounted(Fraction(100), [Discount("percent", Decimal(100))]) == 0


def test_a_negative_amount_shrinks_as_its_mirror() -> None:
    assert discounted(Fraction(-100), [TEN_PERCENT, FIVE_OFF]) == -85


@given(st.fractions(-10000, 10000), st.lists(discount_values, max_size=5))
def test_what_is_left_lies_between_zero_and_the_amount(amount: Fraction, discounts: list[Discount]) -> None:
    left = discounted(amount, discounts)
    assert min(Fraction(0), amount) <= left <= max(Fraction(0), amount)
    assert discounted(-amount, discounts) == -left


def test_a_discount_covers_the_days_of_its_half_open_range() -> None:
    april = Discount("percent", Decimal(10), date(2026, 4, 1), date(2026, 5, 1))
    assert [april.covers(date(2026, month, 1)) for month in (3, 4, 5)] == [False, True, False]
    assert april.covers(date(2026, 4, 30))
    assert not april.covers(date(2026, 3, 31))
    assert TEN_PERCENT.covers(date(1999, 1, 1))
    assert Discount("fixed", Decimal(1), from_=date(2026, 4, 1)).covers(date(2030, 1, 1))
    assert Discount("fixed", Decimal(1), until=date(2026, 4, 1)).covers(date(2000, 1, 1))


def test_a_valid_discount_is_returned_as_it_is() -> None:
    for discount in (
        TEN_PERCENT,
        Discount("percent", Decimal(100)),
        Discount("percent", Decimal(0)),
        Discount("fixed", Decimal(101), date(2026, 1, 1), date(2026, 1, 2)),
        Discount("fixed", Decimal(1), from_=date(2026, 1, 1)),
    ):
        assert discount.checked("/discounts/0") is discount


@pytest.mark.parametrize(
    ("discount", "error", "pointer"),
    [
        (Discount("free", Decimal(1)), UnknownDiscountKind, "/discounts/2/kind"),  # type: ignore[arg-type]
        (Discount("percent", Decimal(101)), DecimalOutOfRange, "/discounts/2/value"),
        (Discount("percent", Decimal(-1)), DecimalOutOfRange, "/discounts/2/value"),
        (Discount("fixed", Decimal(-1)), DecimalOutOfRange, "/discounts/2/value"),
        (Discount("fixed", Decimal("NaN")), DecimalOutOfRange, "/discounts/2/value"),
        (
            Discount("fixed", Decimal(1), date(2026, 1, 2), date(2026, 1, 2)),
            EndBeforeStart,
            "/discounts/2/until",
        ),
    ],
)
def test_an_invalid_discount_is_refused_at_its_field(discount: Discount, error: type[Exception], pointer: str) -> None:
    with pytest.raises(error) as refusal:
        discount.checked("/discounts/2")
    assert refusal.value.errors[0].pointer == pointer  # type: ignore[attr-defined]
