"""The relay: sends the outbox's rows in order, marks them when they are safe on the other side.

Only one relay of a service is active (lease); a second that believes so too sends duplicates, which every
inbox knows, and marks nothing (fence).
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from billhook_common.clock import Clock
from billhook_common.db import AnyRow, Database, Lease
from billhook_common.events import replay
from billhook_common.events.envelope import Envelope, encode
from billhook_common.events.inbox import Inbox
from billhook_common.events.numbering import Numbered, mark, next_round
from billhook_common.faults import crash_point
from billhook_common.logs import get_logger
from billhook_common.metrics import EVENTS_PUBLISHED, EVENTS_RESENT, EVENTS_RETURNED

log = get_logger()

ROUND = 1_000
"""Rows of one round: with bundles of 50 that is a few dozen messages."""
BUNDLE_EVENTS = 50
BUNDLE_BYTES = 256_000


class Bundle(msgspec.Struct, frozen=True):
    """Neighbouring events of one type in one message: always a JSON array, also of one.

    With a ``recipient`` they go to this service alone.
    """

    type: str
    recipient: str | None
    first_id: UUID
    bodies: list[bytes]
    seqs: list[int]

    def body(self) -> bytes:
        """The message's body."""
        return b"[" + b",".join(self.bodies) + b"]"


class Delivery(Protocol):
    """How events reach the subscribers."""

    def deliver(self, bundles: Sequence[Bundle]) -> set[int]:
        """Return when every bundle is safe; the indices of those that nobody wanted. Raises when in doubt."""
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
        """One round of new events and one of those sent again; True when there was something to send."""
        if not self._lease.acquire():
            return False
        sent = self._send_new()
        return self._send_again() or sent

    def _send_new(self) -> bool:
        with self._database.transaction() as session:
            numbered = next_round(session, self._clock.now(), ROUND)
            if not numbered:
                return False
            if not self._lease.fence(session):
                session.rollback()
                self._lease.release()
                return False
        bundles = bundle(numbered, self._source)
        returned = self._delivery.deliver(bundles)
        crash_point("after_confirm")
        seqs = {seq for index in returned for seq in bundles[index].seqs}
        with self._database.transaction() as session:
            if not self._lease.fence(session):
                return True
            mark(session, self._clock.now(), numbered, seqs)
        EVENTS_PUBLISHED.labels(self._source).inc(len(numbered))
        EVENTS_RETURNED.labels(self._source).inc(len(seqs))
        return True

    def _send_again(self) -> bool:
        with self._database.transaction() as session:
            asked = replay.next_asked(session, ROUND)
        if not asked:
            return False
        numbered = [
            (Numbered(row, row.epoch, row.position), row.asked_by) for row in asked if row.id is not None
        ]  # fmt: skip
        bundles = [
            item
            for recipient in dict.fromkeys(recipient for _, recipient in numbered)
            for item in bundle([one for one, asked_by in numbered if asked_by == recipient], self._source, recipient)
        ]
        returned = self._delivery.deliver(bundles) if bundles else set()
        if returned:
            log.warning(
                "replay_without_queue", recipients=sorted({bundles[index].recipient or "" for index in returned})
            )
        with self._database.transaction() as session:
            if self._lease.fence(session):
                replay.forget_asked(session, asked)
        EVENTS_RESENT.labels(self._source).inc(len(numbered))
        return True

    def stop(self) -> None:
        """Let another relay take over at once."""
        self._lease.release()


def bundle(numbered: Iterable[Numbered], source: str, recipient: str | None = None) -> list[Bundle]:
    """Join neighbouring rows of one type and recipient; all for ``recipient`` when one is given."""
    bundles: list[Bundle] = []
    size = 0
    for item in numbered:
        to = recipient or item.row.recipient
        body = encode(envelope(item.row, source, item.epoch, item.position, to))
        size += len(body)
        if (
            not bundles
            or (bundles[-1].type, bundles[-1].recipient) != (item.row.type, to)
            or len(bundles[-1].bodies) == BUNDLE_EVENTS
            or size > BUNDLE_BYTES
        ):
            bundles.append(Bundle(item.row.type, to, item.row.id, [], []))
            size = len(body)
        bundles[-1].bodies.append(body)
        bundles[-1].seqs.append(item.row.seq)
    return bundles


def envelope(
    row: AnyRow, source: str, epoch: UUID | None, position: int | None, recipient: str | None = None
) -> Envelope:
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
        recipient=recipient,
        data=msgspec.Raw(row.data.encode()),
    )


class DirectDelivery:
    """Hands bundles to the subscribers of this process; done when all have answered."""

    def __init__(self, inboxes: Sequence[Inbox]) -> None:
        self._inboxes = inboxes

    def deliver(self, bundles: Sequence[Bundle]) -> set[int]:
        """Apply each bundle in every inbox that wants it; raises when a subscriber's database is away."""
        unwanted = set(range(len(bundles)))
        for inbox in self._inboxes:
            wanted = {index for index, item in enumerate(bundles) if _is_for(inbox, item)}
            unwanted -= wanted
            if wanted:
                inbox.accept([body for index in sorted(wanted) for body in bundles[index].bodies])
        return unwanted


def _is_for(inbox: Inbox, item: Bundle) -> bool:
    if item.recipient is not None:
        return item.recipient == inbox.service
    return item.type in inbox.types
