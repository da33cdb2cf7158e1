"""Half-open periods and boundaries that never drift (R2, R3)."""

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.periods import (
    FIRST_DAY,
    LAST_DAY,
    Cycle,
    DateOutOfRange,
    EndBeforeStart,
    InvalidBillingDay,
    InvalidPeriodMonths,
    Period,
    checked_day,
    day_in_month,
    month_number,
)

pytestmark = pytest.mark.unit

days = st.dates(date(1990, 1, 1), date(2120, 12, 31))
billing_days = st.integers(1, 31)
lengths = st.sampled_from([1, 2, 3, 6, 12, 24, 120])


def boundaries(starts_on: date, billing_day: int, months: int, count: int) -> list[str]:
    cycle = Cycle.of(starts_on, billing_day=billing_day, months=months)
    return [cycle.boundary(k).isoformat() for k in range(count)]


def test_a_period_is_half_open_and_shown_inclusive() -> None:
    period = Period(date(2026, 4, 1), date(2026, 5, 1))
    assert period.days == 30
    assert period.last_day == date(2026, 4, 30)
    assert date(2026, 4, 1) in period
    assert date(2026, 5, 1) not in period
    assert date(2026, 3, 31) not in period


@pytest.mark.parametrize("until", [date(2026, 4, 1), date(2026, 3, 31)])
def test_a_period_without_a_day_is_refused(until: date) -> None:
    with pytest.raises(EndBeforeStart) as refusal:
        Period(date(2026, 4, 1), until)
    assert refusal.value.errors[0].pointer == "/until"


def test_periods_overlap_in_the_days_that_both_have() -> None:
    april = Period(date(2026, 4, 1), date(2026, 5, 1))
    assert april.overlap(Period(date(2026, 4, 20), date(2026, 6, 1))) == Period(date(2026, 4, 20), date(2026, 5, 1))
    assert april.overlap(Period(date(2026, 5, 1), date(2026, 6, 1))) is None


@pytest.mark.parametrize("billing_day", [0, 32, -1])
def test_a_billing_day_outside_the_month_is_refused(billing_day: int) -> None:
    with pytest.raises(InvalidBillingDay) as refusal:
        Cycle.of(date(2026, 1, 1), billing_day=billing_day)
    assert refusal.value.errors[0].pointer == "/billing_day"


@pytest.mark.parametrize("months", [0, -1, 121])
def test_a_period_of_impossible_length_is_refused(months: int) -> None:
    with pytest.raises(InvalidPeriodMonths) as refusal:
        Cycle.of(date(2026, 1, 1), billing_day=1, months=months)
    assert refusal.value.errors[0].pointer == "/period_months"


@pytest.mark.parametrize("day", [FIRST_DAY - timedelta(days=1), LAST_DAY + timedelta(days=1), date.max])
def test_a_date_far_away_is_refused(day: date) -> None:
    with pytest.raises(DateOutOfRange) as refusal:
        Cycle.of(day, billing_day=1)
    assert refusal.value.errors[0].pointer == "/starts_on"


def test_the_first_and_last_date_are_accepted() -> None:
    assert checked_day(FIRST_DAY, "/x") == FIRST_DAY
    assert checked_day(LAST_DAY, "/x") == LAST_DAY
    assert Cycle.of(FIRST_DAY, billing_day=31, months=120).period(FIRST_DAY).from_.year == 1890
    assert Cycle.of(LAST_DAY, billing_day=1, months=120).period(LAST_DAY).until.year == 2210


def test_example_1_billing_day_1_is_the_month_and_10_is_the_10th_to_the_9th() -> None:
    month = Cycle.of(date(2026, 1, 1), billing_day=1).period(date(2026, 4, 17))
    assert (month.from_, month.last_day) == (date(2026, 4, 1), date(2026, 4, 30))
    cycle = Cycle.of(date(2026, 1, 1), billing_day=10).period(date(2026, 4, 9))
    assert (cycle.from_, cycle.last_day) == (date(2026, 3, 10), date(2026, 4, 9))


def test_the_31st_comes_back_after_every_short_month() -> None:
    assert boundaries(date(2026, 1, 31), 31, 1, 5) == [
        "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31",
    ]  # fmt: skip


def test_the_29th_of_february_comes_back_in_leap_years() -> None:
    assert boundaries(date(2024, 2, 29), 29, 12, 5) == [
        "2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29",
    ]  # fmt: skip


def test_a_quarter_is_anchored_at_the_month_of_the_start() -> None:
    assert boundaries(date(2026, 3, 15), 10, 3, 3) == ["2026-03-10", "2026-06-10", "2026-09-10"]
    cycle = Cycle.of(date(2026, 3, 15), billing_day=20, months=3)
    assert cycle.period(date(2026, 3, 15)) == Period(date(2025, 12, 20), date(2026, 3, 20))
    assert cycle.index(date(2026, 3, 15)) == -1
    assert cycle.index(date(2026, 3, 20)) == 0


def test_months_are_counted_from_the_year_zero() -> None:
    assert month_number(date(2026, 1, 1)) == 2026 * 12
    assert month_number(date(2026, 12, 31)) - month_number(date(2026, 1, 1)) == 11
    assert day_in_month(2026 * 12 + 1, 30) == date(2026, 2, 28)
    assert day_in_month(2026 * 12 + 11, 31) == date(2026, 12, 31)


@given(days, billing_days, lengths, st.integers(-200, 200))
def test_boundaries_never_drift(start: date, billing_day: int, months: int, k: int) -> None:
    cycle = Cycle.of(start, billing_day=billing_day, months=months)
    if not 0 < cycle.month + k * months < 9999 * 12:
        return
    boundary = cycle.boundary(k)
    assert month_number(boundary) == month_number(start) + k * months
    assert boundary.day == min(billing_day, monthrange(boundary.year, boundary.month)[1])


@given(days, billing_days, lengths, days)
def test_every_day_lies_in_exactly_one_period(start: date, billing_day: int, months: int, day: date) -> None:
    cycle = Cycle.of(start, billing_day=billing_day, months=months)
    k = cycle.index(day)
    assert cycle.boundary(k) <= day < cycle.boundary(k + 1)
    assert cycle.period(day) == Period(cycle.boundary(k), cycle.boundary(k + 1))


@given(days, billing_days, lengths)
def test_the_first_boundary_is_strictly_after_the_start_unless_the_start_is_one(
    start: date, billing_day: int, months: int
) -> None:
    period = Cycle.of(start, billing_day=billing_day, months=months).period(start)
    assert period.from_ <= start < period.until
    if start.day == min(billing_day, monthrange(start.year, start.month)[1]):
        assert period.from_ == start
