"""Nothing stays lost: what came is compared with what was published, and what is missing is asked for (G2).

A consumer keeps which numbers came. Publishers tell in turn how far theirs have come (``publish_positions``);
their events come in order, so what is below and not here will not come by itself: the consumer asks for it with
``replay.requested``, which goes straight to the publisher's queue, as the events sent again come straight to its own.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.contracts import publisher_of
from billhook_common.contracts.every_service import (
    PositionsPublished,
    ReplayRequested,
    Span,
    Stream,
    Wanted,
    topic_of,
    type_of,
)
from billhook_common.db import AnyRow
from billhook_common.events import replay
from billhook_common.events.envelope import Event
from billhook_common.events.handlers import Context, Handler
from billhook_common.events.numbering import end_epoch, streams
from billhook_common.events.outbox import Outgoing, publish_one
from billhook_common.events.spans import Comparison, Spans, compare, size, spans_of
from billhook_common.ids import derive_id
from billhook_common.jobs import Job
from billhook_common.logs import get_logger
from billhook_common.metrics import EVENTS_MISSING
from billhook_common.tables import inbox_position, inbox_subscription

log = get_logger()

SPANS_ASKED = 1_000
"""Of one type and request; the rest is asked for when positions come again."""
SAME_TIME = dt.timedelta(minutes=10)
"""Who subscribed up to so long after a type's first event is owed all of it: clocks differ, services start in turn."""
_RECEIVED = text(
    "INSERT INTO inbox_position (type, epoch, received) SELECT type, epoch, CAST(received AS int8multirange) "
    "FROM unnest(CAST(:types AS text[]), CAST(:epochs AS uuid[]), CAST(:received AS text[])) "
    "AS came(type, epoch, received) ON CONFLICT (type, epoch) "
    "DO UPDATE SET received = inbox_position.received + excluded.received"
)
_HEARD = text(
    "INSERT INTO inbox_position (type, epoch) SELECT * FROM unnest(CAST(:types AS text[]), CAST(:epochs AS uuid[])) "
    "ON CONFLICT DO NOTHING"
)
_SUBSCRIBE = text(
    "INSERT INTO inbox_subscription (type, since) SELECT type, :now FROM unnest(CAST(:types AS text[])) AS type "
    "ON CONFLICT DO NOTHING"
)


class Positioned(Protocol):
    """What has a number within its type, if its publisher gives it one."""

    @property
    def type(self) -> str:
        """The event type."""

    @property
    def epoch(self) -> UUID | None:
        """Which count."""

    @property
    def position(self) -> int | None:
        """The number."""


def note_received(session: Session, events: Iterable[Positioned]) -> None:
    """Keep the numbers of these events, new or seen before; in the transaction in which they are handled."""
    numbers: dict[tuple[str, UUID], list[int]] = defaultdict(list)
    for event in events:
        if event.epoch is not None and event.position is not None:
            numbers[event.type, event.epoch].append(event.position)
    if not numbers:
        return
    # In order, so that two batches at once do not wait for each other in a ring.
    keys = sorted(numbers)
    values = {
        "types": [key[0] for key in keys],
        "epochs": [key[1] for key in keys],
        "received": [_multirange(spans_of(numbers[key])) for key in keys],
    }
    session.execute(_RECEIVED, values)


def _multirange(spans: Spans) -> str:
    return "{" + ",".join(f"[{begin},{end})" for begin, end in spans) + "}"


def subscribe(session: Session, clock: Clock, types: Iterable[str]) -> None:
    """Remember since when this service hears each type; what happened before is not owed to it."""
    session.execute(_SUBSCRIBE, {"types": sorted(types), "now": clock.now()})


def own_handlers(service: str, types: Iterable[str]) -> dict[str, Handler]:
    """What every service does with these events of any other, by topic: ``types`` are those that it hears."""
    heard = frozenset(types)

    def look_for_missing(ctx: Context, event: Event[PositionsPublished]) -> None:
        wanted = [
            found
            for stream in sorted(event.data.streams, key=lambda item: (item.type, item.epoch))
            if stream.type in heard and publisher_of(stream.type) == event.source
            if (found := _missing(ctx, stream, event.time)) is not None
        ]
        if wanted:
            _request(ctx.session, ctx.clock, service, event.source, ReplayRequested(wanted=wanted))

    def send_again(ctx: Context, event: Event[ReplayRequested]) -> None:
        for wanted in event.data.wanted:
            _answer(ctx, event.source, wanted)
        if event.data.positions:
            publish_positions(ctx.session, ctx.clock, service, recipient=event.source)

    functions = ((PositionsPublished, look_for_missing), (ReplayRequested, send_again))
    return {
        topic_of(fact.TYPE): Handler(fact, function, False, msgspec.json.Decoder(fact)) for fact, function in functions
    }


def positions_types(types: Iterable[str]) -> set[str]:
    """The types in which the publishers of ``types`` tell how far they have come."""
    return {type_of(PositionsPublished, publisher_of(event_type)) for event_type in types}


