"""Everything that was ever published, once more, doubled and in any order; and what it must not change."""

import random
from collections import defaultdict
from collections.abc import Sequence

import psycopg
from kombu import Connection
from psycopg import sql
from sqlalchemy import select

from billhook_common.config import ServiceConfig
from billhook_common.db import Database
from billhook_common.events.broker import CONTENT_TYPE, EXCHANGE
from billhook_common.events.envelope import encode
from billhook_common.events.relay import envelope
from billhook_common.tables import outbox

from .site import Site

MOST_COPIES = 3
MOST_EVENTS = 5
"""Of one message: other neighbours than at the first time."""

Message = tuple[str, Sequence[bytes]]
"""An event type, and the events in the message."""


def published(site: Site) -> dict[str, list[bytes]]:
    """Every event in the services' logs, as it went out, by type."""
    events: dict[str, list[bytes]] = defaultdict(list)
    for service, dsn in site.dsns.items():
        database = Database(ServiceConfig(database_url=dsn))
        with database.transaction() as session:
            # What went straight to one service is no business of the others.
            for row in session.execute(select(outbox).where(outbox.c.recipient.is_(None)).order_by(outbox.c.seq)):
                events[row.type].append(encode(envelope(row, service, row.epoch, row.position)))
        database.close()
    return events


def doubled(events: dict[str, list[bytes]], chance: random.Random) -> list[Message]:
    """Messages with each event in one to three of them, shuffled."""
    messages: list[Message] = []
    for event_type, bodies in sorted(events.items()):
        copies = [body for body in bodies for _ in range(chance.randint(1, MOST_COPIES))]
        chance.shuffle(copies)
        while copies:
            size = chance.randint(1, MOST_EVENTS)
            messages.append((event_type, copies[:size]))
            del copies[:size]
    chance.shuffle(messages)
    return messages


def publish(url: str, messages: Sequence[Message], *, queue: str = "") -> None:
    """Send them to everyone, or into one ``queue``, and return when the broker has them."""
    with Connection(url, transport_options={"confirm_publish": True}) as connection, connection.channel() as channel:
        for event_type, bodies in messages:
            body = b"[" + b",".join(bodies) + b"]"
            message = channel.prepare_message(body, content_type=CONTENT_TYPE, content_encoding="binary")
            channel.basic_publish(message, "" if queue else EXCHANGE, queue or event_type)


def contents(site: Site) -> dict[str, list[str]]:
    """Every row of every table of every service."""
    rows: dict[str, list[str]] = {}
    for service, dsn in site.dsns.items():
        with psycopg.connect(dsn) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                query = sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(table))
                rows[f"{service}.{table}"] = [row[0] for row in connection.execute(query)]
    return rows
