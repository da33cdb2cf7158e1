"""RabbitMQ: names, queue arguments, and the publishing side (pika, pipelined confirms)."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import pika
from pika.adapters.select_connection import SelectConnection
from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from billhook_common.events.relay import Bundle

EXCHANGE = "billhook.events"
DEAD_EXCHANGE = "billhook.dead"
CONTENT_TYPE = "application/cloudevents-batch+json"
CONFIRM_SECONDS = 15.0
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 2.0


def queue_name(service: str) -> str:
    """The one queue of a service."""
    return f"billhook.{service}"


def address(service: str) -> str:
    """The routing key of what is for one service alone; nobody has the right to publish to queues directly."""
    return f"to.{service}"


def dead_queue_name(service: str) -> str:
    """Where the broker puts what crashed its consumer too often."""
    return f"billhook.{service}.dead"


_USER_PREFIX = "billhook-"


def broker_user(service: str) -> str:
    """The name of a service's own user at the broker, where each has one."""
    return f"{_USER_PREFIX}{service}"


def service_of_user(user: str) -> str:
    """The service whose user this is; empty for any other user."""
    return user.removeprefix(_USER_PREFIX) if user.startswith(_USER_PREFIX) else ""


def user_of(url: str) -> str:
    """The user that a broker URL signs in as."""
    return unquote(urlsplit(url).username or "guest")


def queue_arguments(service: str) -> dict[str, Any]:
    """Arguments of a service's queue; they cannot be changed later (406), limits that may change are policies."""
    return {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        # A fuse that counts crashes: with 3, four SIGKILLs dead-lettered 100 good messages.
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        "x-dead-letter-routing-key": service,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


DEAD_QUEUE_ARGUMENTS = {
    "x-queue-type": "quorum",
    # To look at a message is a delivery; RabbitMQ 4 throws away after 20 where nothing is said.
    "x-delivery-limit": 1_000_000,
}


class PublishFailed(Exception):
    """The broker refused, went away or did not confirm in time: nothing may be marked as published."""


@dataclass
class _Batch:
    messages: Sequence[Bundle]
    tags: dict[int, int] = field(default_factory=dict)
    returned: set[int] = field(default_factory=set)
    by_message_id: dict[str, int] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)
    error: str | None = None

    def fail(self, reason: str) -> None:
        self.error = self.error or reason
        self.done.set()


