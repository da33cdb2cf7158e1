"""The present state of a service's records as fresh events, from which others rebuild what they mirror of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.db import Database
from billhook_common.events.outbox import Outgoing, publish_many

PAGE = 1_000
"""Records of one transaction."""

SnapshotPage = Callable[[Session, Clock, UUID | None, int], Sequence[Outgoing]]
"""At most so many records above an id, in the order of ids, which are the events' subjects."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One kind of record that others mirror. The events carry the records' versions, so a newer one always wins."""

    name: str
    page: SnapshotPage


def publish_snapshots(
    database: Database, clock: Clock, snapshots: Iterable[Snapshot], recipient: str | None = None
) -> dict[str, int]:
    """Publish every record, to everyone or to ``recipient``, page by page; how many there were, by name."""
    return {snapshot.name: _publish(database, clock, snapshot, recipient) for snapshot in snapshots}


def _publish(database: Database, clock: Clock, snapshot: Snapshot, recipient: str | None) -> int:
    count, after = 0, None
    while True:
        with database.transaction() as session:
            events = snapshot.page(session, clock, after, PAGE)
            publish_many(session, clock, (replace(event, recipient=recipient) for event in events))
        count += len(events)
        if len(events) < PAGE:
            return count
        after = events[-1].subject
