"""Events over a real RabbitMQ: nothing lost, nothing doubled, whatever the broker does (F1, F9, F11)."""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import uuid4

import pytest
from kombu import Connection
from sqlalchemy import func, select

from billhook_common.events.broker import (
    CONTENT_TYPE,
    EXCHANGE,
    BrokerDelivery,
    PublishFailed,
    dead_queue_name,
    queue_name,
)
from billhook_common.events.consumer import EventConsumer
from billhook_common.events.relay import Relay
from billhook_common.ids import uuid7
from billhook_common.local.ports import free_port
from billhook_common.local.rabbitmq import LocalRabbitMQ
from billhook_common.tables import outbox
from billhook_common.testing import Suite
from billhook_common.testing.harness import wire
from billhook_common.testing.sample import Counted, Counter, listening, sample_service

pytestmark = pytest.mark.broker


class Wired:
    """The sample publishes, the listener hears, over the broker."""

    def __init__(self, suite: Suite, node: LocalRabbitMQ) -> None:
        self.sample, self.listener = suite["sample"], suite["listener"]
        self.node = node
        self.queue = f"listener-{uuid4().hex[:8]}"
        self.delivery = BrokerDelivery(node.url, "billhook-sample")
        self.relay = Relay(self.sample.database, "sample", suite.clock, self.delivery)
        self.consumer = self.new_consumer()

    def new_consumer(self) -> EventConsumer:
        return EventConsumer(self.node.url, self.queue, list(listening.types()), self.listener.inbox)

    def make(self, *names: str) -> None:
        for name in names:
            assert self.sample.client().post("/counters", {"name": name}).status_code == 201

    def heard(self) -> dict[str, int]:
        with self.listener.session() as session:
            return {name: value for name, value in session.execute(select(Counter.name, Counter.value))}

    def unpublished(self) -> int:
        with self.sample.session() as session:
            return session.execute(select(func.count()).where(outbox.c.published_at.is_(None))).scalar_one()

    def until(self, done: Callable[[], bool], steps: int = 60) -> None:
        for _ in range(steps):
            with suppress(PublishFailed, OSError):
                self.relay.step()
            with suppress(OSError):
                self.consumer.step()
            if done():
                return
        raise AssertionError(f"not reached: heard {len(self.heard())}, unpublished {self.unpublished()}")

    def publish_raw(self, *bodies: bytes) -> None:
        with Connection(self.node.url) as connection, connection.channel() as channel:
            for body in bodies:
                message = channel.prepare_message(body, content_type=CONTENT_TYPE, content_encoding="binary")
                channel.basic_publish(message, EXCHANGE, Counted.TYPE)

    def close(self) -> None:
        self.consumer.close()
        self.relay.stop()
        self.delivery.close()
        with Connection(self.node.url) as connection, connection.channel() as channel:
            for name in (queue_name(self.queue), dead_queue_name(self.queue)):
                channel.queue_delete(name)


@pytest.fixture
def wired(make_suite: Callable[..., Suite], rabbitmq: LocalRabbitMQ) -> Iterator[Wired]:
    item = Wired(make_suite(sample_service(), sample_service("listener", listening)), rabbitmq)
    yield item
    item.close()


def ready(wired: Wired) -> None:
    """Declare the queue, so that what is published next is kept."""
    wired.consumer.step()


def test_events_travel_in_bundles_and_arrive_once(wired: Wired) -> None:
    ready(wired)
    names = [f"c{number:03d}" for number in range(120)]
    wired.make(*names)
    wired.until(lambda: len(wired.heard()) == len(names))
    assert set(wired.heard().values()) == {1}
    assert wired.unpublished() == 0


def test_a_broker_that_dies_loses_nothing(wired: Wired) -> None:
    ready(wired)
    wired.make("before")
    wired.until(lambda: "before" in wired.heard())
    wired.node.kill()
    wired.make("during-1", "during-2")
    with pytest.raises(PublishFailed):
        wired.relay.step()
    assert wired.unpublished() == 2
    wired.node.start()
    wired.make("after")
    wired.until(lambda: len(wired.heard()) == 4)
    assert set(wired.heard().values()) == {1}


