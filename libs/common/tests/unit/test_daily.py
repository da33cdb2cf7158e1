"""The time of day of a daily job, where the operator is, also when the clocks are changed."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.jobs import Job, latest_day, next_due

pytestmark = pytest.mark.unit

ZONE = "Europe/Prague"


@pytest.mark.parametrize(
    ("now", "at", "day"),
    [
        ("2026-11-24T02:29:59Z", "03:30", "2026-11-23"),
        ("2026-11-24T02:30:00Z", "03:30", "2026-11-24"),
        ("2026-11-23T23:30:00Z", "00:00", "2026-11-24"),
        ("2026-03-29T01:29:59Z", "02:30", "2026-03-28"),  # the clocks jump from 2 to 3: there is no 02:30
        ("2026-03-29T01:30:00Z", "02:30", "2026-03-29"),
        ("2026-10-25T00:30:00Z", "02:30", "2026-10-25"),  # 02:30 comes twice: the first counts
        ("2026-10-25T01:30:00Z", "02:30", "2026-10-25"),
    ],
)
def test_the_day_has_come(now: str, at: str, day: str) -> None:
    assert latest_day(dt.datetime.fromisoformat(now), dt.time.fromisoformat(at), ZONE) == dt.date.fromisoformat(day)


@given(
    st.sampled_from([ZONE, "Australia/Lord_Howe", "America/St_Johns", "UTC", "Pacific/Apia"]),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.dates(dt.date(2020, 1, 2), dt.date(2035, 1, 1)),
)
def test_every_day_comes_once_and_in_order(zone: str, at: dt.time, day: dt.date) -> None:
    start = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
    days = [latest_day(start + dt.timedelta(minutes=15 * step), at, zone) for step in range(4 * 24 * 4)]
    assert days == sorted(days)
    assert all((later - earlier).days <= 1 for earlier, later in itertools.pairwise(days))


@pytest.mark.parametrize("at", ["02:30", "00:00", "12:00"])
@pytest.mark.parametrize("done", ["2026-03-28", "2026-10-24", "2026-12-31"])
def test_the_next_run_is_due_at_the_instant_at_which_its_day_has_come(done: str, at: str) -> None:
    day, time = dt.date.fromisoformat(done), dt.time.fromisoformat(at)
    due = next_due(Job("nightly", lambda _: False, 30, daily_at=time), day, ZONE)
    assert due is not None
    assert latest_day(due, time, ZONE) == day + dt.timedelta(days=1)
    assert latest_day(due - dt.timedelta(seconds=1), time, ZONE) == day


def test_what_runs_often_or_never_ran_is_not_due_at_a_time() -> None:
    assert next_due(Job("often", lambda _: False, 5), dt.date(2026, 11, 24), ZONE) is None
    assert next_due(Job("nightly", lambda _: False, 30, daily_at=dt.time(3)), None, ZONE) is None
