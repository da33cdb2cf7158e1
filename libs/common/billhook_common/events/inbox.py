"""The inbox: the one way in for events, on both transports; each event changes this database once (G3, G7)."""

import datetime as dt
import hashlib
import random
import traceback
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.config import ServiceConfig
from billhook_common.contracts import publisher_of
from billhook_common.contracts.every_service import topic_of
from billhook_common.db import Database, is_contention, is_transient
from billhook_common.errors import NotKnownYet
from billhook_common.events.envelope import (
    FORGED,
    UNKNOWN_TYPE,
    UNVOUCHED,
    Envelope,
    Event,
    Undecodable,
    decode_envelope,
    decode_event,
    named,
)
from billhook_common.events.handlers import Context, Handler, Handlers, NotYet
from billhook_common.events.reconcile import ask_positions, note_received, own_handlers, positions_types, subscribe
from billhook_common.faults import crash_point
from billhook_common.ids import derive_id
from billhook_common.logs import get_logger
from billhook_common.metrics import EVENT_LAG_SECONDS, EVENTS_ACCEPTED, EVENTS_DUPLICATE, EVENTS_FAILED, EVENTS_RETRIED
from billhook_common.tables import inbox
from billhook_common.trace import Trace, tracing

log = get_logger()

_WAIT_SECONDS = (1, 5, 30, 120, 600, 3600)
"""Waits of an event that came before what it needs."""
_FAILURE_SECONDS = (10, 60, 600, 3600, 6 * 3600)
"""Waits after an error; after the last one the event is parked."""
_RETRY_BATCH = 100
_CAUSES_LOGGED = 20
# As arrays: a VALUES list of 200 rows is compiled anew each time, 0.1 ms an event.
_CLAIM = text(
    "INSERT INTO inbox (event_id, type, state, received_at) SELECT new.event_id, new.type, 'done', :now "
    "FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[])) AS new(event_id, type) "
    "ON CONFLICT DO NOTHING RETURNING event_id"
)


