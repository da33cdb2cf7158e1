"""The next charge is what the next run charges, on the first day on which one charges anything (R19, R20)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_billing.domain.charging import charge_due, parts_due
from billhook_billing.domain.terms import SubscriptionTerms
from billhook_billing.domain.upcoming import first_due, next_charge
from billhook_common.periods import Period

pytestmark = pytest.mark.unit

TODAY = date(2026, 4, 10)
APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)


def a_subscription(**changes: Any) -> SubscriptionTerms:
    values: dict[str, Any] = {
        "subscription_id": UUID(int=1), "price": Decimal(30), "currency": "EUR", "quantity": Decimal(1),
        "tax_rate": Decimal(21), "tax_included": False, "period_months": 1, "billing_day": 1, "prepaid_months": 1,
        "starts_on": date(2020, 1, 1), "charged_until": MAY,
    }  # fmt: skip
    return SubscriptionTerms(**(values | changes))


def test_a_prepaid_month_is_due_when_it_begins_and_a_postpaid_one_when_it_has_ended() -> None:
    assert first_due(a_subscription()) == MAY
    assert first_due(a_subscription(prepaid_months=0)) == JUNE


def test_a_service_that_has_ended_or_is_stopped_for_good_has_no_next_charge() -> None:
    assert first_due(a_subscription(ends_before=MAY)) is None
    assert first_due(a_subscription(stops=(Period(MAY, date(2200, 1, 1)),))) is None
    assert first_due(a_subscription(stops=(Period(MAY, JUNE),))) == JUNE
    assert next_charge([a_subscription(ends_before=MAY)], TODAY) is None
    assert next_charge([], TODAY) is None


def test_services_of_one_day_come_together_and_later_ones_do_not() -> None:
    later = a_subscription(subscription_id=UUID(int=2), charged_until=JUNE)
    both = [a_subscription(), a_subscription(subscription_id=UUID(int=3))]
    on, charge = next_charge([*both, later], TODAY) or (None, None)
    assert on == MAY
    assert charge is not None
    assert (len(charge.lines), charge.gross_minor) == (2, 7260)


def test_what_a_late_run_has_left_is_charged_as_of_today() -> None:
    on, charge = next_charge([a_subscription(charged_until=date(2026, 3, 1))], TODAY) or (None, None)
    assert on == date(2026, 3, 1)
    assert charge is not None
    assert [line.from_ for line in charge.lines] == [date(2026, 3, 1), APRIL]


@given(
    starts=st.dates(date(2025, 1, 1), date(2026, 6, 30)),
    charged_days=st.none() | st.integers(0, 400),
    ends_days=st.none() | st.integers(1, 500),
    prepaid=st.integers(0, 3),
    months=st.sampled_from([1, 2, 3, 12]),
    billing_day=st.integers(1, 31),
)
def test_nothing_is_due_the_day_before_and_something_is_on_the_day(
    starts: date, charged_days: int | None, ends_days: int | None, prepaid: int, months: int, billing_day: int
) -> None:
    terms = replace(
        a_subscription(starts_on=starts, prepaid_months=prepaid, period_months=months, billing_day=billing_day),
        charged_until=None if charged_days is None else starts + timedelta(days=charged_days),
        ends_before=None if ends_days is None else starts + timedelta(days=ends_days),
    )
    on = first_due(terms)
    if on is None:
        assert not parts_due(terms, date(2040, 1, 1))
        return
    assert parts_due(terms, on)
    assert not parts_due(terms, on - timedelta(days=1))
    assert next_charge([terms], starts) == (on, charge_due([terms], max(on, starts)))
