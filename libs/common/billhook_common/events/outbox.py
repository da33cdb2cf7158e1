"""The outbox: events are rows of the business transaction, and stay as a log that can be replayed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.contracts import Fact
from billhook_common.db import copy_rows, mark_outgoing
from billhook_common.events.envelope import encode
from billhook_common.ids import uuid7
from billhook_common.tables import outbox
from billhook_common.trace import current_trace

OUTBOX_COLUMNS = (
    "id", "type", "subject", "customer_id", "version",
    "source_key", "correlation_id", "causation_id", "occurred_at", "data",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An event to be published: what happened (``fact``) to what (``subject``).

    With a ``recipient`` it goes to this service alone. ``type`` is empty but for facts that every service publishes.
    """

    fact: Fact
    subject: UUID
    customer_id: UUID | None = None
    version: int | None = None
    type: str = ""
    recipient: str | None = None


def publish(
    session: Session,
    clock: Clock,
    fact: Fact,
    *,
    subject: UUID,
    customer_id: UUID | None = None,
    version: int | None = None,
) -> UUID:
    """Add one event to the transaction; returns its id."""
    return publish_one(session, clock, Outgoing(fact=fact, subject=subject, customer_id=customer_id, version=version))


def publish_one(session: Session, clock: Clock, event: Outgoing) -> UUID:
    """``publish`` for an event that is addressed, or whose type is named after the service."""
    row = outbox_row(clock, event)
    values = dict(zip(OUTBOX_COLUMNS, row, strict=True)) | {"recipient": event.recipient}
    session.execute(insert(outbox).values(values))
    mark_outgoing(session)
    event_id: UUID = row[0]
    return event_id


def publish_many(session: Session, clock: Clock, events: Iterable[Outgoing]) -> int:
    """Add many events with one COPY; returns how many."""
    rows = ((*outbox_row(clock, event), event.recipient) for event in events)
    count = copy_rows(session, outbox, (*OUTBOX_COLUMNS, "recipient"), rows)
    if count:
        mark_outgoing(session)
    return count


def outbox_row(clock: Clock, event: Outgoing) -> tuple[Any, ...]:
    """The values of OUTBOX_COLUMNS, for actions that write it together with their own rows (``mark_outgoing``)."""
    trace = current_trace()
    assert event.fact.TYPE, f"{type(event.fact).__name__} is not an event type"
    return (
        uuid7(),
        event.type or event.fact.TYPE,
        event.subject,
        event.customer_id,
        event.version,
        trace.source_key,
        trace.correlation_of(event.customer_id),
        trace.causation_id,
        clock.now(),
        encode(event.fact).decode(),
    )
