"""Give out numbers, without gap and without repetition: one block a batch, in its own transaction (R10)."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from billhook_invoicing.domain.numbering import NumberPattern
from billhook_invoicing.models import Counter, Series

_TAKE = text("""
    WITH moved AS (UPDATE series SET last_issued_on = :issued_on WHERE id = :id)
    INSERT INTO counter (series_id, key, start, next) VALUES (:id, :key, 1, 1 + :count)
    ON CONFLICT (series_id, key) DO UPDATE SET next = counter.next + :count
    RETURNING next - :count
""")


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers that follow one another: ``numbers[0]`` is that of counter value ``first``; all issued on one day."""

    series_id: UUID
    key: str
    first: int
    issued_on: dt.date
    numbers: list[str]


@dataclass(frozen=True, slots=True)
class NextValue:
    """The counter value that a document issued today, or rather on ``issued_on``, would get: ``value`` of ``key``."""

    key: str
    value: int
    issued_on: dt.date


def hold_series(session: Session, kind: str) -> Series:
    """The series of documents of ``kind``; nobody else gives out its numbers until this transaction ends."""
    return session.execute(select(Series).where(Series.kind == kind).with_for_update()).scalar_one()


def take_block(session: Session, series: Series, today: dt.date, count: int) -> Block:
    """The next ``count`` numbers of a held series, issued today but never before the last one of the series.

    Raises NumberTooLong.
    """
    pattern, issued_on = pattern_of(series), _issue_date(series, today)
    key = pattern.reset_key(issued_on)
    values = {"id": series.id, "key": key, "count": count, "issued_on": issued_on}
    first = session.execute(_TAKE, values).scalar_one()
    return Block(series.id, key, first, issued_on, pattern.numbers(first, count, issued_on))


def next_value(session: Session, series: Series, today: dt.date) -> NextValue:
    """What would be issued next, if it were issued today; nothing is taken."""
    issued_on = _issue_date(series, today)
    key = pattern_of(series).reset_key(issued_on)
    value = session.scalar(select(Counter.next).where(Counter.series_id == series.id, Counter.key == key))
    return NextValue(key, value or 1, issued_on)


def pattern_of(series: Series) -> NumberPattern:
    """The series' pattern. Raises WrongNumberPattern, which a stored one never does."""
    return NumberPattern.parse(series.pattern, series.reset)  # type: ignore[arg-type]  # the column's check constraint


def _issue_date(series: Series, today: dt.date) -> dt.date:
    return max(today, series.last_issued_on or today)