class BrokerDelivery:
    """Publishes bundles with pipelined confirms on a connection and thread of its own."""

    def __init__(self, url: str, app_id: str) -> None:
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = 30
        self._parameters.blocked_connection_timeout = 30
        self._parameters.socket_timeout = 5
        self._parameters.stack_timeout = 8
        self._parameters.connection_attempts = 1
        self._app_id = app_id
        self._user = user_of(url)
        # Where services have users of their own, the exchange is not theirs to make.
        self._passive = bool(service_of_user(self._user))
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._batch: _Batch | None = None

    def deliver(self, bundles: Sequence[Bundle]) -> set[int]:
        """Publish all, wait for all confirms; indices of unroutable bundles. Raises PublishFailed.

        What is for one service alone goes to its queue and no other.
        """
        batch = _Batch(bundles)
        self._connect()
        connection = self._connection
        assert connection is not None
        self._batch = batch
        try:
            connection.ioloop.add_callback_threadsafe(self._guarded(self._send, batch))
        except Exception as error:
            self.close()
            raise PublishFailed(f"connection lost: {error!r}") from error
        if not batch.done.wait(CONFIRM_SECONDS):
            self.close()
            raise PublishFailed(f"no confirm within {CONFIRM_SECONDS:.0f} s")
        if batch.error:
            self.close()
            raise PublishFailed(batch.error)
        return batch.returned

    def close(self) -> None:
        """Drop the connection; the next delivery makes a new one."""
        connection, self._connection, self._channel = self._connection, None, None
        self._ready.clear()
        if connection is not None:
            with suppress(Exception):  # the loop may have ended already
                connection.ioloop.add_callback_threadsafe(lambda: _stop(connection))
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _connect(self) -> None:
        if self._ready.is_set() and self._connection is not None:
            return
        self.close()
        connection: SelectConnection = SelectConnection(
            self._parameters,
            on_open_callback=self._opened,
            on_open_error_callback=lambda _c, error: self._lost(connection, error),
            on_close_callback=lambda _c, error: self._lost(connection, error),
        )
        self._connection = connection
        self._thread = threading.Thread(target=self._run, args=(connection,), name="publisher", daemon=True)
        self._thread.start()
        if not self._ready.wait(CONNECT_SECONDS):
            self.close()
            raise PublishFailed("the broker cannot be reached")
        if self._connection is None:
            self._ready.clear()
            raise PublishFailed("the broker refused the connection")

    def _run(self, connection: SelectConnection) -> None:
        try:
            connection.ioloop.start()
        except Exception as error:  # noqa: BLE001  (an exception here would end the thread unseen)
            self._lost(connection, error)
        else:
            self._lost(connection, "the connection ended")
        finally:
            connection.ioloop.close()

    def _lost(self, connection: SelectConnection, error: object) -> None:
        if self._batch is not None:
            self._batch.fail(f"connection lost: {error}")
        if self._connection is connection:
            self._connection, self._channel = None, None
            self._ready.set()  # lets a waiting _connect see that it failed
        connection.ioloop.stop()

    def _opened(self, connection: SelectConnection) -> None:
        connection.channel(on_open_callback=self._guarded(self._channel_opened))

    def _channel_opened(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _channel, reason: self._lost_channel(reason))
        channel.add_on_return_callback(self._guarded(self._on_return))
        channel.confirm_delivery(self._guarded(self._on_confirm))
        channel.exchange_declare(
            EXCHANGE,
            exchange_type="topic",
            durable=True,
            passive=self._passive,
            callback=lambda _frame: self._ready.set(),
        )

    def _lost_channel(self, reason: object) -> None:
        connection = self._connection
        if connection is not None:
            self._lost(connection, reason)

    def _send(self, batch: _Batch) -> None:
        channel = self._channel
        if channel is None or not channel.is_open:
            batch.fail("the channel is closed")
            return
        tag = getattr(channel, "_billhook_tag", 0)
        for index, item in enumerate(batch.messages):
            tag += 1
            batch.tags[tag] = index
            message_id = str(item.first_id) if item.recipient is None else f"{item.first_id} {item.recipient}"
            batch.by_message_id[message_id] = index
            # The broker refuses another user's name here, so consumers can rely on it.
            properties = BasicProperties(
                content_type=CONTENT_TYPE, delivery_mode=2, message_id=message_id, type=item.type,
                app_id=self._app_id, user_id=self._user,
            )  # fmt: skip
            key = item.type if item.recipient is None else address(item.recipient)
            channel.basic_publish(EXCHANGE, key, item.body(), properties, mandatory=True)
        channel._billhook_tag = tag  # confirms count per channel

    def _on_return(self, _channel: Channel, _method: Basic.Return, properties: BasicProperties, _body: bytes) -> None:
        if self._batch is not None and properties.message_id in self._batch.by_message_id:
            self._batch.returned.add(self._batch.by_message_id[properties.message_id])

    def _on_confirm(self, frame: Any) -> None:
        batch = self._batch
        if batch is None:
            return
        method = frame.method
        if isinstance(method, Basic.Nack):
            batch.fail("the broker refused a message")
            return
        if method.multiple:
            for tag in [tag for tag in batch.tags if tag <= method.delivery_tag]:
                del batch.tags[tag]
        else:
            batch.tags.pop(method.delivery_tag, None)
        if not batch.tags:
            batch.done.set()

    def _guarded(self, callback: Callable[..., None], *bound: Any) -> Callable[..., None]:
        """An exception inside the loop fails the batch in hand instead of ending the thread."""

        def run(*arguments: Any) -> None:
            try:
                callback(*bound, *arguments)
            except Exception as error:  # noqa: BLE001
                if self._batch is not None:
                    self._batch.fail(f"publisher: {error!r}")

        return run


def _stop(connection: SelectConnection) -> None:
    if connection.is_open:
        connection.close()
    else:
        connection.ioloop.stop()