def test_a_consumer_that_dies_before_the_acknowledgement_has_no_second_effect(wired: Wired) -> None:
    ready(wired)
    wired.make("a", "b")
    wired.relay.step()

    class Died(BaseException):
        pass

    accept = wired.listener.inbox.accept

    def accept_and_die(events: list[bytes], senders: list[str | None]) -> None:
        accept(events, senders)
        raise Died

    wired.listener.inbox.accept = accept_and_die  # type: ignore[method-assign]
    with pytest.raises(Died):
        for _ in range(20):
            wired.consumer.step()
    wired.listener.inbox.accept = accept  # type: ignore[method-assign]
    wired.consumer.close()
    wired.consumer = wired.new_consumer()
    wired.make("c")
    wired.until(lambda: len(wired.heard()) == 3)
    assert wired.heard() == {"a": 1, "b": 1, "c": 1}


def test_messages_doubled_and_shuffled_have_one_effect_each(wired: Wired) -> None:
    ready(wired)
    counter = uuid7()
    raws = [
        wire(Counted(counter_id=counter, name="x", step=step), wired.sample.clock.now())[0] for step in range(1, 41)
    ]
    order = random.Random(3)
    messages = [raw for raw in raws for _ in range(order.randint(1, 3))]
    order.shuffle(messages)
    wired.publish_raw(*(b"[" + raw + b"]" for raw in messages))
    wired.until(lambda: wired.heard() == {"x": sum(range(1, 41))})
    wired.consumer.step()
    assert wired.heard() == {"x": sum(range(1, 41))}


def test_poison_is_parked_and_the_others_flow(wired: Wired) -> None:
    ready(wired)
    good, other = (
        wire(Counted(counter_id=uuid7(), name=name, step=1), wired.sample.clock.now())[0] for name in ("good", "other")
    )
    unknown = other.replace(b"counted.v1", b"counted.v9")
    wired.publish_raw(
        b"not json", b"{}", b"[]", b"[17]", b"[" + unknown + b"]", b"[" + good + b"]", b"\x00" * 5_000_000
    )
    wired.until(lambda: "good" in wired.heard())
    wired.until(lambda: len(wired.listener.unfinished()) == 5)
    assert {row["state"] for row in wired.listener.unfinished()} == {"parked"}


def test_an_event_without_a_queue_is_marked_as_returned(wired: Wired) -> None:
    wired.make("a")
    assert wired.relay.step()
    with wired.sample.session() as session:
        assert session.execute(select(outbox.c.returned)).scalar_one() is True


def test_a_queue_that_was_deleted_is_declared_again(wired: Wired) -> None:
    ready(wired)
    with Connection(wired.node.url) as connection, connection.channel() as channel:
        channel.queue_delete(queue_name(wired.queue))
    for _ in range(3):
        with suppress(Exception):
            wired.consumer.step()
    wired.make("a")
    wired.until(lambda: "a" in wired.heard())


def test_of_two_consumers_one_is_active_and_the_other_takes_over(wired: Wired) -> None:
    ready(wired)
    standby = wired.new_consumer()
    standby.step()
    wired.make("a")
    wired.relay.step()
    assert not standby.step()
    wired.until(lambda: "a" in wired.heard())
    wired.consumer.close()
    wired.consumer = standby
    wired.make("b")
    wired.until(lambda: "b" in wired.heard())


def test_a_worker_is_on_its_queue_before_it_says_that_it_works(wired: Wired) -> None:
    wired.consumer.connect()
    wired.make("first")
    assert wired.relay.step()
    wired.until(lambda: wired.heard() == {"first": 1})


def test_a_worker_starts_without_a_broker_and_tries_again(wired: Wired) -> None:
    nobody = EventConsumer(f"amqp://guest:guest@127.0.0.1:{free_port()}/%2F", wired.queue, [], wired.listener.inbox)
    nobody.connect()
    with pytest.raises(OSError):
        nobody.step()
