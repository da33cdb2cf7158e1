"""A quote is what the run would charge, and bad questions are refused by field."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_billing.domain.charging import TooManyPeriods, charge_due
from billhook_billing.domain.proration import Proration
from billhook_billing.domain.quote import QuoteRequest, quote, quote_json
from billhook_billing.domain.terms import SubscriptionTerms, checked_terms
from billhook_common.discounts import Discount
from billhook_common.errors import BillhookError
from billhook_common.money import AmountOutOfRange, DecimalOutOfRange, UnknownCurrency
from billhook_common.periods import (
    DateOutOfRange,
    EndBeforeStart,
    InvalidBillingDay,
    InvalidPeriodMonths,
    PeriodsDisjoint,
)

pytestmark = pytest.mark.unit


def a_question(**changes: Any) -> QuoteRequest:
    request = QuoteRequest(
        price=Decimal("29.90"),
        currency="EUR",
        tax_rate=Decimal(21),
        tax_included=False,
        quantity=Decimal(1),
        period_months=1,
        billing_day=1,
        starts_on=date(2026, 3, 15),
        from_=date(2026, 3, 15),
        until=date(2026, 5, 1),
    )
    return replace(request, **changes)


def test_a_quote_has_a_line_for_each_anchored_period_and_sums_to_its_total() -> None:
    assert quote_json(quote(a_question())) == {
        "currency": "EUR",
        "lines": [
            {
                "from": "2026-03-15",
                "until": "2026-04-01",
                "days": 17,
                "period_days": 31,
                "quantity": "1",
                "unit_price": "29.90",
                "discount": "0.00",
                "net": "16.40",
                "tax": "3.44",
                "gross": "19.84",
                "rule": "cycle_days",
            },
            {
                "from": "2026-04-01",
                "until": "2026-05-01",
                "days": 30,
                "period_days": 30,
                "quantity": "1",
                "unit_price": "29.90",
                "discount": "0.00",
                "net": "29.90",
                "tax": "6.28",
                "gross": "36.18",
                "rule": "full_period",
            },
        ],
        "taxes": [{"rate": "21", "net": "46.30", "tax": "9.72"}],
        "net": "46.30",
        "tax": "9.72",
        "gross": "56.02",
    }


def test_the_days_asked_are_cut_to_the_life_of_the_subscription() -> None:
    charge = quote(a_question(from_=date(2026, 1, 1), until=date(2026, 12, 1), ends_before=date(2026, 4, 11)))
    assert [(line.from_, line.until) for line in charge.lines] == [
        (date(2026, 3, 15), date(2026, 4, 1)),
        (date(2026, 4, 1), date(2026, 4, 11)),
    ]


def test_discounts_and_proration_are_part_of_the_question() -> None:
    half = Discount("percent", Decimal(50))
    charge = quote(
        a_question(price=Decimal(30), discounts=(half,), proration=Proration("fixed_30"), until=date(2026, 4, 1))
    )
    assert (charge.net_minor, charge.lines[0].discount_minor, charge.lines[0].rule) == (850, 850, "fixed_30")


@pytest.mark.parametrize(
    ("changes", "error", "pointer"),
    [
        ({"currency": "EURO"}, UnknownCurrency, "/currency"),
        ({"price": Decimal("1e18")}, DecimalOutOfRange, "/price"),
        ({"price": Decimal(-1)}, DecimalOutOfRange, "/price"),
        ({"price": Decimal("1.0000001")}, DecimalOutOfRange, "/price"),
        ({"price": Decimal(10) ** 11, "quantity": Decimal(10) ** 11}, AmountOutOfRange, "/price"),
        ({"quantity": Decimal(0)}, DecimalOutOfRange, "/quantity"),
        ({"quantity": Decimal(-1)}, DecimalOutOfRange, "/quantity"),
        ({"quantity": Decimal("NaN")}, DecimalOutOfRange, "/quantity"),
        ({"quantity": Decimal("1e309")}, DecimalOutOfRange, "/quantity"),
        ({"tax_rate": Decimal(-1)}, DecimalOutOfRange, "/tax_rate"),
        ({"tax_rate": Decimal(101)}, DecimalOutOfRange, "/tax_rate"),
        ({"billing_day": 0}, InvalidBillingDay, "/billing_day"),
        ({"billing_day": 32}, InvalidBillingDay, "/billing_day"),
        ({"period_months": 0}, InvalidPeriodMonths, "/period_months"),
        ({"starts_on": date(1, 1, 1)}, DateOutOfRange, "/starts_on"),
        ({"ends_before": date(9999, 12, 31)}, DateOutOfRange, "/ends_before"),
        ({"ends_before": date(2026, 3, 15)}, EndBeforeStart, "/ends_before"),
        ({"from_": date(1, 1, 1)}, DateOutOfRange, "/from"),
        ({"until": date(9999, 12, 31)}, DateOutOfRange, "/until"),
        ({"until": date(2026, 3, 15)}, EndBeforeStart, "/until"),
        ({"from_": date(2026, 3, 1), "until": date(2026, 3, 15)}, PeriodsDisjoint, "/from"),
        ({"from_": date(2026, 4, 1), "ends_before": date(2026, 4, 1)}, PeriodsDisjoint, "/from"),
        (
            {"starts_on": date(1950, 1, 1), "from_": date(1950, 1, 1), "until": date(2100, 1, 1)},
            TooManyPeriods,
            "/until",
        ),
        ({"discounts": (Discount("percent", Decimal(101)),)}, DecimalOutOfRange, "/discounts/0/value"),
    ],
)
def test_a_bad_question_is_refused_at_its_field(
    changes: dict[str, Any], error: type[BillhookError], pointer: str
) -> None:
    with pytest.raises(error) as refusal:
        quote(a_question(**changes))
    assert refusal.value.errors[0].pointer == pointer


@pytest.mark.parametrize("prepaid_months", [-1, 13])
def test_only_twelve_months_are_paid_ahead(prepaid_months: int) -> None:
    terms = SubscriptionTerms(
        UUID(int=1), Decimal(1), "EUR", Decimal(1), Decimal(0), False, 1, 1, date(2026, 1, 1),
        prepaid_months=prepaid_months,
    )  # fmt: skip
    with pytest.raises(DecimalOutOfRange) as refusal:
        checked_terms(terms)
    assert refusal.value.errors[0].pointer == "/prepaid_months"
    assert checked_terms(replace(terms, prepaid_months=12)).prepaid_months == 12


@given(
    st.decimals(0, 10**6, places=6),
    st.integers(1, 31),
    st.sampled_from([1, 3, 12]),
    st.dates(date(2000, 1, 1), date(2050, 1, 1)),
    st.booleans(),
)
def test_a_quote_is_what_the_run_charges(
    price: Decimal,
    billing_day: int,
    months: int,
    start: date,
    included: bool,
) -> None:
    question = a_question(
        price=price, billing_day=billing_day, period_months=months, starts_on=start, tax_included=included, from_=start
    )
    terms = SubscriptionTerms(
        subscription_id=UUID(int=0),
        price=price,
        currency="EUR",
        quantity=Decimal(1),
        tax_rate=Decimal(21),
        tax_included=included,
        period_months=months,
        billing_day=billing_day,
        starts_on=start,
    )
    run = charge_due([terms], start.replace(year=start.year + 2, day=1))
    assert run is not None
    assert quote(replace(question, until=run.lines[-1].until)) == replace(run, late=())
