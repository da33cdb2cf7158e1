"""Events from one service's outbox to another one's inbox over RabbitMQ: how many a second, and how soon.

    ./billhook bench events --events 30000

The yardstick is a relay that publishes one event and waits for its confirm before the next, into the same queue and
consumer. Latency is from the commit of the publisher's transaction to the consumer's row, at 100 events a second.
"""

import argparse
import datetime as dt
import time

import pika
from cluster import Cluster, cluster
from sqlalchemy import select, text

from billhook_common.contracts.crm import CustomerChanged
from billhook_common.events import publish
from billhook_common.events.broker import CONTENT_TYPE, EXCHANGE
from billhook_common.events.envelope import encode
from billhook_common.events.outbox import Outgoing, publish_many
from billhook_common.events.relay import envelope
from billhook_common.ids import uuid7
from billhook_common.tables import outbox
from billhook_crm.app import service as crm
from billhook_inventory.app import service as inventory

RATE = 100
BAR_RATE, BAR_RATIO, BAR_P50, BAR_P99 = 3_000, 6.0, 100, 500
TYPE = CustomerChanged.TYPE


def a_change(number: int) -> CustomerChanged:
    """A customer as crm tells it."""
    return CustomerChanged(
        customer_id=uuid7(), version=1, number=str(10_000_000 + number), login=f"bv{number:06}",
        name=f"Customer {number}", category="person", lifecycle="active", created_on=dt.date(2026, 1, 5),
    )  # fmt: skip


def put(own: Cluster, count: int) -> None:
    """So many events in crm's outbox, committed at once."""
    with own.databases["crm"].transaction() as session:
        facts = [a_change(number) for number in range(count)]
        publish_many(
            session, own.clock,
            [Outgoing(fact=fact, subject=fact.customer_id, customer_id=fact.customer_id) for fact in facts],
        )  # fmt: skip


def throughput(own: Cluster, count: int) -> float:
    """Events a second through relay, broker and consumer; prints the bill."""
    put(own, 500)  # Warm: connections, plans.
    own.until(lambda: own.accepted("inventory", TYPE) >= 500, "the first events are there")
    before = own.accepted("inventory", TYPE)
    with own.billed() as bill:
        put(own, count)
        own.until(lambda: own.accepted("inventory", TYPE) == before + count, "all events are there")
    print(f"events: {bill.line(count)}")
    return count / bill.wall


def one_by_one(own: Cluster, count: int) -> float:
    """The yardstick: the outbox's rows, each confirmed and marked before the next is published."""
    own.end("crm")
    before = own.accepted("inventory", TYPE)
    put(own, count)
    began = time.perf_counter()
    _publish_waiting(own)
    own.until(lambda: own.accepted("inventory", TYPE) == before + count, "all events are there")
    return count / (time.perf_counter() - began)


def _publish_waiting(own: Cluster) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(own.broker.url))
    channel = connection.channel()
    channel.confirm_delivery()
    epoch = uuid7()
    with own.databases["crm"].transaction() as session:
        rows = session.execute(select(outbox).where(outbox.c.published_at.is_(None)).order_by(outbox.c.seq)).all()
    for number, row in enumerate(rows, 1):
        body = b"[" + encode(envelope(row, "crm", epoch, number)) + b"]"
        properties = pika.BasicProperties(
            content_type=CONTENT_TYPE, delivery_mode=2, message_id=str(row.id), type=row.type
        )
        channel.basic_publish(EXCHANGE, row.type, body, properties, mandatory=True)
        with own.databases["crm"].transaction() as session:
            session.execute(
                text("UPDATE outbox SET published_at = now(), position = :at WHERE seq = :seq"),
                {"at": number, "seq": row.seq},
            )
    connection.close()


def latency(own: Cluster, seconds: int) -> tuple[float, float]:
    """Milliseconds from commit to inbox row, median and 99th of a hundred, at ``RATE`` events a second."""
    committed: dict[str, dt.datetime] = {}
    began = time.perf_counter()
    for number in range(RATE * seconds):
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        with own.databases["crm"].transaction() as session:
            fact = a_change(number)
            key = publish(session, own.clock, fact, subject=fact.customer_id, customer_id=fact.customer_id)
        committed[str(key)] = own.clock.now()
    own.until_published("crm")
    own.until(lambda: own.accepted("inventory", TYPE) >= len(committed), "all events are there")
    with own.databases["inventory"].transaction() as session:
        rows = session.execute(
            text("SELECT event_id, received_at FROM inbox WHERE event_id = ANY(:ids)"), {"ids": list(committed)}
        ).all()
    assert len(rows) == len(committed)
    waits = sorted((row.received_at - committed[str(row.event_id)]).total_seconds() * 1000 for row in rows)
    return waits[len(waits) // 2], waits[len(waits) * 99 // 100]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--yardstick", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=20, help="of the measurement of latency")
    options = parser.parse_args()
    with cluster(crm, inventory) as own:
        own.start()
        rate = throughput(own, options.events)
        median, late = latency(own, options.seconds)
        slow = one_by_one(own, options.yardstick)
    print(
        f"events a second: {rate:,.0f} (yardstick, a confirm and a mark for each: {slow:,.0f}, "
        f"{rate / slow:.1f}×; bars {BAR_RATE:,} and {BAR_RATIO:.0f}×)"
    )
    print(f"events latency at {RATE}/s: p50 {median:.0f} ms, p99 {late:.0f} ms (bars {BAR_P50} and {BAR_P99} ms)")


if __name__ == "__main__":
    main()