class Inbox:
    """One service's inbox."""

    def __init__(
        self, database: Database, handlers: Handlers, clock: Clock, config: ServiceConfig, service: str = ""
    ) -> None:
        self.service = service
        self.database = database
        self._handlers = handlers
        self._clock = clock
        self._config = config
        self._of_every_service = own_handlers(service, handlers.types())

    @property
    def types(self) -> frozenset[str]:
        """The event types to bring here; what is addressed to this service comes besides."""
        return frozenset(self._handlers.types()) | positions_types(self._handlers.types())

    def subscribe(self) -> None:
        """Remember since when this service hears its types; raises one of TRANSIENT when the database is away."""
        with self.database.transaction() as session:
            subscribe(session, self._clock, self._handlers.types())

    def ask_positions(self) -> None:
        """Have the publishers tell how far they have come, after a time in which something may have been lost."""
        with self.database.transaction() as session:
            ask_positions(session, self._clock, self.service, self._handlers.types())

    def accept(self, raw_events: Sequence[bytes], senders: Sequence[str | None] = ()) -> None:
        """Apply events, each at most once; returns when every one is done, to be retried or parked.

        ``senders``: for each event the service that the broker says it comes from; None where nobody can say.
        Raises one of TRANSIENT when the database does not answer; the same events can be handed over again.
        """
        events: list[Event[Any]] = []
        for raw, sender in zip_longest(raw_events, senders):
            try:
                events.append(self._decode(raw, sender))
            except Undecodable as error:
                # Who was sent a whole log again has not subscribed to all of it.
                if error.kind != UNKNOWN_TYPE or decode_envelope(raw).recipient != self.service:
                    self.park_message(raw, error)
        if events:
            self._accept(events)

    def retry_due(self, *, at_once: bool = False) -> int:
        """Try again what failed or waited and is due (with ``at_once``: all that wait); returns how many are done."""
        with self.database.transaction() as session:
            due = session.execute(
                select(inbox.c.event_id, inbox.c.payload)
                .where(inbox.c.state == "failed", inbox.c.next_at <= (_FAR if at_once else self._clock.now()))
                .order_by(inbox.c.next_at)
                .limit(_RETRY_BATCH)
            ).all()
        return sum([self._retry(row.event_id, row.payload) for row in due])

    def _retry(self, event_id: UUID, raw: bytes) -> bool:
        try:
            event = self._decode(raw)
        except Undecodable as error:
            self._set_aside(event_id, error)
            return False
        try:
            with self.database.transaction() as session:
                locked = session.execute(
                    select(inbox.c.event_id)
                    .where(inbox.c.event_id == event_id, inbox.c.state == "failed")
                    .with_for_update(skip_locked=True)
                ).first()
                if locked is None:
                    return False
                # Parked unread, it has a made-up id; now that its own is known, it may have come once more since.
                if event.id == event_id or self._claim(session, event):
                    self._handle(session, [event])
                _mark_done(session, event_id)
            EVENTS_RETRIED.labels(self.service, "done").inc()
            return True
        except Exception as error:
            if is_transient(error) and not is_contention(error):
                raise
            EVENTS_RETRIED.labels(self.service, "failed").inc()
            self._record(event, error, event_id)
            return False

    def _claim(self, session: Session, event: Event[Any]) -> bool:
        claimed = {"ids": [event.id], "types": [event.type], "now": self._clock.now()}
        return session.execute(_CLAIM, claimed).first() is not None

    def _set_aside(self, event_id: UUID, error: Undecodable) -> None:
        """Park what was to be tried again and cannot be read any more."""
        with self.database.transaction() as session:
            session.execute(
                update(inbox)
                .where(inbox.c.event_id == event_id, inbox.c.state == "failed")
                .values(
                    state="parked", next_at=None,
                    fingerprint=_storable(error.fingerprint), reason=_storable(str(error)),
                )
            )  # fmt: skip
        log.warning("event_parked", event_id=str(event_id), kind=error.kind)

    def _accept(self, events: list[Event[Any]]) -> None:
        try:
            with self.database.transaction() as session:
                self._apply(session, events)
                crash_point("in_batch")
            return
        except Exception as error:
            if is_transient(error):
                raise
            if len(events) == 1:
                self._record(events[0], error)
                return
        # One of them is bad: halve until it is alone, so that the good ones commit.
        middle = len(events) // 2
        self._accept(events[:middle])
        self._accept(events[middle:])

    def _apply(self, session: Session, events: list[Event[Any]]) -> None:
        claimed = sorted({event.id: event.type for event in events}.items())
        values = {"ids": [row[0] for row in claimed], "types": [row[1] for row in claimed], "now": self._clock.now()}
        fresh = set(session.scalars(_CLAIM, values))
        note_received(session, events)
        if len(fresh) < len(events):
            EVENTS_DUPLICATE.labels(self.service).inc(len(events) - len(fresh))
        todo = []
        for event in events:
            if event.id in fresh:
                fresh.discard(event.id)
                todo.append(event)
        if todo:
            self._handle(session, todo)
            EVENTS_ACCEPTED.labels(self.service).inc(len(todo))
            oldest = min(event.time for event in todo)
            EVENT_LAG_SECONDS.labels(self.service).observe(max((self._clock.now() - oldest).total_seconds(), 0))

    def _handle(self, session: Session, events: list[Event[Any]]) -> None:
        by_type: dict[str, list[Event[Any]]] = {}
        for event in events:
            by_type.setdefault(event.type, []).append(event)
        context = Context(session, self._clock, self._config)
        for event_type, group in by_type.items():
            handler = self._handler_of(event_type)
            assert handler is not None
            for part in [group] if handler.batch else [[event] for event in group]:
                with tracing(_cause(part)):
                    handler.apply(context, part)
            causes = dict.fromkeys(_first_cause(event) for event in group)
            log.info("events_applied", service=self.service, type=event_type, events=len(group),
                     causes=list(causes)[:_CAUSES_LOGGED])  # fmt: skip

    def _handler_of(self, event_type: str) -> Handler | None:
        return self._handlers.get(event_type) or self._of_every_service.get(topic_of(event_type))

    def _decode(self, raw: bytes, sender: str | None = None) -> Event[Any]:
        envelope = decode_envelope(raw)
        _check_sender(envelope, sender)
        handler = self._handler_of(envelope.type)
        if handler is None:
            raise Undecodable(f"no handler here for {named(envelope.type)}", UNKNOWN_TYPE, envelope.type)
        return decode_event(raw, envelope, handler.decoder)

    def _record(self, event: Event[Any], error: Exception, event_id: UUID | None = None) -> None:
        event_id = event_id or event.id
        # An action shared with the web says NotKnownYet where a handler says NotYet.
        waiting = isinstance(error, (NotYet, NotKnownYet))
        fingerprint = _fingerprint(error)
        with self.database.transaction() as session:
            before = session.execute(
                select(inbox.c.attempts, inbox.c.fingerprint).where(inbox.c.event_id == event_id).with_for_update()
            ).one_or_none()
            # Tries of one kind do not count for the other: having waited long is no failure.
            same_kind = before is not None and _is_wait(before.fingerprint or "") == waiting
            attempts = before.attempts if before is not None and same_kind else 0
            schedule = _WAIT_SECONDS if waiting else _FAILURE_SECONDS
            parked = not waiting and attempts >= len(schedule)
            seconds = schedule[min(attempts, len(schedule) - 1)] * random.uniform(0.8, 1.2)  # noqa: S311
            state = {
                "state": "parked" if parked else "failed",
                "attempts": attempts + 1,
                "next_at": None if parked else self._clock.now() + dt.timedelta(seconds=seconds),
                "fingerprint": fingerprint,
                "reason": _storable(str(error)),
                "payload": event.raw,
            }
            session.execute(
                upsert(inbox)
                .values(event_id=event_id, type=event.type, received_at=self._clock.now(), **state)
                .on_conflict_do_update(index_elements=[inbox.c.event_id], set_=state, where=inbox.c.state != "done")
            )
            note_received(session, [event])
        EVENTS_FAILED.labels(self.service, "waiting" if waiting else "parked" if parked else "failed").inc()
        if not waiting:
            log.warning("event_failed", event_id=str(event.id), type=event.type, fingerprint=fingerprint, parked=parked,
                        exc_info=error)  # fmt: skip

    def park_message(self, raw: bytes, error: Undecodable) -> None:
        """Keep bytes that are no event known here, visible and replayable."""
        event_id = derive_id("undecodable", hashlib.sha256(raw).hexdigest())
        event_type, numbered = "unknown", list[Envelope]()
        with suppress(Undecodable):
            envelope = decode_envelope(raw)
            event_type = envelope.type
            # Under the id that it claims, a forged event would keep the true one out.
            if error.kind not in UNVOUCHED:
                event_id = envelope.id
                numbered = [envelope] if event_type in self.types else []
        with self.database.transaction() as session:
            note_received(session, numbered)
            session.execute(
                upsert(inbox)
                .values(
                    event_id=event_id, type=_storable(event_type), state="parked", received_at=self._clock.now(),
                    fingerprint=_storable(error.fingerprint), reason=_storable(str(error)), payload=raw,
                )
                .on_conflict_do_nothing()
            )  # fmt: skip
        EVENTS_FAILED.labels(self.service, "parked").inc()
        log.warning("event_parked", event_id=str(event_id), kind=error.kind)


