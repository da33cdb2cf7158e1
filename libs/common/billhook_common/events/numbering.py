"""The numbers of events: an epoch and a position per type, given once, in the transaction that reads the rows.

A round that was read stays noted in ``outbox_position.sending`` until it is marked: whatever happens in between,
it goes out again as it was. So a number always means the same event, and one UPDATE a round is enough.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from billhook_common.contracts.every_service import PositionsPublished, ReplayRequested, Stream, topic_of
from billhook_common.db import AnyRow
from billhook_common.tables import outbox

_HOME = (
    "(SELECT system_identifier FROM pg_control_system()) || '/' || CAST('outbox'::regclass::oid AS text) || '/' || "
    "(SELECT oid FROM pg_database WHERE datname = current_database())"
)
"""Names the database and the table that the rows are in; a restored copy has another name."""
_UNMARKED = text("SELECT type, epoch, last, sending FROM outbox_position WHERE sending <> '{}'")
_CURRENT = text(
    f"SELECT type, epoch, last FROM outbox_position WHERE type = ANY(CAST(:types AS text[])) AND home = {_HOME}"  # noqa: S608
)
_BEGIN = text(
    "INSERT INTO outbox_position (type, home, began_at, last) "  # noqa: S608  (a constant)
    f"SELECT name, {_HOME}, :now, 0 FROM unnest(CAST(:types AS text[])) AS name RETURNING type, epoch, last"
)
_ADVANCE = text(
    "UPDATE outbox_position SET last = :last, sending = CAST(:seqs AS bigint[]) WHERE type = :type AND epoch = :epoch"
)
_MARK = text(
    "UPDATE outbox SET published_at = :now, epoch = stamp.epoch, position = stamp.position, "
    "returned = stamp.seq = ANY(CAST(:returned AS bigint[])) "
    "FROM unnest(CAST(:seqs AS bigint[]), CAST(:epochs AS uuid[]), CAST(:positions AS bigint[])) "
    "AS stamp(seq, epoch, position) WHERE outbox.seq = stamp.seq"
)
_STREAMS = text(
    f"SELECT type, epoch, began_at, last, home <> {_HOME} AS ended, least("  # noqa: S608
    "  (SELECT min(position) FROM outbox WHERE outbox.type = p.type AND outbox.epoch = p.epoch), "
    "  last - cardinality(sending) + 1) AS first "
    "FROM outbox_position AS p ORDER BY type, began_at"
)
_UNNUMBERED = frozenset(topic_of(fact.TYPE) for fact in (PositionsPublished, ReplayRequested))


class Numbered(msgspec.Struct, frozen=True):
    """An outbox row with its number; none when it goes to one service alone, or tells of numbers itself."""

    row: AnyRow
    epoch: UUID | None = None
    position: int | None = None


def next_round(session: Session, now: dt.datetime, most: int) -> list[Numbered]:
    """The rows to send next, each with its number, which is noted: those of a round broken off, else new ones."""
    numbers = {
        seq: (row.epoch, row.last - len(row.sending) + place)
        for row in session.execute(_UNMARKED)
        for place, seq in enumerate(row.sending, 1)
    }
    if numbers:
        rows = session.execute(select(outbox).where(outbox.c.seq.in_(numbers)).order_by(outbox.c.seq)).all()
    else:
        unpublished = select(outbox).where(outbox.c.published_at.is_(None)).order_by(outbox.c.seq).limit(most)
        rows = session.execute(unpublished).all()
        numbers = _give(session, now, [row for row in rows if _is_numbered(row)])
    return [Numbered(row, *numbers.get(row.seq, (None, None))) for row in rows]


def _is_numbered(row: AnyRow) -> bool:
    return row.recipient is None and topic_of(row.type) not in _UNNUMBERED


def _give(session: Session, now: dt.datetime, rows: Iterable[AnyRow]) -> dict[int, tuple[UUID, int]]:
    seqs: dict[str, list[int]] = {}
    for row in rows:
        seqs.setdefault(row.type, []).append(row.seq)
    if not seqs:
        return {}
    current = {row.type: row for row in session.execute(_CURRENT, {"types": list(seqs)})}
    fresh = sorted(set(seqs) - set(current))
    if fresh:
        current |= {row.type: row for row in session.execute(_BEGIN, {"types": fresh, "now": now})}
    numbers: dict[int, tuple[UUID, int]] = {}
    for event_type, own in seqs.items():
        epoch, last = current[event_type].epoch, current[event_type].last
        session.execute(_ADVANCE, {"type": event_type, "epoch": epoch, "last": last + len(own), "seqs": own})
        numbers |= {seq: (epoch, last + place) for place, seq in enumerate(own, 1)}
    return numbers


def mark(session: Session, now: dt.datetime, sent: Sequence[Numbered], returned: set[int]) -> None:
    """Mark a round as published; ``returned`` are the seqs that nobody subscribed to."""
    values: dict[str, Any] = {
        "now": now,
        "seqs": [item.row.seq for item in sent],
        "epochs": [item.epoch for item in sent],
        "positions": [item.position for item in sent],
        "returned": list(returned),
    }
    session.execute(_MARK, values)
    session.execute(text("UPDATE outbox_position SET sending = '{}' WHERE sending <> '{}'"))


def streams(session: Session) -> list[Stream]:
    """How far the numbers of each type have come, and from where the log still holds them."""
    return [
        Stream(
            type=row.type,
            epoch=row.epoch,
            began_at=row.began_at.astimezone(dt.UTC),
            first=row.first,
            last=row.last,
            ended=row.ended,
        )
        for row in session.execute(_STREAMS)
    ]


def end_epoch(session: Session, event_type: str, epoch: UUID, ahead: int) -> bool:
    """Let the next event of the type begin a new epoch when somebody has seen numbers above the last one given.

    Only a log that was set back, in a way that left its ``home`` as it was, gives numbers a second time.
    """
    ended = session.execute(
        text(
            "UPDATE outbox_position SET home = '' "
            "WHERE type = :type AND epoch = :epoch AND home <> '' AND last < :ahead RETURNING type"
        ),
        {"type": event_type, "epoch": epoch, "ahead": ahead},
    )
    return ended.first() is not None
