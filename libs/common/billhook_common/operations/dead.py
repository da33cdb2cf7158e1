"""What the broker has given up: shown without personal data, and moved back, never lost on the way.

A message is acknowledged in the dead queue only when the broker has confirmed that it is in the service's queue again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError
from pika.spec import BasicProperties

from billhook_common.errors import Conflict, Unavailable
from billhook_common.events.broker import dead_queue_name, queue_name
from billhook_common.events.envelope import named
from billhook_common.logs import get_logger
from billhook_common.operations.masking import masked_payload, masked_text
from billhook_common.operations.parked import SHOWN_BYTES

log = get_logger()

CONNECT_SECONDS = 5.0
_DEATH = ("x-death", "x-delivery-count")
_FIRST_OR_LAST = ("x-first-death-", "x-last-death-")


class NoBroker(Conflict):
    """Without a broker nothing can be given up by it."""

    title = "There is no broker"


class BrokerSilent(Unavailable):
    """It refused or does not answer; what was not moved is where it was."""

    title = "The broker refused or does not answer"


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """One message in the dead queue, as people may see it."""

    message_id: str
    type: str
    sent_by: str
    died: str
    size_bytes: int
    payload: Any


def dead_messages(broker_url: str, service: str, most: int) -> list[DeadMessage]:
    """The oldest ``most`` of them; they stay where they are. Raises NoBroker, BrokerSilent."""
    with _channel(broker_url) as channel:
        found = []
        for _ in range(most):
            method, properties, body = channel.basic_get(dead_queue_name(service))
            if method is None:
                break
            found.append(_shown(properties, body))
        return found  # unacknowledged: all go back as the channel closes


def move_back(broker_url: str, service: str, most: int | None, actor: str) -> list[DeadMessage]:
    """Put what is dead now, at most ``most``, into the service's queue again; each stands in the log with ``actor``.

    What dies again meanwhile is left for the next time. Raises NoBroker, BrokerSilent.
    """
    moved = []
    with _channel(broker_url) as channel:
        channel.confirm_delivery()
        waiting = channel.queue_declare(dead_queue_name(service), passive=True).method.message_count
        for _ in range(waiting if most is None else min(most, waiting)):
            method, properties, body = channel.basic_get(dead_queue_name(service))
            if method is None:
                break
            # Without a confirm this raises, and the message stays; died in between, it is there twice, applied once.
            channel.basic_publish("", queue_name(service), body, _as_new(properties), mandatory=True)
            channel.basic_ack(method.delivery_tag)
            message = _shown(properties, body)
            log.info("dead_moved", service=service, actor=actor, message_id=message.message_id, type=message.type,
                     sent_by=message.sent_by, died=message.died)  # fmt: skip
            moved.append(message)
    return moved


@contextmanager
def _channel(broker_url: str) -> Iterator[BlockingChannel]:
    if not broker_url:
        raise NoBroker("BILLHOOK_BROKER_URL is empty: events go from service to service directly.")
    parameters = pika.URLParameters(broker_url)
    parameters.socket_timeout = parameters.blocked_connection_timeout = CONNECT_SECONDS
    parameters.connection_attempts = 1
    try:
        with BlockingConnection(parameters) as connection:
            yield connection.channel()
    except (AMQPError, OSError) as error:
        raise BrokerSilent(f"{type(error).__name__}: {error}"[:300]) from error


def _as_new(properties: BasicProperties) -> BasicProperties:
    """As its sender sent it: with the traces of its death the broker would see a circle and drop it."""
    headers = {
        name: value
        for name, value in (properties.headers or {}).items()
        if name not in _DEATH and not name.startswith(_FIRST_OR_LAST)
    }
    properties.headers = headers or None
    properties.delivery_mode = 2
    return properties


def _shown(properties: BasicProperties, body: bytes) -> DeadMessage:
    deaths = (properties.headers or {}).get("x-death") or []
    died = f"{deaths[0].get('reason', '')} {deaths[0].get('time', '')}".strip() if deaths else "unknown"
    return DeadMessage(
        message_id=masked_text(properties.message_id or ""),
        type=named(properties.type or ""),
        sent_by=masked_text(properties.user_id or properties.app_id or ""),
        died=died,
        size_bytes=len(body),
        payload=masked_payload(body) if len(body) <= SHOWN_BYTES else f"‹{len(body)} bytes›",
    )
