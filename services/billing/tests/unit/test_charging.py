"""What is due up to a day, exactly once, without gap or overlap (R7, R8, R11, R19, R20, R21)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_billing.domain.charging import (
    MAX_PERIODS,
    Charge,
    ChargeLine,
    TaxTotal,
    TooManyPeriods,
    charge_due,
    charge_parts,
    parts_between,
    parts_due,
)
from billhook_billing.domain.proration import Proration
from billhook_billing.domain.terms import SubscriptionTerms
from billhook_common.discounts import Discount
from billhook_common.money import AmountOutOfRange, CurrencyMismatch
from billhook_common.periods import Period
from billhook_common.tax import TaxRounding

pytestmark = pytest.mark.unit

APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)


def a_subscription(price: str = "30", **changes: Any) -> SubscriptionTerms:
    values: dict[str, Any] = {
        "subscription_id": UUID(int=1),
        "currency": "EUR",
        "quantity": Decimal(1),
        "tax_rate": Decimal(21),
        "tax_included": False,
        "period_months": 1,
        "billing_day": 1,
        "starts_on": date(2020, 1, 1),
        "charged_until": APRIL,
    }
    return SubscriptionTerms(price=Decimal(price), **(values | changes))


def charged(*subscriptions: SubscriptionTerms, on: date = MAY, tax_rounding: TaxRounding = "document") -> Charge:
    charge = charge_due(subscriptions, on, tax_rounding=tax_rounding)
    assert charge is not None
    return charge


def spans(charge: Charge) -> list[tuple[str, str]]:
    return [(line.from_.isoformat(), line.until.isoformat()) for line in charge.lines]


def test_a_line_holds_all_that_explains_its_amount() -> None:
    terms = a_subscription("29.90", quantity=Decimal("1.5"), description="Fiber 100")
    charge = charged(terms)
    assert charge.lines == (ChargeLine(terms, APRIL, MAY, 30, 30, "full_period", 0, 4485, 942),)
    assert charge.taxes == (TaxTotal(Decimal(21), 4485, 942),)
    assert (charge.net_minor, charge.tax_minor, charge.gross_minor) == (4485, 942, 5427)
    assert (charge.currency, charge.late) == ("EUR", ())
    assert charge.charged_until == {terms.subscription_id: MAY}


def test_with_tax_included_the_gross_is_the_price() -> None:
    charge = charged(a_subscription("100", tax_included=True))
    assert (charge.net_minor, charge.tax_minor, charge.gross_minor) == (8264, 1736, 10000)
    assert charge.taxes == (TaxTotal(Decimal(21), 8264, 1736),)


def test_the_tax_of_a_rate_is_that_of_the_sum_of_its_lines() -> None:
    subscriptions = [
        a_subscription("10.03"),
        a_subscription("10.03"),
        a_subscription("10.03"),
        a_subscription("10.03", tax_rate=Decimal(10)),
        a_subscription("10.03", tax_included=True),
    ]
    charge = charged(*subscriptions)
    assert [line.tax_minor for line in charge.lines] == [211, 211, 210, 100, 174]
    assert charge.taxes == (TaxTotal(Decimal(10), 1003, 100), TaxTotal(Decimal(21), 3838, 806))
    assert charge.gross_minor == charge.net_minor + charge.tax_minor == 4841 + 906


def test_tax_may_be_rounded_per_line() -> None:
    charge = charged(*[a_subscription("10.03")] * 3, tax_rounding="line")
    assert [line.tax_minor for line in charge.lines] == [211, 211, 211]
    assert charge.taxes == (TaxTotal(Decimal(21), 3009, 633),)


def test_one_charge_never_mixes_currencies() -> None:
    with pytest.raises(CurrencyMismatch):
        charged(a_subscription(), a_subscription(currency="CZK"))


def test_yen_are_charged_whole() -> None:
    assert charged(a_subscription("100.5", currency="JPY", tax_rate=Decimal(0))).gross_minor == 101


def test_the_largest_line_is_charged_and_a_larger_one_is_not() -> None:
    assert charged(a_subscription("500000000000", quantity=Decimal(20))).net_minor == 10**15
    with pytest.raises(AmountOutOfRange) as refusal:
        charged(a_subscription("500000000000.01", quantity=Decimal(20)))
    assert refusal.value.errors[0].pointer == "/price"


def test_nothing_is_due_before_a_postpaid_period_has_ended() -> None:
    assert charge_due([a_subscription()], date(2026, 4, 30)) is None
    assert charge_due([], MAY) is None
    assert parts_due(a_subscription(charged_until=MAY), MAY) == ()
    assert parts_due(a_subscription(charged_until=JUNE), MAY) == ()


def test_a_subscription_without_anything_charged_begins_at_its_start() -> None:
    start = date(2026, 4, 11)
    for charged_until in (None, date(2026, 1, 1)):
        charge = charged(a_subscription(starts_on=start, charged_until=charged_until))
        assert spans(charge) == [("2026-04-11", "2026-05-01")]
        assert charge.net_minor == 2000


def test_an_ended_postpaid_subscription_is_charged_once_it_has_ended_and_never_past_its_end() -> None:
    ending = a_subscription(ends_before=date(2026, 5, 11))
    assert spans(charged(ending, on=date(2026, 5, 10))) == [("2026-04-01", "2026-05-01")]
    for run_date in (date(2026, 5, 11), date(2026, 5, 20), JUNE, date(2027, 1, 1)):
        assert spans(charged(ending, on=run_date)) == [("2026-04-01", "2026-05-01"), ("2026-05-01", "2026-05-11")]
    assert charge_due([replace(ending, charged_until=date(2026, 5, 11))], JUNE) is None
    assert charge_due([replace(ending, ends_before=date(2026, 3, 1))], JUNE) is None


def test_a_prepaid_month_is_due_when_it_begins_and_ends_with_the_subscription() -> None:
    prepaid = a_subscription(prepaid_months=1)
    assert spans(charged(prepaid, on=APRIL)) == [("2026-04-01", "2026-05-01")]
    assert charge_due([prepaid], date(2026, 3, 31)) is None
    assert spans(charged(replace(prepaid, ends_before=date(2026, 4, 16)), on=APRIL)) == [("2026-04-01", "2026-04-16")]
    assert spans(charged(replace(prepaid, ends_before=MAY), on=APRIL)) == [("2026-04-01", "2026-05-01")]
    assert spans(charged(replace(prepaid, ends_before=JUNE), on=APRIL)) == [("2026-04-01", "2026-05-01")]


def test_a_prepaid_subscription_is_not_charged_before_it_starts() -> None:
    prepaid = a_subscription(prepaid_months=1, starts_on=date(2026, 4, 15), charged_until=None)
    assert charge_due([prepaid], date(2026, 4, 14)) is None
    assert spans(charged(prepaid, on=date(2026, 4, 15))) == [("2026-04-15", "2026-05-01")]


def test_months_paid_together_ahead_are_a_line_each() -> None:
    prepaid = a_subscription(prepaid_months=3)
    assert spans(charged(prepaid, on=APRIL)) == [
        ("2026-04-01", "2026-05-01"),
        ("2026-05-01", "2026-06-01"),
        ("2026-06-01", "2026-07-01"),
    ]
    assert charge_due([replace(prepaid, charged_until=date(2026, 7, 1))], date(2026, 6, 30)) is None


@pytest.mark.parametrize(
    ("prepaid_months", "period_months", "together"),
    [(0, 1, 1), (1, 1, 1), (3, 1, 3), (1, 12, 12), (4, 3, 6), (0, 3, 3)],
)
def test_prepaid_months_are_rounded_up_to_whole_periods(prepaid_months: int, period_months: int, together: int) -> None:
    terms = a_subscription(prepaid_months=prepaid_months, period_months=period_months)
    assert terms.payment_months == together


def test_more_than_two_periods_are_late_and_wait_for_a_person() -> None:
    two, three = a_subscription(), a_subscription(subscription_id=UUID(int=2), charged_until=date(2026, 3, 1))
    charge = charged(two, three, on=JUNE)
    assert len(charge.lines) == 5
    assert charge.late == (UUID(int=2),)
    assert charge.charged_until == {UUID(int=1): JUNE, UUID(int=2): JUNE}


def test_three_months_paid_together_are_one_payment_and_not_late() -> None:
    prepaid = a_subscription(prepaid_months=3)
    assert charged(prepaid, on=APRIL).late == ()
    assert charged(prepaid, on=date(2026, 7, 1)).late == ()
    assert charged(prepaid, on=date(2026, 10, 1)).late == (UUID(int=1),)


def test_days_of_a_stop_are_not_charged() -> None:
    stopped = a_subscription(stops=(Period(date(2026, 4, 11), date(2026, 4, 21)),))
    charge = charged(stopped)
    assert spans(charge) == [("2026-04-01", "2026-04-11"), ("2026-04-21", "2026-05-01")]
    assert [(line.days, line.period_days, line.net_minor) for line in charge.lines] == [(10, 30, 1000), (10, 30, 1000)]


def test_a_stop_without_an_end_holds_charging_until_it_is_over() -> None:
    stopped = a_subscription(stops=(Period(date(2026, 4, 11), date.max),))
    charge = charged(stopped, on=date(2026, 9, 1))
    assert spans(charge) == [("2026-04-01", "2026-04-11")]
    assert charge.charged_until == {UUID(int=1): date(2026, 4, 11)}
    waiting = replace(stopped, charged_until=date(2026, 4, 11))
    assert charge_due([waiting], date(2026, 9, 1)) is None
    resumed = replace(waiting, stops=(Period(date(2026, 4, 11), date(2026, 5, 17)),))
    assert spans(charged(resumed, on=JUNE)) == [("2026-05-17", "2026-06-01")]


def test_stops_around_and_beside_a_period_leave_it_whole() -> None:
    stops = (
        Period(date(2026, 1, 5), date(2026, 2, 5)),
        Period(date(2026, 3, 20), APRIL),
        Period(MAY, date(2026, 5, 3)),
    )
    charge = charged(a_subscription(stops=stops))
    assert [(line.rule, line.net_minor) for line in charge.lines] == [("full_period", 3000)]


def test_a_stop_up_to_the_end_of_a_period_leaves_no_empty_line() -> None:
    stops = (Period(date(2026, 4, 11), MAY),)
    assert spans(charged(a_subscription(stops=stops), on=JUNE)) == [
        ("2026-04-01", "2026-04-11"),
        ("2026-05-01", "2026-06-01"),
    ]


def test_a_stop_over_the_end_of_a_period_shortens_both() -> None:
    stops = (Period(date(2026, 4, 29), date(2026, 5, 3)),)
    assert spans(charged(a_subscription(stops=stops), on=JUNE)) == [
        ("2026-04-01", "2026-04-29"),
        ("2026-05-03", "2026-06-01"),
    ]


@pytest.mark.parametrize("proration", [Proration("none"), Proration(method="full_first")])
def test_a_period_at_its_full_price_is_charged_once_around_a_stop(proration: Proration) -> None:
    terms = a_subscription(
        starts_on=date(2026, 4, 5),
        charged_until=None,
        proration=proration,
        stops=(Period(date(2026, 4, 11), date(2026, 4, 21)),),
    )
    charge = charged(terms)
    assert spans(charge) == [("2026-04-05", "2026-05-01")]
    assert charge.net_minor == 3000


def test_a_century_of_months_is_the_most_that_is_charged_at_once() -> None:
    terms = a_subscription(starts_on=date(1920, 1, 1), charged_until=None)
    until = date(1920 + MAX_PERIODS // 12, 1, 1)
    assert len(parts_between(terms, from_=terms.starts_on, until=until)) == MAX_PERIODS
    with pytest.raises(TooManyPeriods) as refusal:
        parts_between(terms, from_=terms.starts_on, until=until + timedelta(days=1))
    assert refusal.value.errors[0].pointer == "/until"
    assert "1201" in refusal.value.detail


def discounted_net(*discounts: Discount, price: str = "30", **changes: Any) -> tuple[int, int]:
    (line,) = charged(a_subscription(price, discounts=discounts, **changes)).lines
    return line.net_minor, line.discount_minor


def test_discounts_apply_in_order_each_on_the_remainder_before_tax() -> None:
    ten, five = Discount("percent", Decimal(10)), Discount("fixed", Decimal(5))
    assert discounted_net(ten, five) == (2200, 800)
    assert discounted_net(five, ten) == (2250, 750)
    assert discounted_net(five, five, five, five, five, five, five) == (0, 3000)
    charge = charged(a_subscription(discounts=(ten,)))
    assert charge.tax_minor == 567


def test_a_discount_counts_for_the_days_of_its_range() -> None:
    ten_days = {"from_": date(2026, 4, 11), "until": date(2026, 4, 21)}
    assert discounted_net(Discount("percent", Decimal(50), **ten_days)) == (2500, 500)
    assert discounted_net(Discount("fixed", Decimal(6), **ten_days)) == (2800, 200)
    assert discounted_net(Discount("percent", Decimal(50), until=APRIL)) == (3000, 0)
    assert discounted_net(Discount("percent", Decimal(50), from_=MAY)) == (3000, 0)
    assert discounted_net(Discount("percent", Decimal(50), from_=APRIL, until=MAY)) == (1500, 1500)


def test_overlapping_discounts_are_counted_day_by_day() -> None:
    first = Discount("percent", Decimal(50), until=date(2026, 4, 21))
    second = Discount("fixed", Decimal(30), from_=date(2026, 4, 11))
    assert discounted_net(first, second) == (500, 2500)


def test_a_discount_of_a_part_is_its_part() -> None:
    assert discounted_net(Discount("fixed", Decimal(6)), charged_until=date(2026, 4, 16)) == (1200, 300)
    assert discounted_net(Discount("percent", Decimal("33.333")), price="10") == (667, 333)


days = st.dates(date(2000, 1, 1), date(2060, 1, 1))


@st.composite
def subscriptions(draw: st.DrawFn) -> SubscriptionTerms:
    starts_on = draw(days)
    life = draw(st.none() | st.integers(1, 900))
    stops, day = [], starts_on - timedelta(days=20)
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 60)), max_size=3)):
        stops.append(Period(day + timedelta(days=gap), day + timedelta(days=gap + length)))
        day = stops[-1].until
    return a_subscription(
        draw(st.decimals(0, 10**5, places=6).map(str)),
        quantity=draw(st.decimals("0.001", 1000, places=3)),
        tax_rate=draw(st.decimals(0, 100, places=2)),
        tax_included=draw(st.booleans()),
        period_months=draw(st.sampled_from([1, 1, 2, 3, 6, 12])),
        billing_day=draw(st.integers(1, 31)),
        starts_on=starts_on,
        ends_before=None if life is None else starts_on + timedelta(days=life),
        charged_until=draw(st.none() | st.integers(-5, 90).map(lambda days: starts_on + timedelta(days=days))),
        prepaid_months=draw(st.sampled_from([0, 0, 1, 3, 12])),
        proration=draw(
            st.builds(
                Proration,
                st.sampled_from(["cycle_days", "fixed_30", "calendar_split"]),
                st.sampled_from(["prorate", "anniversary", "full_first"]),
            )
        ),
        stops=draw(st.sampled_from([(), tuple(stops)])),
        discounts=draw(
            st.lists(st.builds(Discount, st.just("percent"), st.decimals(0, 100, places=2)), max_size=2).map(tuple)
        ),
    )


@given(subscriptions(), st.lists(st.integers(0, 900), min_size=1, max_size=8))
def test_any_sequence_of_runs_charges_the_same_as_one_catch_up(terms: SubscriptionTerms, offsets: list[int]) -> None:
    run_dates = sorted(terms.starts_on + timedelta(days=offset) for offset in offsets)
    lines, running = [], terms
    for run_date in run_dates:
        charge = charge_due([running], run_date)
        if charge:
            lines += [line[1:7] for line in charge.lines]
            running = replace(running, charged_until=charge.charged_until[terms.subscription_id])
        assert charge_due([running], run_date) is None
    at_once = charge_due([terms], run_dates[-1])
    assert lines == ([line[1:7] for line in at_once.lines] if at_once else [])


@given(subscriptions(), days)
def test_lines_tile_the_time_without_gap_or_overlap(terms: SubscriptionTerms, run_date: date) -> None:
    if terms.proration.method == "full_first":  # one line runs through the stops of the first part
        terms = replace(terms, stops=())
    charge = charge_due([terms], run_date)
    if charge is None:
        return
    charged_days = [
        line.from_ + timedelta(days=day) for line in charge.lines for day in range((line.until - line.from_).days)
    ]
    assert len(set(charged_days)) == len(charged_days)
    start = max(terms.charged_until or terms.starts_on, terms.starts_on)
    assert charged_days == [
        day
        for day in (start + timedelta(days=offset) for offset in range((charge.lines[-1].until - start).days))
        if not any(day in stop for stop in terms.stops)
    ]
    assert terms.ends_before is None or charged_days[-1] < terms.ends_before


@given(st.lists(subscriptions(), min_size=1, max_size=4), st.sampled_from(["document", "line"]))
def test_lines_and_tax_rows_sum_to_the_total(terms: list[SubscriptionTerms], rounding: TaxRounding) -> None:
    pairs = [
        (one, parts_between(replace(one, stops=()), from_=one.starts_on, until=one.starts_on + timedelta(days=100)))
        for one in terms
    ]
    charge = charge_parts(pairs, tax_rounding=rounding)
    assert (
        sum(line.net_minor for line in charge.lines) == charge.net_minor == sum(row.net_minor for row in charge.taxes)
    )
    assert (
        sum(line.tax_minor for line in charge.lines) == charge.tax_minor == sum(row.tax_minor for row in charge.taxes)
    )
    for line in charge.lines:
        assert line.net_minor >= 0 and line.tax_minor >= 0 and line.discount_minor >= 0
