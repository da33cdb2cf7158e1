"""Events of the log sent once more, to one service: by their numbers when it misses them, or as a person chooses."""

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_common.contracts.every_service import Span
from billhook_common.db import AnyRow, mark_outgoing

_ASK_SPANS = text(
    "INSERT INTO outbox_replay (recipient, seq) SELECT :recipient, seq FROM outbox "
    "JOIN unnest(CAST(:firsts AS bigint[]), CAST(:untils AS bigint[])) AS span(first, until) "
    "ON position >= span.first AND position < span.until "
    "WHERE type = :type AND epoch = :epoch AND published_at IS NOT NULL ON CONFLICT DO NOTHING"
)
_CHOSEN = (
    "FROM outbox WHERE published_at IS NOT NULL AND recipient IS NULL "
    "AND (CAST(:type AS text) IS NULL OR type = :type) "
    "AND (CAST(:since AS timestamptz) IS NULL OR occurred_at >= :since) "
    "AND (CAST(:until AS timestamptz) IS NULL OR occurred_at < :until)"
)
_ASK_CHOSEN = text(
    f"INSERT INTO outbox_replay (recipient, seq) SELECT :recipient, seq {_CHOSEN} ON CONFLICT DO NOTHING"
)
_COUNT_CHOSEN = text(f"SELECT type, count(*) AS number {_CHOSEN} GROUP BY type ORDER BY type")
_NEXT = text(
    "SELECT asked.recipient AS asked_by, asked.seq AS asked_seq, outbox.* FROM outbox_replay AS asked "
    "LEFT JOIN outbox ON outbox.seq = asked.seq ORDER BY asked.recipient, asked.seq LIMIT :most"
)
_FORGET = text(
    "DELETE FROM outbox_replay USING unnest(CAST(:recipients AS text[]), CAST(:seqs AS bigint[])) "
    "AS sent(recipient, seq) "
    "WHERE outbox_replay.recipient = sent.recipient AND outbox_replay.seq = sent.seq"
)


def ask_spans(session: Session, recipient: str, event_type: str, epoch: UUID, spans: Sequence[Span]) -> int:
    """Have the relay send the events with these numbers to ``recipient``; how many were not asked for already."""
    values = {
        "recipient": recipient, "type": event_type, "epoch": epoch,
        "firsts": [span.from_ for span in spans], "untils": [span.until for span in spans],
    }  # fmt: skip
    mark_outgoing(session)
    return session.connection().execute(_ASK_SPANS, values).rowcount


def ask_chosen(
    session: Session,
    recipient: str,
    *,
    event_type: str | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> int:
    """Have the relay send what happened in ``[since, until)`` to ``recipient``; how many were not asked for already."""
    values = {"recipient": recipient, "type": event_type, "since": since, "until": until}
    mark_outgoing(session)
    return session.connection().execute(_ASK_CHOSEN, values).rowcount


def count_chosen(
    session: Session,
    *,
    event_type: str | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> dict[str, int]:
    """How many events ``ask_chosen`` would choose, by type."""
    rows = session.execute(_COUNT_CHOSEN, {"type": event_type, "since": since, "until": until})
    return {row.type: row.number for row in rows}


def next_asked(session: Session, most: int) -> Sequence[AnyRow]:
    """The next rows to be sent again (``asked_by``, ``asked_seq``); empty ones for what the log has forgotten."""
    return session.execute(_NEXT, {"most": most}).all()


def forget_asked(session: Session, rows: Iterable[AnyRow]) -> None:
    """What was sent again is asked for no longer."""
    pairs = [(row.asked_by, row.asked_seq) for row in rows]
    session.execute(_FORGET, {"recipients": [pair[0] for pair in pairs], "seqs": [pair[1] for pair in pairs]})
