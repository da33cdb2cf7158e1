"""Change how documents are numbered: the pattern, when it begins again, and where it begins (I3, R10)."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import Conflict, NotFound
from billhook_common.etags import check_version
from billhook_invoicing.actions.number import next_value, pattern_of
from billhook_invoicing.domain.numbering import Reset, WrongNumberPattern
from billhook_invoicing.models import Counter, Document, Series


class NumbersWereGiven(Conflict):
    """A counter that has given out numbers goes on from the last one, or there would be a gap."""

    title = "This series has given out numbers already"


class NumberIsTaken(Conflict):
    """A document has the number that would come next."""

    title = "A document has this number already"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChanges:
    """What is to be changed; None stays. ``next`` is the counter's next value."""

    pattern: str | None = None
    reset: Reset | None = None
    next: int | None = None


def change_series(
    session: Session, clock: Clock, series_id: UUID, changes: SeriesChanges, *, seen: int | None
) -> Series:
    """Change a series for the documents to come.

    Raises NotFound, VersionGone, WrongNumberPattern, NumberTooLong, NumbersWereGiven, NumberIsTaken.
    """
    series = session.get(Series, series_id, with_for_update=True)
    if series is None:
        raise NotFound("There is no such series.")
    check_version(session, series_id, seen=seen, present=series.version)
    before = _state(session, clock, series)
    series.pattern = changes.pattern or series.pattern
    series.reset = changes.reset or series.reset
    _check_pattern(series)
    if changes.next is not None:
        _begin_at(session, clock, series, changes.next)
    _check_next(session, clock, series)
    series.version += 1
    session.flush()
    audit(session, clock, "series_changed", series.id, before=before, after=_state(session, clock, series))
    return series


def _check_pattern(series: Series) -> None:
    pattern = pattern_of(series)
    if pattern.names:
        named = ", ".join(f"{{{name}}}" for name in sorted(pattern.names))
        raise WrongNumberPattern(f"This series is one for all: {named} cannot be in it", pointer="/pattern")


def _begin_at(session: Session, clock: Clock, series: Series, value: int) -> None:
    """Set the first value of the present counter: what another program has numbered is not numbered again."""
    key = next_value(session, series, clock.today()).key
    counter = session.get(Counter, (series.id, key))
    if counter is None:
        session.add(Counter(series_id=series.id, key=key, start=value, next=value))
    elif counter.next == value:
        return
    elif counter.next > counter.start:
        raise NumbersWereGiven(f"The next one is {counter.next}.", pointer="/next")
    else:
        counter.start = counter.next = value
    session.flush()


def _check_next(session: Session, clock: Clock, series: Series) -> None:
    """The next document gets a number that fits and that none has. Raises NumberTooLong, NumberIsTaken."""
    coming = next_value(session, series, clock.today())
    number = pattern_of(series).number(coming.value, coming.issued_on)
    taken = select(Document.id).where(Document.number == number, Document.series_id == series.id)
    if session.scalar(taken) is not None:
        raise NumberIsTaken(f"{number} is issued.", pointer="/pattern")


def _state(session: Session, clock: Clock, series: Series) -> dict[str, object]:
    coming = next_value(session, series, clock.today())
    return {"pattern": series.pattern, "reset": series.reset, "next": coming.value}