def _check_sender(envelope: Envelope, sender: str | None) -> None:
    """Raise Undecodable unless the type's own publisher says that it sent it, and the broker does not deny it."""
    publisher = publisher_of(envelope.type)
    if envelope.source != publisher:
        raise Undecodable(f"{named(envelope.source)} may not publish {named(envelope.type)}", FORGED, envelope.source)
    if sender is not None and sender != publisher:
        who = sender or "somebody"
        raise Undecodable(f"{who} sent {named(envelope.type)} in the name of {publisher}", FORGED, who)


def _storable(text_: str) -> str:
    """Text that the database keeps: without NUL, not endless."""
    return text_.replace("\x00", "\ufffd")[:2000]


def _is_wait(fingerprint: str) -> bool:
    return fingerprint.partition(" ")[0] in {"NotYet", "NotKnownYet"}


def _cause(events: list[Event[Any]]) -> Trace:
    """What the effects of these events are told to come from; a batch names its first one."""
    first = events[0]
    customers = (
        {}
        if len(events) == 1
        else {event.customer_id: _first_cause(event) for event in reversed(events) if event.customer_id is not None}
    )
    return Trace(
        correlation_id=_first_cause(first),
        causation_id=str(first.id),
        source_key=first.source_key if len(events) == 1 else None,
        actor=f"event:{first.type}",
        of_customers=customers,
    )


def _first_cause(event: Event[Any]) -> str:
    return event.correlation_id or str(event.id)


_FAR = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def _mark_done(session: Session, event_id: object) -> None:
    session.execute(update(inbox).where(inbox.c.event_id == event_id).values(state="done", next_at=None, payload=None))


def _fingerprint(error: Exception) -> str:
    """The error's type and the first frame in our own code, so that equal failures gather."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/billhook_" in frame.filename]
    own = [frame for frame in frames if "/billhook_common/" not in frame.filename] or frames
    where = f"{own[0].filename.rpartition('/billhook_')[2]}:{own[0].name}" if own else "?"
    return f"{type(error).__name__} {where}"
