"""How much is under way in one service: to be published, in its queue, to be tried again, set aside, given up.

All zero in every service, twice with the same ``marks``, means that no event is still to be applied: between the two
readings nothing was written that the first could have come too early for.
"""

from dataclasses import asdict, dataclass
from typing import Any

from kombu import Connection
from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_common.errors import Unavailable
from billhook_common.events.broker import dead_queue_name, queue_name
from billhook_common.events.in_hand import IN_HAND_KEY

CONNECT_SECONDS = 1

_FIGURES = text(
    "SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS outbox_pending, "
    "(SELECT EXTRACT(epoch FROM CAST(:now AS timestamptz) - min(occurred_at)) FROM outbox "
    "  WHERE published_at IS NULL) AS outbox_oldest_seconds, "
    "(SELECT count(*) FROM inbox WHERE state = 'failed') AS retries_scheduled, "
    "(SELECT EXTRACT(epoch FROM CAST(:now AS timestamptz) - min(received_at)) FROM inbox "
    "  WHERE state = 'failed') AS retries_oldest_seconds, "
    "(SELECT count(*) FROM inbox WHERE state = 'parked') AS parked, "
    "(SELECT coalesce(max(seq), 0) FROM outbox) AS written, "
    "(SELECT coalesce(sum(last), 0) FROM outbox_position) AS numbered, "
    "(SELECT coalesce(sum(CAST(objid AS bigint)), 0) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
    "  AND classid = :in_hand AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) "
    "  AS unacked, "
    # One statement sees one moment: what has left the outbox and what has come in belong together.
    "(SELECT json_agg(json_build_object('type', type, 'epoch', epoch, 'last', last - cardinality(sending))) FROM "
    "  (SELECT DISTINCT ON (type) * FROM outbox_position ORDER BY type, began_at DESC) AS stream) AS published, "
    "(SELECT json_agg(json_build_object('type', type, 'epoch', epoch, 'last', upper(received) - 1)) "
    "  FROM inbox_position WHERE NOT isempty(received)) AS received"
)


class SourceUnreadable(Unavailable):
    """A figure cannot be read; it is not known to be zero."""

    title = "A figure cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One reading. ``unacked``: messages that the consumer has taken and not acknowledged; ``dead``: given up.

    ``published`` and ``received``: the last number of each type's present count, and the highest one that came: what
    is between them is on its way, wherever it is. ``marks`` only ever grow: events written and published so far.
    """

    outbox_pending: int
    outbox_oldest_seconds: int
    queue_ready: int
    queue_unacked: int
    retries_scheduled: int
    retries_oldest_seconds: int
    parked: int
    dead: int
    published: list[dict[str, Any]]
    received: list[dict[str, Any]]
    marks: tuple[int, int]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def read_figures(session: Session, now: Any, service: str, broker_url: str) -> Figures:
    """Now, from the broker and the database themselves. Without a broker there are no queues.

    Raises SourceUnreadable when the broker does not answer or has no such queue.
    """
    # The queue first: what has left it since is in the database or in hand.
    ready, dead = queue_lengths(broker_url, service) if broker_url else (0, 0)
    row = session.execute(_FIGURES, {"now": now, "in_hand": IN_HAND_KEY}).one()
    return Figures(
        outbox_pending=row.outbox_pending,
        outbox_oldest_seconds=_seconds(row.outbox_oldest_seconds),
        queue_ready=ready,
        queue_unacked=int(row.unacked),
        retries_scheduled=row.retries_scheduled,
        retries_oldest_seconds=_seconds(row.retries_oldest_seconds),
        parked=row.parked,
        dead=dead,
        published=row.published or [],
        received=row.received or [],
        marks=(int(row.written), int(row.numbered)),
    )


def queue_lengths(broker_url: str, service: str) -> tuple[int, int]:
    """How many messages wait in the service's queue, and how many the broker has given up. Raises SourceUnreadable."""
    connection = Connection(broker_url, connect_timeout=CONNECT_SECONDS)
    try:
        with connection, connection.channel() as channel:
            ready, dead = (
                channel.queue_declare(name, passive=True).message_count
                for name in (queue_name(service), dead_queue_name(service))
            )
    except connection.channel_errors as error:
        raise SourceUnreadable(f"{service} has no queue at the broker: its worker never ran.") from error
    except (OSError, *connection.connection_errors) as error:
        raise SourceUnreadable(f"The broker does not tell the length of {service}'s queue.") from error
    return int(ready), int(dead)


def _seconds(value: Any) -> int:
    return max(0, int(value or 0))
