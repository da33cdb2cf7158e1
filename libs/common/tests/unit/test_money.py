"""Money, rounding half away from zero, and splitting that keeps the sum (R1)."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.money import (
    EXPONENTS,
    MAX_MINOR,
    AmountOutOfRange,
    CannotDivide,
    CurrencyMismatch,
    DecimalOutOfRange,
    Money,
    UnknownCurrency,
    checked_decimal,
    common_denominator,
    decimal_text,
    exponent,
    half_up,
    largest_remainder,
    minor_units,
    round_half_up,
    scaled,
)

pytestmark = pytest.mark.unit

minors = st.integers(-(10**15), 10**15)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])


def euros(text: str) -> Money:
    return Money.of(text, "EUR")


@pytest.mark.parametrize(("code", "places"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4)])
def test_each_currency_has_its_own_exponent(code: str, places: int) -> None:
    assert exponent(code) == places
    assert minor_units(code) == 10**places


def test_the_currency_table_holds_every_code_once() -> None:
    assert len(EXPONENTS) == 160
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)


@pytest.mark.parametrize("code", ["", "eur", "EURO", "XXX", "XAU", None, ["EUR"]])
def test_an_unknown_currency_is_refused_by_name(code: str) -> None:
    with pytest.raises(UnknownCurrency) as refusal:
        exponent(code)
    assert refusal.value.errors[0].pointer == "/currency"
    with pytest.raises(UnknownCurrency):
        Money.of("1", code)


def test_money_is_shown_with_the_digits_of_its_currency() -> None:
    assert str(euros("29.9")) == "29.90 EUR"
    assert str(Money.of("5E+2", "JPY")) == "500 JPY"
    assert str(Money.of("1.2340", "KWD")) == "1.234 KWD"
    assert str(Money.zero("EUR")) == "0.00 EUR"
    assert str(-Money.zero("EUR")) == "0.00 EUR"
    assert Money.from_minor(2990, "EUR") == euros("29.90")
    assert hash(euros("1")) == hash(euros("1.00"))


@pytest.mark.parametrize("amount", ["1.005", "0.001", "NaN", "Infinity", "-Infinity", "1e309", "1e18", "abc", "", None])
def test_an_amount_that_cannot_be_posted_is_refused(amount: str) -> None:
    with pytest.raises(AmountOutOfRange) as refusal:
        Money.of(amount, "EUR")
    assert refusal.value.errors[0].pointer == "/amount"


def test_a_fraction_of_a_yen_is_refused() -> None:
    with pytest.raises(AmountOutOfRange):
        Money.of("0.5", "JPY")


def test_the_largest_amount_is_eighteen_digits_of_minor_units() -> None:
    assert Money.from_minor(MAX_MINOR, "EUR").minor == MAX_MINOR
    assert Money.from_minor(-MAX_MINOR, "JPY").minor == -MAX_MINOR
    with pytest.raises(AmountOutOfRange):
        Money.from_minor(MAX_MINOR + 1, "EUR")
    with pytest.raises(AmountOutOfRange):
        Money.of("10000000000000000", "EUR")
    with pytest.raises(AmountOutOfRange):
        Money.from_minor(MAX_MINOR, "EUR") + Money.from_minor(1, "EUR")


def test_money_adds_negates_and_compares() -> None:
    assert euros("1.10") + euros("2.20") == euros("3.30")
    assert euros("1.10") - euros("2.20") == euros("-1.10")
    assert -euros("1.10") == euros("-1.10")
    assert abs(euros("-1.10")) == euros("1.10")
    assert euros("1") < euros("2")
    assert euros("2") <= euros("2")
    assert euros("3") > euros("2")
    assert euros("3") >= euros("3")
    assert not euros("2") < euros("2")
    assert bool(euros("0.01"))
    assert not euros("0")


def test_two_currencies_never_mix() -> None:
    for mix in (
        lambda: euros("1") + Money.of("1", "USD"),
        lambda: euros("1") - Money.of("1", "USD"),
        lambda: euros("1") < Money.of("1", "USD"),
        lambda: euros("1") <= Money.of("1", "USD"),
    ):
        with pytest.raises(CurrencyMismatch):
            mix()
    assert euros("1") != Money.of("1", "USD")


def test_ten_euros_split_by_three_are_334_333_333() -> None:
    assert [str(share.amount) for share in euros("10").split(3)] == ["3.34", "3.33", "3.33"]
    assert [str(share.amount) for share in euros("-10").split(3)] == ["-3.34", "-3.33", "-3.33"]


def test_allocation_gives_the_cent_to_the_largest_remainder_first() -> None:
    shares = euros("1.00").allocate([1, 2, Decimal("3.5"), Fraction(1, 2)])
    assert [share.minor for share in shares] == [14, 29, 50, 7]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [3, -1]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(CannotDivide):
        euros("1").allocate(weights)


@pytest.mark.parametrize("parts", [0, -1])
def test_splitting_into_no_parts_is_refused(parts: int) -> None:
    with pytest.raises(CannotDivide):
        euros("1").split(parts)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("0.0049", "0.00"),
        ("13.965", "13.97"),
        ("-13.965", "-13.97"),
        ("2", "2.00"),
    ],
)
def test_halves_go_away_from_zero(value: str, rounded: str) -> None:
    assert str(round_half_up(Decimal(value), "EUR").amount) == rounded
    assert str(round_half_up(Fraction(value), "EUR").amount) == rounded


def test_rounding_follows_the_exponent_of_the_currency() -> None:
    assert round_half_up(Decimal("0.5"), "JPY").minor == 1
    assert round_half_up(Decimal("0.0005"), "KWD").minor == 1
    assert round_half_up(3, "EUR").minor == 300


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(2990, "EUR", "29.90"), (-5, "EUR", "-0.05"), (0, "EUR", "0.00"), (-500, "JPY", "-500"), (1, "KWD", "0.001")],
)
def test_minor_units_become_decimal_text(minor: int, currency: str, text: str) -> None:
    assert decimal_text(minor, currency) == text


@pytest.mark.parametrize("value", ["1", "0.000001", "999999999999.999999", "1.50000000000", "1E+3", "0E-99999", 7])
def test_a_decimal_that_the_database_holds_is_accepted(value: str) -> None:
    assert checked_decimal(value, "/price") == Decimal(value)


@pytest.mark.parametrize(
    "value", ["NaN", "sNaN", "Infinity", "1e309", "1e12", "-1e18", "1e-7", "1E-999999", "0.0000001", "x", "", None]
)
def test_a_decimal_that_the_database_cannot_hold_is_refused_at_its_pointer(value: str) -> None:
    with pytest.raises(DecimalOutOfRange) as refusal:
        checked_decimal(value, "/lines/0/price")
    assert refusal.value.errors[0].pointer == "/lines/0/price"
    assert refusal.value.status == 422


def test_limits_of_a_decimal_are_inclusive() -> None:
    assert checked_decimal("0", "/x", at_least=0, at_most=100) == 0
    assert checked_decimal("100", "/x", at_least=0, at_most=100) == 100
    with pytest.raises(DecimalOutOfRange):
        checked_decimal("-0.000001", "/x", at_least=0)
    with pytest.raises(DecimalOutOfRange):
        checked_decimal("100.000001", "/x", at_most=100)


def test_a_checked_decimal_scales_to_whole_millionths() -> None:
    assert scaled(Decimal("999999999999.999999")) == 999999999999999999
    assert scaled(Decimal("-0.000001")) == -1


@given(st.integers(-(10**24), 10**24), st.integers(1, 10**12))
def test_half_up_is_the_nearest_integer_and_symmetric(numerator: int, denominator: int) -> None:
    rounded = half_up(numerator, denominator)
    distance = abs(Fraction(numerator, denominator) - rounded)
    assert distance <= Fraction(1, 2)
    if distance == Fraction(1, 2):
        assert abs(rounded) > abs(Fraction(numerator, denominator))
    assert half_up(-numerator, denominator) == -rounded


@given(st.lists(st.integers(-(10**12), 10**12), max_size=30), st.integers(1, 10**6))
def test_largest_remainder_keeps_the_sum_and_stays_within_one_unit(numerators: list[int], denominator: int) -> None:
    total = half_up(sum(numerators), denominator)
    parts = largest_remainder(numerators, denominator, total)
    assert sum(parts) == total
    for part, numerator in zip(parts, numerators, strict=True):
        assert abs(part - Fraction(numerator, denominator)) <= 1
    mirrored = largest_remainder([-numerator for numerator in numerators], denominator, -total)
    if total:
        assert mirrored == [-part for part in parts]


@given(st.lists(st.fractions(max_denominator=1000), min_size=1, max_size=10))
def test_a_common_denominator_changes_no_ratio(ratios: list[Fraction]) -> None:
    numerators, denominator = common_denominator(ratios)
    assert [Fraction(numerator, denominator) for numerator in numerators] == ratios


@given(minors, currencies, st.integers(1, 50))
def test_a_split_keeps_the_sum_and_its_shares_differ_by_one_unit(minor: int, currency: str, parts: int) -> None:
    shares = [share.minor for share in Money.from_minor(minor, currency).split(parts)]
    assert len(shares) == parts
    assert sum(shares) == minor
    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, key=abs, reverse=True)


@given(minors, st.lists(st.fractions(0, 1000, max_denominator=999), min_size=1, max_size=12).filter(any))
def test_an_allocation_keeps_the_sum_and_the_proportions(minor: int, weights: list[Fraction]) -> None:
    shares = Money.from_minor(minor, "EUR").allocate(weights)
    assert sum(share.minor for share in shares) == minor
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor - minor * weight / sum(weights)) < 1


@given(minors, currencies)
def test_money_survives_text_and_minor_units(minor: int, currency: str) -> None:
    money = Money.from_minor(minor, currency)
    assert money.minor == minor
    assert str(money.amount) == decimal_text(minor, currency)
    assert Money.of(str(money.amount), currency) == money
