"""What a part of a period costs (R4): the worked examples 1, 2, 3 and 7 to 16, and the modes against each other."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_billing.domain.charging import charge_due, charge_parts, parts_between, used_and_unused
from billhook_billing.domain.proration import Method, Mode, Part, Proration, UnknownProration, share_of
from billhook_billing.domain.terms import SubscriptionTerms
from billhook_common.discounts import Discount
from billhook_common.money import half_up
from billhook_common.periods import Cycle

pytestmark = pytest.mark.unit

MODES = get_args(Mode)


def a_subscription(price: str = "100", **changes: Any) -> SubscriptionTerms:
    values: dict[str, Any] = {
        "subscription_id": UUID(int=1),
        "currency": "EUR",
        "quantity": Decimal(1),
        "tax_rate": Decimal(0),
        "tax_included": False,
        "period_months": 1,
        "billing_day": 1,
        "starts_on": date(2020, 1, 1),
    }
    return SubscriptionTerms(price=Decimal(price), **(values | changes))


def cost(terms: SubscriptionTerms, from_: date, until: date) -> list[str]:
    charge = charge_parts([(terms, parts_between(terms, from_=from_, until=until))])
    return [f"{line.net_minor / 100:.2f}" for line in charge.lines]


def used(terms: SubscriptionTerms, period: tuple[date, date], change_on: date) -> tuple[str, str]:
    (part,) = parts_between(terms, from_=period[0], until=period[1])
    before, after = used_and_unused(terms, part, change_on=change_on)
    return f"{before / 100:.2f}", f"{after / 100:.2f}"


APRIL = date(2026, 4, 1), date(2026, 5, 1)
OCTOBER = date(2026, 10, 1), date(2026, 11, 1)


def test_example_2_from_15_march_the_first_invoice_is_54_84_and_in_april_154_84() -> None:
    terms = a_subscription(starts_on=date(2026, 3, 15), prepaid_months=1)
    march = charge_due([terms], date(2026, 3, 15))
    april = charge_due([terms], date(2026, 4, 1))
    assert march is not None and april is not None
    assert [(line.from_, line.until, line.net_minor) for line in march.lines] == [
        (date(2026, 3, 15), date(2026, 4, 1), 5484)
    ]
    assert [line.net_minor for line in april.lines] == [5484, 10000]
    assert april.gross_minor == 15484
    assert (april.lines[-1].from_, april.lines[-1].until) == APRIL


def test_example_3_on_1_may_prepaid_is_may_and_postpaid_is_april() -> None:
    for prepaid_months, period in ((1, (date(2026, 5, 1), date(2026, 6, 1))), (0, APRIL)):
        terms = a_subscription(prepaid_months=prepaid_months, charged_until=period[0])
        charge = charge_due([terms], date(2026, 5, 1))
        assert charge is not None
        assert [(line.from_, line.until) for line in charge.lines] == [period]


def test_example_7_on_a_plan_change_on_20_october_the_old_plan_owns_up_to_the_19th() -> None:
    old = a_subscription(ends_before=date(2026, 10, 20), charged_until=OCTOBER[0])
    new = a_subscription(starts_on=date(2026, 10, 20))
    charge = charge_due([old, new], date(2026, 11, 1))
    assert charge is not None
    assert [(line.from_.day, (line.until - timedelta(days=1)).day, line.days) for line in charge.lines] == [
        (1, 19, 19),
        (20, 31, 12),
    ]
    assert charge.net_minor == 10000


def test_example_8_a_new_plan_until_the_end_of_the_month_runs_from_7_to_30_september() -> None:
    (part,) = parts_between(a_subscription(), from_=date(2026, 9, 7), until=date(2026, 10, 1))
    assert (part.from_.day, part.until - timedelta(days=1)) == (7, date(2026, 9, 30))


def test_example_9_in_april_200_to_100_on_the_16th_credits_100_and_charges_50() -> None:
    assert used(a_subscription("200"), APRIL, date(2026, 4, 16)) == ("100.00", "100.00")
    assert cost(a_subscription("100"), date(2026, 4, 16), APRIL[1]) == ["50.00"]


def test_example_10_in_october_200_to_100_on_the_20th_leaves_8_71_after_a_fee_of_30() -> None:
    assert used(a_subscription("200"), OCTOBER, date(2026, 10, 20)) == ("122.58", "77.42")
    assert cost(a_subscription("100"), date(2026, 10, 20), OCTOBER[1]) == ["38.71"]
    assert Decimal("77.42") - 30 - Decimal("38.71") == Decimal("8.71")


def test_example_11_half_a_cent_goes_up() -> None:
    assert cost(a_subscription("10.01"), APRIL[0], date(2026, 4, 16)) == ["5.01"]


def test_example_12_calendar_split_from_20_january_to_1_march_is_138_71() -> None:
    terms = a_subscription(proration=Proration("calendar_split"))
    assert cost(terms, date(2026, 1, 20), date(2026, 3, 1)) == ["38.71", "100.00"]


def test_example_13_cycle_from_the_10th_started_on_25_march_is_51_61_and_split_52_58() -> None:
    terms = a_subscription(billing_day=10, starts_on=date(2026, 3, 25))
    assert cost(terms, date(2026, 3, 25), date(2026, 4, 10)) == ["51.61"]
    split = a_subscription(billing_day=10, starts_on=date(2026, 3, 25), proration=Proration("calendar_split"))
    assert cost(split, date(2026, 3, 25), date(2026, 4, 10)) == ["52.58"]


@pytest.mark.parametrize(("mode", "amount"), [("cycle_days", "10.71"), ("fixed_30", "10.00"), ("none", "29.99")])
def test_example_14_29_99_for_10_of_28_days_by_convention(mode: Mode, amount: str) -> None:
    terms = a_subscription("29.99", proration=Proration(mode))
    assert cost(terms, date(2026, 2, 1), date(2026, 2, 11)) == [amount]
    assert cost(terms, date(2026, 2, 19), date(2026, 3, 1)) == [amount]


def test_example_15_20_00_lasts_15_full_days_of_october_at_40() -> None:
    terms = a_subscription("40")
    assert cost(terms, OCTOBER[0], date(2026, 10, 16)) == ["19.35"]
    assert cost(terms, OCTOBER[0], date(2026, 10, 17)) == ["20.65"]


@pytest.mark.parametrize(("price", "amount"), [("10", "6.67"), ("5", "3.33")])
def test_example_16_20_of_30_days_left(price: str, amount: str) -> None:
    assert cost(a_subscription(price), date(2026, 4, 11), APRIL[1]) == [amount]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("month", range(1, 13))
def test_a_full_period_is_exactly_the_price_whatever_its_length(mode: Mode, month: int) -> None:
    terms = a_subscription("29.99", proration=Proration(mode))
    until = date(2026, month + 1, 1) if month < 12 else date(2027, 1, 1)
    assert cost(terms, date(2026, month, 1), until) == ["29.99"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("months", [1, 2, 3, 12])
def test_no_part_costs_more_than_its_period(mode: Mode, months: int) -> None:
    cycle = Cycle.of(date(2026, 1, 28), billing_day=28, months=months)
    period = cycle.period(date(2026, 1, 28))
    for days in range(1, period.days):
        until = period.from_ + timedelta(days=days)
        share = share_of(Part(period.from_, until, period.from_, period.until), months, mode)
        assert 0 < share.numerator <= share.denominator


def test_fixed_30_counts_thirty_days_a_month() -> None:
    terms = a_subscription("90", period_months=3, proration=Proration("fixed_30"))
    charge = charge_parts([(terms, parts_between(terms, from_=date(2026, 1, 1), until=date(2026, 1, 16)))])
    (line,) = charge.lines
    assert (line.days, line.period_days, line.rule, line.net_minor) == (15, 90, "fixed_30", 1500)
    assert cost(terms, date(2026, 1, 1), date(2026, 3, 2)) == ["60.00"]
    assert cost(a_subscription("30", proration=Proration("fixed_30")), OCTOBER[0], date(2026, 10, 31)) == ["30.00"]


def test_each_line_says_by_which_rule_it_was_priced() -> None:
    for mode in MODES:
        terms = a_subscription(proration=Proration(mode))
        parts = parts_between(terms, from_=date(2026, 4, 10), until=date(2026, 6, 1))
        partial, full = charge_parts([(terms, parts)]).lines
        assert (partial.rule, full.rule) == (mode, "full_period")
        assert (partial.days, full.days, full.period_days) == (21, 31, 31)
        assert partial.period_days == 30


def test_full_first_charges_the_first_part_in_full_and_only_that() -> None:
    terms = a_subscription(
        starts_on=date(2026, 3, 15), ends_before=date(2026, 5, 16), proration=Proration(method="full_first")
    )
    charge = charge_due([terms], date(2026, 6, 1))
    assert charge is not None
    assert [(line.rule, line.net_minor) for line in charge.lines] == [
        ("full_first", 10000),
        ("full_period", 10000),
        ("cycle_days", 4839),
    ]


def test_anniversary_periods_begin_on_the_day_of_the_start() -> None:
    terms = a_subscription(starts_on=date(2026, 1, 31), billing_day=1, proration=Proration(method="anniversary"))
    charge = charge_due([terms], date(2026, 3, 31))
    assert charge is not None
    assert [(line.from_, line.until, line.net_minor) for line in charge.lines] == [
        (date(2026, 1, 31), date(2026, 2, 28), 10000),
        (date(2026, 2, 28), date(2026, 3, 31), 10000),
    ]


def test_a_changed_billing_day_measures_the_stub_against_the_new_period() -> None:
    terms = a_subscription(starts_on=date(2020, 1, 1), billing_day=15, charged_until=date(2026, 4, 1))
    charge = charge_due([terms], date(2026, 4, 15))
    assert charge is not None
    assert [(line.days, line.period_days, line.net_minor) for line in charge.lines] == [(14, 31, 4516)]


@pytest.mark.parametrize("name", MODES)
def test_a_proration_is_named_by_its_mode(name: Mode) -> None:
    assert Proration.named(name) == Proration(mode=name)


@pytest.mark.parametrize("name", get_args(Method))
def test_a_proration_is_named_by_its_method(name: Method) -> None:
    assert Proration.named(name) == Proration(method=name)


def test_an_unknown_proration_is_refused_with_the_names_it_may_have() -> None:
    with pytest.raises(UnknownProration, match="cycle_days") as refusal:
        Proration.named("weekly")
    assert refusal.value.errors[0].pointer == "/proration"


@pytest.mark.parametrize("change_on", [date(2026, 3, 31), date(2026, 4, 1)])
def test_a_change_on_or_before_the_first_day_credits_everything(change_on: date) -> None:
    for mode in MODES:
        assert used(a_subscription(proration=Proration(mode)), APRIL, change_on) == ("0.00", "100.00")


@pytest.mark.parametrize("change_on", [date(2026, 5, 1), date(2026, 5, 2)])
def test_a_change_after_the_last_day_credits_nothing(change_on: date) -> None:
    assert used(a_subscription(), APRIL, change_on) == ("100.00", "0.00")


def test_without_proration_nothing_of_a_started_period_is_credited() -> None:
    assert used(a_subscription(proration=Proration("none")), APRIL, date(2026, 4, 2)) == ("100.00", "0.00")


def test_a_discount_of_the_last_day_never_makes_a_credit_negative() -> None:
    last_day = Discount("percent", Decimal(100), from_=date(2026, 10, 31))
    terms = a_subscription("31", proration=Proration("fixed_30"), discounts=(last_day,))
    assert used(terms, OCTOBER, date(2026, 10, 31)) == ("30.00", "0.00")


prices = st.decimals(0, 10**6, places=4).map(str)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
prorations = st.builds(Proration, st.sampled_from(MODES), st.sampled_from(get_args(Method)))


@given(prices, st.integers(1, 31), st.sampled_from([1, 3, 12]), prorations, days, st.data())
def test_used_and_unused_sum_to_the_price_and_neither_is_negative(
    price: str, billing_day: int, months: int, proration: Proration, day: date, data: st.DataObject
) -> None:
    terms = a_subscription(
        price, billing_day=billing_day, period_months=months, proration=proration, starts_on=date(2000, 1, 1)
    )
    period = Cycle.of(terms.starts_on, billing_day=terms.anchor_day, months=months).period(day)
    change_on = data.draw(st.dates(period.from_, period.until))
    (part,) = parts_between(terms, from_=period.from_, until=period.until)
    before, after = used_and_unused(terms, part, change_on=change_on)
    assert before >= 0 and after >= 0
    exact = Fraction(price) * 100
    assert before + after == half_up(exact.numerator, exact.denominator)


@given(prices, days, st.lists(st.integers(0, 31), max_size=4))
def test_by_cycle_days_the_parts_of_a_period_sum_to_the_price_but_for_their_rounding(
    price: str, day: date, cuts: list[int]
) -> None:
    terms = a_subscription(price, starts_on=date(2000, 1, 1))
    (full,) = parts_between(terms, from_=day.replace(day=1), until=Cycle.of(day, billing_day=1).period(day).until)
    edges = sorted({full.from_, *(min(full.from_ + timedelta(days=cut), full.until) for cut in cuts), full.until})
    shares = [share_of(full._replace(from_=start, until=end), 1, "cycle_days") for start, end in pairwise(edges)]
    assert sum(Fraction(share.numerator, share.denominator) for share in shares) == 1


@given(prices, st.decimals("0.001", 1000, places=3), st.integers(1, 31), st.sampled_from([1, 3, 12]), days, st.data())
def test_a_part_costs_half_up_of_price_times_quantity_times_its_days_by_those_of_its_period(
    price: str, quantity: Decimal, billing_day: int, months: int, day: date, data: st.DataObject
) -> None:
    terms = a_subscription(price, quantity=quantity, billing_day=billing_day, period_months=months)
    period = Cycle.of(terms.starts_on, billing_day=billing_day, months=months).period(day)
    from_ = data.draw(st.dates(period.from_, period.last_day))
    until = data.draw(st.dates(from_ + timedelta(days=1), period.until))
    (line,) = charge_parts([(terms, parts_between(terms, from_=from_, until=until))]).lines
    exact = Fraction(price) * Fraction(quantity) * 100 * (until - from_).days / period.days
    assert line.net_minor == half_up(exact.numerator, exact.denominator)
    assert (line.from_, line.until, line.days, line.period_days) == (from_, until, (until - from_).days, period.days)
