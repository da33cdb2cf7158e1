"""The consumer: takes batches from the service's queue, hands them to the inbox, then acknowledges (kombu)."""

import time
from contextlib import suppress
from typing import Any

from kombu import Connection, Consumer, Exchange, Message, Queue

from billhook_common.db import TRANSIENT, is_transient
from billhook_common.events.broker import (
    CONTENT_TYPE,
    DEAD_EXCHANGE,
    DEAD_QUEUE_ARGUMENTS,
    EXCHANGE,
    address,
    broker_user,
    dead_queue_name,
    queue_arguments,
    queue_name,
    service_of_user,
    user_of,
)
from billhook_common.events.envelope import Undecodable, split_bundle
from billhook_common.events.in_hand import InHand
from billhook_common.events.inbox import Inbox
from billhook_common.faults import crash_point
from billhook_common.logs import get_logger
from billhook_common.metrics import CONSUMER_CONNECTED

log = get_logger()

PREFETCH_MESSAGES = 20
"""With bundles of up to 50 events a few messages are enough; far below the broker's consumer timeout."""
BATCH_EVENTS = 200
REDECLARE_SECONDS = 10.0
"""A binding taken away by hand is not told to anyone; what was lost meanwhile shows in the publishers' positions."""
ASK_SECONDS = 60.0
"""After a new connection publishers are asked how far they have come, so often at most."""
DRAIN_SECONDS = 0.002
HEARTBEAT_SECONDS = 30
TRANSIENT_SECONDS = 600.0
"""How long a batch is repeated in place while the database is away."""


