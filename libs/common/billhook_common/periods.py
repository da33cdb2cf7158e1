"""Half-open periods of local dates and the boundaries of a billing cycle (R2, R3).

No time of day takes part: a period is the days ``from_ <= day < until``. A boundary is always computed from the
anchor, never from the boundary before it, so billing day 31 comes back to the 31st after every short month.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from billhook_common.errors import Conflict, Invalid

# Dates outside are typing mistakes; inside, no boundary of a cycle leaves the calendar of ``datetime.date``.
FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2200, 1, 1)
# Ten years: longer than anything that is sold in one piece.
MAX_CYCLE_MONTHS = 120


class InvalidBillingDay(Invalid):
    """The billing day is not a day of a month."""

    title = "The billing day must be 1 to 31"


class InvalidPeriodMonths(Invalid):
    """The length of a billing period is not a sensible number of months."""

    title = "The period must be 1 to 120 months"


class DateOutOfRange(Invalid):
    """The date is before 1900 or after 2200."""

    title = "The date is out of range"


class EndBeforeStart(Invalid):
    """A period must have at least one day."""

    title = "The end must be after the start"


class PeriodsDisjoint(Conflict):
    """Two periods that must overlap have no day in common."""

    title = "The periods do not overlap"


def checked_day(day: date, pointer: str) -> date:
    """``day``, if it lies in 1900 … 2200. Raises DateOutOfRange."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise DateOutOfRange(f"{day} is not between {FIRST_DAY} and {LAST_DAY}", pointer=pointer)
    return day


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days from ``from_`` up to, but not including, ``until``; never empty (EndBeforeStart)."""

    from_: date
    until: date

    def __post_init__(self) -> None:
        if self.until <= self.from_:
            raise EndBeforeStart(f"{self.until} is not after {self.from_}", pointer="/until")

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.until - self.from_).days

    @property
    def last_day(self) -> date:
        """The last day inside: what people are shown as the end (R2)."""
        return self.until - timedelta(days=1)

    def __contains__(self, day: date) -> bool:
        return self.from_ <= day < self.until

    def overlap(self, other: "Period") -> "Period | None":
        """The days that both have, if any."""
        from_, until = max(self.from_, other.from_), min(self.until, other.until)
        return Period(from_, until) if from_ < until else None


def month_number(day: date) -> int:
    """Months since the year 0: the difference of two is the distance of their months."""
    return day.year * 12 + day.month - 1


@lru_cache(maxsize=8192)
def day_in_month(month: int, billing_day: int) -> date:
    """``billing_day`` of a month (see ``month_number``), or that month's last day where it is shorter."""
    year, month_of_year = month // 12, month % 12 + 1
    return date(year, month_of_year, min(billing_day, monthrange(year, month_of_year)[1]))


@dataclass(frozen=True, slots=True)
class Cycle:
    """The endless row of equal billing periods of one anchor.

    ``month`` is the anchor's month (see ``month_number``): boundary k is the billing day of ``month + k * months``.
    """

    billing_day: int
    months: int
    month: int

    @classmethod
    def of(cls, starts_on: date, *, billing_day: int, months: int = 1) -> "Cycle":
        """The cycle of something that starts on ``starts_on``.

        Raises InvalidBillingDay, InvalidPeriodMonths and DateOutOfRange.
        """
        if not 1 <= billing_day <= 31:
            raise InvalidBillingDay(f"{billing_day} is not between 1 and 31", pointer="/billing_day")
        if not 1 <= months <= MAX_CYCLE_MONTHS:
            detail = f"{months} is not between 1 and {MAX_CYCLE_MONTHS}"
            raise InvalidPeriodMonths(detail, pointer="/period_months")
        return cls(billing_day, months, month_number(checked_day(starts_on, "/starts_on")))

    def boundary(self, k: int) -> date:
        """Boundary ``k``; number 0 lies in the month of the start, before or after it (R3)."""
        return day_in_month(self.month + k * self.months, self.billing_day)

    def index(self, day: date) -> int:
        """The number of the period that contains ``day``: ``boundary(index) <= day < boundary(index + 1)``."""
        k = (month_number(day) - self.month) // self.months
        return k - 1 if day < self.boundary(k) else k

    def period(self, day: date) -> Period:
        """The full period that contains ``day``."""
        k = self.index(day)
        return Period(self.boundary(k), self.boundary(k + 1))
