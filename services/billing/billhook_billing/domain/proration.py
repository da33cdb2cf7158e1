"""How much of a period's price a part of it costs: the modes and methods of proration (R4)."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from billhook_common.errors import Invalid

Mode = Literal["cycle_days", "fixed_30", "calendar_split", "none"]
Method = Literal["prorate", "anniversary", "full_first"]
Rule = Literal["full_period", "full_first", "cycle_days", "fixed_30", "calendar_split", "none"]


class UnknownProration(Invalid):
    """There is no such mode or method of proration."""

    title = "Unknown proration"


@dataclass(frozen=True, slots=True)
class Proration:
    """How an operator charges parts of periods.

    ``mode`` prices a part: by days of its full period (``cycle_days``), by thirtieths of a month (``fixed_30``), each
    day by the length of its calendar month (``calendar_split``), or at the full price (``none``). ``method`` is about
    the start: ``prorate`` its part, begin periods on the day of the start (``anniversary``, so no part is left), or
    charge the first part in full (``full_first``).
    """

    mode: Mode = "cycle_days"
    method: Method = "prorate"

    @classmethod
    def named(cls, name: str, pointer: str = "/proration") -> "Proration":
        """The proration of one word, a mode or a method; the other one is the default. Raises UnknownProration."""
        for mode in get_args(Mode):
            if name == mode:
                return cls(mode=mode)
        for method in get_args(Method):
            if name == method:
                return cls(method=method)
        known = ", ".join((*get_args(Mode), *get_args(Method)))
        raise UnknownProration(f"{name!r} is not one of {known}", pointer=pointer)


PRORATE = Proration()


class Share(NamedTuple):
    """A part costs ``numerator / denominator`` of the price, because of ``days`` of ``period_days`` by ``rule``."""

    numerator: int
    denominator: int
    days: int
    period_days: int
    rule: Rule


class Part(NamedTuple):
    """The days ``[from_, until)`` inside the one full anchored period ``[period_from, period_until)``."""

    from_: date
    until: date
    period_from: date
    period_until: date


@lru_cache(maxsize=16384)
def share_of(part: Part, months: int, mode: Mode | Literal["full_first"]) -> Share:
    """The share of the price of a period of ``months`` that ``part`` costs; a full period costs exactly the price.

    No part costs more than its period, although thirty-one days are more than thirty thirtieths.
    """
    days = (part.until - part.from_).days
    period_days = (part.period_until - part.period_from).days
    if days == period_days:
        return Share(1, 1, days, period_days, "full_period")
    if mode == "cycle_days":
        return Share(days, period_days, days, period_days, mode)
    if mode == "fixed_30":
        return Share(min(days, 30 * months), 30 * months, days, 30 * months, mode)
    if mode == "calendar_split":
        split = min(Fraction(1), _months_in(part.from_, part.until) / months)
        return Share(split.numerator, split.denominator, days, period_days, mode)
    return Share(1, 1, days, period_days, mode)


def _months_in(from_: date, until: date) -> Fraction:
    """The days of ``[from_, until)``, each counted as one part of its own calendar month."""
    total = Fraction(0)
    while from_ < until:
        month_days = monthrange(from_.year, from_.month)[1]
        end = min(until, from_ + timedelta(days=month_days - from_.day + 1))
        total += Fraction((end - from_).days, month_days)
        from_ = end
    return total
