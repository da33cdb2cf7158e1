"""How much is under way in a service: told by the outbox, the queue, the consumer and the inbox themselves."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from kombu import Connection

from billhook_common.events import Context, Event, Handlers
from billhook_common.events.broker import BrokerDelivery, dead_queue_name, queue_name
from billhook_common.events.consumer import EventConsumer
from billhook_common.events.relay import Relay
from billhook_common.local.ports import free_port
from billhook_common.local.rabbitmq import LocalRabbitMQ
from billhook_common.testing import ServiceHarness, Suite
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.sample import Counted, count_along, listening, sample_service

pytestmark = pytest.mark.integration

FIGURES = ("outbox_pending", "queue_ready", "queue_unacked", "retries_scheduled", "parked", "dead")


def figures(harness: ServiceHarness) -> dict[str, int]:
    answer = harness.client("ops:read").get("/ops/messaging")
    assert answer.status_code == 200, answer.text
    return {name: answer.get_json()[name] for name in FIGURES}


def nothing_but(**seen: int) -> dict[str, int]:
    return dict.fromkeys(FIGURES, 0) | seen


def test_without_a_broker_what_is_undelivered_is_in_the_outbox(make_suite: Callable[..., Suite]) -> None:
    suite = make_suite(sample_service(), sample_service("listener", listening))
    sample, listener = suite["sample"], suite["listener"]
    for name in ("a", "wait-for-the-gate", "poison"):
        assert sample.client().post("/counters", {"name": name}).status_code == 201
    assert figures(sample) == nothing_but(outbox_pending=3)
    assert figures(listener) == nothing_but()
    suite.until_quiet()
    assert figures(sample) == nothing_but()
    assert figures(listener) == nothing_but(retries_scheduled=2)


def test_the_oldest_is_told_with_its_age_and_marks_only_grow(make_suite: Callable[..., Suite]) -> None:
    suite = make_suite(sample_service())
    sample = suite["sample"]
    client = sample.client("ops:read")
    marks = [client.get("/ops/messaging").get_json()["marks"]]
    sample.client().post("/counters", {"name": "a"})
    sample.clock.advance(dt.timedelta(seconds=90))
    answer = client.get("/ops/messaging").get_json()
    assert answer["outbox_oldest_seconds"] == 90
    marks.append(answer["marks"])
    suite.until_quiet()
    marks.append(client.get("/ops/messaging").get_json()["marks"])
    assert marks[:2] == [[0, 0], [1, 0]]
    assert marks[2][1] == 1


def incoming(harness: ServiceHarness) -> dict[str, int]:
    """Without what it asks of others at each connection, which no relay of the test takes away."""
    return figures(harness) | {"outbox_pending": 0}


class Watched:
    """A listener whose handler notes what the API says while it works."""

    def __init__(self) -> None:
        self.handles = Handlers()
        self.handles(Counted)(self.count)
        self.seen: list[dict[str, int]] = []
        self.harness: ServiceHarness | None = None

    def count(self, ctx: Context, event: Event[Counted]) -> None:
        """Count, and look."""
        count_along(ctx, event)
        assert self.harness is not None
        self.seen.append(incoming(self.harness))


@pytest.fixture
def watched(databases: TestDatabases, rabbitmq: LocalRabbitMQ) -> Iterator[Watched]:
    item = Watched()
    service = sample_service("listener", item.handles)
    dsn = databases.create(service)
    with closing(ServiceHarness(service, dsn, broker_url=rabbitmq.url)) as item.harness:
        yield item
    databases.drop(dsn)
    with Connection(rabbitmq.url) as connection, connection.channel() as channel:
        for name in (queue_name("listener"), dead_queue_name("listener")):
            channel.queue_delete(name)


@pytest.mark.broker
def test_a_message_is_seen_in_the_queue_then_in_hand_then_nowhere(
    watched: Watched, databases: TestDatabases, rabbitmq: LocalRabbitMQ
) -> None:
    listener = watched.harness
    assert listener is not None
    publisher = sample_service()
    dsn = databases.create(publisher)
    with (
        closing(ServiceHarness(publisher, dsn, listener.clock)) as sample,
        closing(BrokerDelivery(rabbitmq.url, "sample")) as delivery,
        closing(EventConsumer(rabbitmq.url, "listener", [Counted.TYPE], listener.inbox)) as consumer,
    ):
        consumer.step()
        consumer.close()
        sample.client().post("/counters", {"name": "a"})
        relay = Relay(sample.database, "sample", sample.clock, delivery)
        relay.step()
        relay.stop()
        assert incoming(listener) == nothing_but(queue_ready=1)
        for _ in range(10):
            consumer.step()
        assert watched.seen == [nothing_but(queue_unacked=1)]
        assert incoming(listener) == nothing_but()
    databases.drop(dsn)


@pytest.mark.broker
def test_a_consumer_that_dies_takes_its_report_with_it(watched: Watched, rabbitmq: LocalRabbitMQ) -> None:
    listener = watched.harness
    assert listener is not None
    with closing(EventConsumer(rabbitmq.url, "listener", [Counted.TYPE], listener.inbox)) as consumer:
        consumer.step()
        with Connection(rabbitmq.url) as connection, connection.channel() as channel:
            channel.basic_publish(channel.prepare_message(b"{"), "", queue_name("listener"))

        class Died(BaseException):
            pass

        def die(*_: Any) -> None:
            raise Died

        listener.inbox.park_message = die  # type: ignore[method-assign]
        with pytest.raises(Died):
            for _ in range(20):
                consumer.step()
        assert incoming(listener) == nothing_but(queue_unacked=1)
    for _ in range(100):
        if incoming(listener) == nothing_but(queue_ready=1):
            return
    raise AssertionError(incoming(listener))


@pytest.mark.broker
def test_a_queue_that_cannot_be_read_is_not_zero(databases: TestDatabases, rabbitmq: LocalRabbitMQ) -> None:
    service = sample_service("nobody", listening)
    dsn = databases.create(service)
    dead = f"amqp://guest:guest@127.0.0.1:{free_port()}/%2F"
    for broker_url, said in ((rabbitmq.url, "its worker never ran"), (dead, "does not tell the length")):
        with closing(ServiceHarness(service, dsn, broker_url=broker_url)) as nobody:
            answer = nobody.client("ops:read").get("/ops/messaging")
            assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/source-unreadable")
            assert said in answer.get_json()["detail"]
            assert "Retry-After" in answer.headers
    databases.drop(dsn)