class EventConsumer:
    """One service's consumer; ``step`` is called in a loop by the worker."""

    def __init__(self, url: str, service: str, types: list[str], inbox: Inbox) -> None:
        self._url = url
        self._service = service
        self._types = types
        self._inbox = inbox
        # Then every service has one, and an event is believed only from its publisher's.
        self._user_per_service = user_of(url) == broker_user(service)
        self._in_hand = InHand(inbox.database)
        self._connection: Connection | None = None
        self._consumer: Consumer | None = None
        self._declared_at = 0.0
        self._asked_at: float | None = None
        CONSUMER_CONNECTED.labels(service).set(0)
        self._forget()

    def connect(self) -> None:
        """Listen to the service's queue, which is declared first; without it, what is published for it is lost.

        A broker or database that is away is left to ``step``, which tries again.
        """
        try:
            self._connected()
        except (*TRANSIENT, *Connection(self._url).connection_errors) as error:
            log.warning("not_listening_yet", error=repr(error)[:300])

    def step(self) -> bool:
        """Wait up to a second for messages and apply them; True if there were some. Raises if the broker is away."""
        connection = self._connected()
        try:
            self._redeclare(connection)
            # What has already arrived belongs to the work in hand; only when nothing has, is there none.
            self._take(connection, DRAIN_SECONDS)
            if not self._messages:
                self._in_hand.report(0)
                self._take(connection, 1.0)
            if not self._messages:
                connection.heartbeat_check()
                return False
            self._in_hand.report(len(self._messages))
            while len(self._events) < BATCH_EVENTS:
                before = len(self._messages)
                self._take(connection, DRAIN_SECONDS)
                if len(self._messages) == before:
                    break
            self._in_hand.report(len(self._messages))
            self._accept(connection)
            crash_point("after_commit")
            last = self._messages[-1]
            last.channel.basic_ack(last.delivery_tag, multiple=True)
            self._forget()
            return True
        except connection.connection_errors + connection.channel_errors:
            self.close()
            raise

    def close(self) -> None:
        """Leave the queue; unacknowledged messages go back to it."""
        connection, self._connection, self._consumer = self._connection, None, None
        CONSUMER_CONNECTED.labels(self._service).set(0)
        self._forget()
        if connection is not None:
            with suppress(Exception):  # it may be gone already
                connection.release()
        self._in_hand.close()

    def _connected(self) -> Connection:
        if self._connection is None:
            # Nothing is taken before the database answers: what is taken and not handled counts against it.
            self._inbox.subscribe()
            connection = Connection(self._url, heartbeat=HEARTBEAT_SECONDS, connect_timeout=5)
            try:
                connection.connect()
                channel = connection.channel()
                queue = declare_topology(channel, self._service, self._types, make_exchanges=not self._user_per_service)
                consumer = Consumer(
                    channel, [queue], on_message=self._keep, accept=[CONTENT_TYPE],
                    prefetch_count=PREFETCH_MESSAGES, auto_declare=False,
                )  # fmt: skip
                consumer.consume()
            except Exception:
                connection.release()
                raise
            self._connection, self._consumer = connection, consumer
            self._declared_at = time.monotonic()
            CONSUMER_CONNECTED.labels(self._service).set(1)
            log.info("consumer_connected", queue=queue.name)
            self._ask()
        return self._connection

    def _redeclare(self, connection: Connection) -> None:
        if time.monotonic() - self._declared_at < REDECLARE_SECONDS:
            return
        with connection.channel() as channel:
            declare_topology(channel, self._service, self._types, make_exchanges=not self._user_per_service)
        self._declared_at = time.monotonic()

    def _ask(self) -> None:
        """The queue may have been gone, or not yet been there, while others published."""
        if self._asked_at is None or time.monotonic() - self._asked_at > ASK_SECONDS:
            self._inbox.ask_positions()
            self._asked_at = time.monotonic()

    def _keep(self, message: Message) -> None:
        self._messages.append(message)
        body = bytes(message.body)
        try:
            events = split_bundle(body)
        except Undecodable as error:
            self._broken.append((body, error))
            return
        self._events.extend(events)
        self._senders.extend([self._sender(message)] * len(events))

    def _sender(self, message: Message) -> str | None:
        """The service that the broker names; None where all share one user, "" for whoever is no service."""
        if not self._user_per_service:
            return None
        user = str(message.properties.get("user_id") or "")
        return service_of_user(user)

    def _forget(self) -> None:
        self._messages: list[Message] = []
        self._events: list[bytes] = []
        self._senders: list[str | None] = []
        self._broken: list[tuple[bytes, Undecodable]] = []

    def _take(self, connection: Connection, seconds: float) -> None:
        with suppress(TimeoutError):
            connection.drain_events(timeout=seconds)

    def _accept(self, connection: Connection) -> None:
        """Hand over, repeating in place while the database is away, with the heart beating."""
        deadline = time.monotonic() + TRANSIENT_SECONDS
        pause = 0.1
        while True:
            try:
                for body, problem in self._broken:
                    self._inbox.park_message(body, problem)
                self._inbox.accept(self._events, self._senders)
                return
            except Exception as error:
                if not is_transient(error) or time.monotonic() > deadline:
                    raise
                log.warning("inbox_database_away", error=type(error).__name__, pause_seconds=pause)
                _wait_beating(connection, pause)
                pause = min(pause * 2, 5.0)


def _wait_beating(connection: Connection, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection.heartbeat_check()
        time.sleep(min(0.5, seconds))


def declare_topology(channel: Any, service: str, types: list[str], *, make_exchanges: bool = True) -> Queue:
    """Declare exchanges, the dead queue first, and the service's queue with its bindings; returns the queue.

    Without ``make_exchanges`` they must be there: a service's own user may not make them.
    """
    passive = not make_exchanges
    dead = Exchange(DEAD_EXCHANGE, type="direct", durable=True, passive=passive)
    Queue(dead_queue_name(service), dead, routing_key=service, durable=True, queue_arguments=DEAD_QUEUE_ARGUMENTS)(
        channel
    ).declare()
    events = Exchange(EXCHANGE, type="topic", durable=True, passive=passive)
    events(channel).declare()
    queue = Queue(queue_name(service), durable=True, queue_arguments=queue_arguments(service))
    queue(channel).queue_declare()
    for key in (*sorted(types), address(service)):
        queue(channel).bind_to(events, routing_key=key)
    return queue