def _missing(ctx: Context, stream: Stream, told_at: dt.datetime) -> Wanted | None:
    """What to ask for of one type, which is kept together with what was told."""
    session = ctx.session
    session.execute(_HEARD, {"types": [stream.type], "epochs": [stream.epoch]})
    here = (inbox_position.c.type == stream.type, inbox_position.c.epoch == stream.epoch)
    known = session.execute(select(inbox_position).where(*here).with_for_update()).one()
    if known.heard_at is not None and known.heard_at > told_at:
        return None
    received = spans_in(known)
    owed_from, since = known.owed_from, None
    if owed_from is None:
        owed_from, since = _first_owed(session, stream, received)
    told = {"owed_from": owed_from, "first": stream.first, "last": stream.last, "heard_at": told_at}
    session.execute(update(inbox_position).where(*here).values(told))
    found = compare(received, owed_from, first=stream.first, last=stream.last)
    highest = received[-1][1] - 1 if received else 0
    ahead = highest if highest > stream.last and not stream.ended else None
    if found.lost:
        log.error("events_lost", type=stream.type, events=size(found.lost), spans=found.lost[:5])
    if found.missing:
        EVENTS_MISSING.inc(size(found.missing))
        log.warning("events_missing", type=stream.type, events=size(found.missing), spans=found.missing[:5])
    if not (found.missing or since or ahead):
        return None
    spans = [Span(from_=begin, until=end) for begin, end in found.missing[:SPANS_ASKED]]
    return Wanted(type=stream.type, epoch=stream.epoch, spans=spans, since=since, ahead=ahead)


def _first_owed(session: Session, stream: Stream, received: Spans) -> tuple[int, dt.datetime | None]:
    """The first number owed to this service, and since when to ask for what may have come too early for it.

    Who heard the type from its first event is owed everything. Who came later cannot know which was the first
    one for it; it begins with what it has seen, and asks once for all that happened since it subscribed.
    """
    since = session.scalar(select(inbox_subscription.c.since).where(inbox_subscription.c.type == stream.type))
    if since is not None and since <= stream.began_at + SAME_TIME:
        return 1, None
    # A little more than is owed: clocks differ, and a long transaction's events happened before. Twice is harmless.
    return (received[0][0] if received else stream.last + 1), since and since - SAME_TIME


def _answer(ctx: Context, recipient: str, wanted: Wanted) -> None:
    count = 0
    if wanted.spans:
        count += replay.ask_spans(ctx.session, recipient, wanted.type, wanted.epoch, wanted.spans)
    if wanted.since is not None:
        count += replay.ask_chosen(ctx.session, recipient, event_type=wanted.type, since=wanted.since)
    log.info("replay_asked", recipient=recipient, type=wanted.type, events=count)
    if wanted.ahead is not None and end_epoch(ctx.session, wanted.type, wanted.epoch, wanted.ahead):
        log.error("log_set_back", type=wanted.type, epoch=str(wanted.epoch), seen=wanted.ahead)


def publish_positions(session: Session, clock: Clock, service: str, recipient: str | None = None) -> None:
    """Tell how far the events of this service have come: to everyone, or to ``recipient`` who asked."""
    fact = PositionsPublished(streams=streams(session))
    if fact.streams or recipient:
        _publish(session, clock, service, fact, recipient)


def ask_positions(session: Session, clock: Clock, service: str, types: Iterable[str]) -> list[str]:
    """Ask every publisher of ``types`` how far it has come; returns the publishers."""
    publishers = sorted({publisher_of(event_type) for event_type in types})
    for publisher in publishers:
        _request(session, clock, service, publisher, ReplayRequested(wanted=[], positions=True))
    return publishers


def _request(session: Session, clock: Clock, service: str, publisher: str, fact: ReplayRequested) -> None:
    _publish(session, clock, service, fact, publisher)


def _publish(
    session: Session, clock: Clock, service: str, fact: PositionsPublished | ReplayRequested, recipient: str | None
) -> None:
    event_type = type_of(type(fact), service)
    subject = derive_id("service", service)
    publish_one(session, clock, Outgoing(fact=fact, subject=subject, type=event_type, recipient=recipient))


def positions_job(service: str, every_seconds: float) -> Job:
    """The job that publishes positions: at start, then every ``every_seconds``."""

    def positions(ctx: Context) -> bool:
        publish_positions(ctx.session, ctx.clock, service)
        return False

    return Job("positions", positions, every_seconds)


@dataclass(frozen=True, slots=True)
class Standing:
    """One type as it was last told by its publisher; ``heard_at`` is empty before that."""

    type: str
    epoch: UUID
    heard_at: dt.datetime | None
    comparison: Comparison


def standings(session: Session, types: Iterable[str]) -> list[Standing]:
    """What came of each of ``types`` against what was published, as far as publishers have told."""
    rows = session.execute(
        select(inbox_position)
        .where(inbox_position.c.type.in_(list(types)))
        .order_by(inbox_position.c.type, inbox_position.c.heard_at)
    )
    return [Standing(row.type, row.epoch, row.heard_at, _comparison(row)) for row in rows]


def _comparison(row: AnyRow) -> Comparison:
    received: Sequence[tuple[int, int]] = spans_in(row)
    if row.last is None:
        return Comparison(0, size(received), (), ())
    return compare(received, row.owed_from, first=row.first, last=row.last)


def spans_in(row: AnyRow) -> list[tuple[int, int]]:
    """The numbers that a row of ``inbox_position`` says have come."""
    return [(span.lower, span.upper) for span in row.received]
