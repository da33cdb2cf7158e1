"""The relay: sends the outbox's rows in order, marks them when they are safe on the other side.

Only one relay of a service is active (lease); a second that believes so too sends duplicates, which every
inbox knows, and marks nothing (fence).
"""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.db import AnyRow, Database, Lease
from billhook_common.events.envelope import Envelope, encode
from billhook_common.events.inbox import Inbox
from billhook_common.faults import crash_point
from billhook_common.metrics import EVENTS_PUBLISHED, EVENTS_RETURNED
from billhook_common.tables import outbox, outbox_position

ROUND = 1_000
"""Rows of one round: with bundles of 50 that is a few dozen messages."""
BUNDLE_EVENTS = 50
BUNDLE_BYTES = 256_000


class Bundle(msgspec.Struct, frozen=True):
    """Neighbouring events of one type in one message: always a JSON array, also of one."""

    type: str
    first_id: UUID
    bodies: list[bytes]
    seqs: list[int]

    def body(self) -> bytes:
        """The message's body."""
        return b"[" + b",".join(self.bodies) + b"]"


class Delivery(Protocol):
    """How events reach the subscribers."""

    def deliver(self, bundles: Sequence[Bundle]) -> set[int]:
        """Return when every bundle is safe; the indices of those nobody subscribed to. Raises when in doubt."""
        ...


class Relay:
    """Moves one service's outbox."""

    def __init__(self, database: Database, source: str, clock: Clock, delivery: Delivery) -> None:
        self._database = database
        self._source = source
        self._clock = clock
        self._delivery = delivery
        self._lease = Lease(database, "relay")

    def step(self) -> bool:
        """One round; True when there was something to send."""
        if not self._lease.acquire():
            return False
        with self._database.transaction() as session:
            rows = session.execute(
                select(outbox).where(outbox.c.published_at.is_(None)).order_by(outbox.c.seq).limit(ROUND)
            ).all()
            if not rows:
                return False
            positions = _positions(session, {row.type for row in rows})
        bundles, stamps = bundle(rows, self._source, positions)
        returned = self._delivery.deliver(bundles)
        crash_point("after_confirm")
        self._mark(stamps, positions, {seq for index in returned for seq in bundles[index].seqs})
        EVENTS_PUBLISHED.inc(len(rows))
        return True

    def _mark(self, stamps: dict[int, int], positions: dict[str, tuple[UUID, int]], returned: set[int]) -> None:
        with self._database.transaction() as session:
            if not self._lease.fence(session):
                return
            seqs = list(stamps)
            session.execute(
                text(
                    "UPDATE outbox SET published_at = :now, position = stamp.position, "
                    "returned = stamp.seq = ANY(:returned) "
                    "FROM unnest(CAST(:seqs AS bigint[]), CAST(:positions AS bigint[])) AS stamp(seq, position) "
                    "WHERE outbox.seq = stamp.seq"
                ),
                {"now": self._clock.now(), "seqs": seqs, "positions": [stamps[seq] for seq in seqs],
                 "returned": list(returned)},
            )  # fmt: skip
            for event_type, (_, last) in positions.items():
                session.execute(update(outbox_position).where(outbox_position.c.type == event_type).values(last=last))
        EVENTS_RETURNED.inc(len(returned))

    def stop(self) -> None:
        """Let another relay take over at once."""
        self._lease.release()


def _positions(session: Session, types: set[str]) -> dict[str, tuple[UUID, int]]:
    session.execute(
        upsert(outbox_position).values([{"type": name, "last": 0} for name in sorted(types)]).on_conflict_do_nothing()
    )
    rows = session.execute(select(outbox_position).where(outbox_position.c.type.in_(types))).all()
    return {row.type: (row.epoch, row.last) for row in rows}


def bundle(
    rows: Sequence[AnyRow], source: str, positions: dict[str, tuple[UUID, int]]
) -> tuple[list[Bundle], dict[int, int]]:
    """Join neighbouring rows of one type; number each and move ``positions`` on. Returns bundles and numbers by seq."""
    bundles: list[Bundle] = []
    stamps: dict[int, int] = {}
    size = 0
    for row in rows:
        epoch, last = positions[row.type]
        positions[row.type] = (epoch, last + 1)
        stamps[row.seq] = last + 1
        body = encode(envelope(row, source, epoch, last + 1))
        size += len(body)
        if (
            not bundles
            or bundles[-1].type != row.type
            or len(bundles[-1].bodies) == BUNDLE_EVENTS
            or size > BUNDLE_BYTES
        ):
            bundles.append(Bundle(row.type, row.id, [], []))
            size = len(body)
        bundles[-1].bodies.append(body)
        bundles[-1].seqs.append(row.seq)
    return bundles, stamps


def envelope(row: AnyRow, source: str, epoch: UUID, position: int) -> Envelope:
    """One outbox row as it goes out."""
    return Envelope(
        specversion="1.0",
        id=row.id,
        source=source,
        type=row.type,
        subject=row.subject,
        time=row.occurred_at.astimezone(dt.UTC),
        customerid=row.customer_id,
        version=row.version,
        sourcekey=row.source_key,
        correlationid=row.correlation_id,
        causationid=row.causation_id,
        epoch=epoch,
        position=position,
        data=msgspec.Raw(row.data.encode()),
    )


class DirectDelivery:
    """Hands bundles to the subscribers of this process; done when all have answered."""

    def __init__(self, subscribers: Sequence[tuple[frozenset[str], Inbox]]) -> None:
        self._subscribers = subscribers

    def deliver(self, bundles: Sequence[Bundle]) -> set[int]:
        """Apply each bundle in every inbox that wants it; raises when a subscriber's database is away."""
        for types, inbox in self._subscribers:
            wanted = [body for bundle in bundles if bundle.type in types for body in bundle.bodies]
            if wanted:
                inbox.accept(wanted)
        known = frozenset().union(*(types for types, _ in self._subscribers))
        return {index for index, item in enumerate(bundles) if item.type not in known}
