"""Events that could not be applied: gathered by fingerprint, shown masked, replayed or discarded, audited (G7)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.db import AnyRow, AnySelect
from billhook_common.errors import BillhookError, Conflict, NotFound
from billhook_common.events.envelope import HIDDEN, TOO_LARGE, UNDECODABLE, UNKNOWN_TYPE, UNREADABLE, UNVOUCHED, named
from billhook_common.events.handlers import NotYet
from billhook_common.operations.masking import masked_payload, masked_text
from billhook_common.tables import inbox

STATES = ("parked", "failed", "discarded")
"""What is not done: set aside for people, tried again by itself, given up by people."""
GROUPS_MOST = 500
SHOWN_BYTES = 64_000
"""A longer payload is not shown; it is kept whole all the same."""


class ForgedEvent(Conflict):
    """Nobody vouches for it: its publisher can send the true one again, this one stays out."""

    title = "What nobody vouches for is never applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which parked events a command is for: one by its id, or all of a fingerprint."""

    event_id: UUID | None = None
    fingerprint: str | None = None

    def condition(self) -> ColumnElement[bool]:
        """As SQL, on events that are parked now."""
        chosen = inbox.c.event_id == self.event_id if self.event_id else inbox.c.fingerprint == self.fingerprint
        return (inbox.c.state == "parked") & chosen


def counts(session: Session) -> dict[str, int]:
    """How many events wait to be tried again (``failed``) and are set aside (``parked``)."""
    rows = session.execute(
        select(inbox.c.state, func.count()).where(inbox.c.state.in_(("failed", "parked"))).group_by(inbox.c.state)
    ).all()
    return {"failed": 0, "parked": 0} | {state: number for state, number in rows}


def groups(session: Session, state: str = "parked") -> list[dict[str, Any]]:
    """The kinds of trouble, most events first: fingerprint, types, count, first and last seen, the latest's reason."""
    latest = inbox.c.received_at.desc()
    statement = (
        select(
            inbox.c.fingerprint,
            func.count().label("count"),
            func.min(inbox.c.received_at).label("first_seen"),
            func.max(inbox.c.received_at).label("last_seen"),
            func.array_agg(inbox.c.type.distinct()).label("types"),
            func.array_agg(aggregate_order_by(inbox.c.reason, latest), type_=ARRAY(Text))[1].label("reason"),
        )
        .where(inbox.c.state == state)
        .group_by(inbox.c.fingerprint)
        .order_by(func.count().desc(), inbox.c.fingerprint)
        .limit(GROUPS_MOST)
    )
    return [
        {
            "fingerprint": row.fingerprint,
            "types": sorted(named(one) for one in row.types),
            "count": row.count,
            "first_seen": row.first_seen,
            "last_seen": row.last_seen,
            "reason": _reason(row),
        }
        for row in session.execute(statement)
    ]


def events_of(fingerprint: str, state: str = "parked") -> AnySelect:
    """The events of one fingerprint; ``event_item`` makes one presentable."""
    size = func.coalesce(func.octet_length(inbox.c.payload), 0)
    return select(
        inbox.c.event_id,
        inbox.c.type,
        inbox.c.state,
        inbox.c.received_at,
        inbox.c.attempts,
        inbox.c.next_at,
        inbox.c.fingerprint,
        inbox.c.reason,
        size.label("size_bytes"),
        case((size <= SHOWN_BYTES, inbox.c.payload)).label("shown"),
    ).where(inbox.c.fingerprint == fingerprint, inbox.c.state == state)


def event_item(row: AnyRow) -> dict[str, Any]:
    """One row of ``events_of`` with its payload masked."""
    return {
        "event_id": row.event_id,
        "type": named(row.type),
        "state": row.state,
        "fingerprint": row.fingerprint,
        "reason": _reason(row),
        "received_at": row.received_at,
        "attempts": row.attempts,
        "next_at": row.next_at,
        "size_bytes": row.size_bytes,
        "payload": masked_payload(row.shown) if row.shown is not None else HIDDEN,
    }


def replay(session: Session, clock: Clock, chosen: Chosen) -> int:
    """Have the chosen events applied again, now; returns how many. Raises NotFound, ForgedEvent."""
    unvouched = or_(*(inbox.c.fingerprint.startswith(kind, autoescape=True) for kind in UNVOUCHED))
    if session.scalar(select(func.count()).where(chosen.condition(), unvouched)):
        raise ForgedEvent("Discard it. If its publisher did send it, have the publisher replay it.")
    count = _move(session, chosen, state="failed", attempts=0, next_at=clock.now())
    audit(session, clock, "parked_events_replayed", chosen.event_id, after=_said(chosen, count))
    return count


def discard(session: Session, clock: Clock, chosen: Chosen, reason: str) -> int:
    """Give the chosen events up for good; they stay as rows until retention. Raises NotFound."""
    count = _move(session, chosen, state="discarded", next_at=None)
    audit(session, clock, "parked_events_discarded", chosen.event_id, after=_said(chosen, count) | {"reason": reason})
    return count


def _move(session: Session, chosen: Chosen, **values: Any) -> int:
    moved = session.execute(update(inbox).where(chosen.condition()).values(**values).returning(inbox.c.event_id)).all()
    if not moved:
        raise NotFound("No such event is parked here.")
    return len(moved)


def _reason(row: AnyRow) -> str:
    """What was said, where it was one of our own refusals; any other error may say anything about anybody."""
    kind = str(row.fingerprint or "").partition(" ")[0]
    return masked_text(row.reason or "") if kind in _REASONS or kind in refusals() else HIDDEN


_REASONS = frozenset({UNDECODABLE, UNKNOWN_TYPE, UNREADABLE, TOO_LARGE, *UNVOUCHED, NotYet.__name__})


def refusals(kind: type[BillhookError] = BillhookError) -> set[str]:
    """The names of all our own errors."""
    return {kind.__name__}.union(*(refusals(below) for below in kind.__subclasses__()))


def _said(chosen: Chosen, count: int) -> dict[str, Any]:
    return {"event_id": chosen.event_id, "fingerprint": chosen.fingerprint, "count": count}
