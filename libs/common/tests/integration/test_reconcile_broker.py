"""Queues deleted, unbound or emptied by hand over a real RabbitMQ: all that was lost comes again (F12)."""

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from kombu import Connection
from sqlalchemy import func, select

from billhook_common.clock import FixedClock
from billhook_common.config import ServiceConfig
from billhook_common.events import consumer as consumer_module
from billhook_common.events.broker import EXCHANGE, queue_name
from billhook_common.local.rabbitmq import LocalRabbitMQ
from billhook_common.service import Service
from billhook_common.tables import inbox, outbox
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.sample import Counted, Counter, listening, sample_service
from billhook_common.worker import Worker, build_worker

pytestmark = pytest.mark.broker

QUIET_SECONDS = 30.0
POSITIONS_SECONDS = 1


class Member:
    """A service with a worker of its own, as in a process of its own, that can be stopped and started."""

    def __init__(self, service: Service, dsn: str, url: str, clock: FixedClock) -> None:
        self.service, self.clock = service, clock
        self.harness = ServiceHarness(service, dsn, clock)
        self.config = ServiceConfig(database_url=dsn, broker_url=url, positions_seconds=POSITIONS_SECONDS)
        self._worker: Worker | None = None

    def start(self) -> None:
        self._worker = build_worker([(self.service, self.config)], self.clock)
        self._worker.listen()
        self._worker.start()

    def stop(self) -> None:
        if self._worker is not None:
            self._worker.shutdown()
            self._worker = None

    def close(self) -> None:
        self.stop()
        self.harness.close()


class Two:
    """The sample and its listener, each with a worker, in a virtual host of their own."""

    def __init__(self, node: LocalRabbitMQ, databases: TestDatabases, clock: FixedClock) -> None:
        host = f"reconcile-{uuid4().hex[:8]}"
        node.ctl("add_vhost", host)
        node.ctl("set_permissions", "--vhost", host, "guest", ".*", ".*", ".*")
        self.node, self.host = node, host
        self.url = node.url.removesuffix("%2F") + host
        self.sample, self.listener = (
            Member(service, databases.create(service), self.url, clock)
            for service in (sample_service(), sample_service("listener", listening))
        )

    def make(self, *names: str) -> None:
        for name in names:
            assert self.sample.harness.client().post("/counters", {"name": name}).status_code == 201

    def heard(self) -> dict[str, int]:
        with self.listener.harness.session() as session:
            return {name: value for name, value in session.execute(select(Counter.name, Counter.value))}

    def until_heard(self, *names: str) -> None:
        end = time.monotonic() + QUIET_SECONDS
        while self.heard() != dict.fromkeys(names, 1):
            assert time.monotonic() < end, self.heard()
            time.sleep(0.05)

    def until_published(self) -> None:
        end = time.monotonic() + QUIET_SECONDS
        while self.unpublished():
            assert time.monotonic() < end
            time.sleep(0.02)

    def unpublished(self) -> int:
        waiting = select(func.count()).where(outbox.c.published_at.is_(None), outbox.c.type == Counted.TYPE)
        with self.sample.harness.session() as session:
            return session.execute(waiting).scalar_one()

    def by_hand(self, act: Callable[[Connection], object]) -> None:
        with Connection(self.url) as connection:
            act(connection)

    def close(self) -> None:
        self.sample.close()
        self.listener.close()
        self.node.ctl("delete_vhost", self.host)


@pytest.fixture
def two(rabbitmq: LocalRabbitMQ, databases: TestDatabases, clock: FixedClock) -> Iterator[Two]:
    item = Two(rabbitmq, databases, clock)
    yield item
    item.close()


def unbind(connection: Connection) -> None:
    connection.channel().queue_unbind(queue_name("listener"), EXCHANGE, Counted.TYPE)


def delete(connection: Connection) -> None:
    connection.channel().queue_delete(queue_name("listener"))


def purge(connection: Connection) -> None:
    connection.channel().queue_purge(queue_name("listener"))


def test_a_queue_emptied_while_its_service_was_down_is_filled_again(two: Two) -> None:
    two.sample.start()
    two.listener.start()
    two.make("a")
    two.until_heard("a")
    two.listener.stop()
    two.make("b", "c")
    two.until_published()
    two.by_hand(purge)
    two.make("d")
    two.until_published()
    assert two.heard() == {"a": 1}
    two.listener.start()
    two.until_heard("a", "b", "c", "d")
    # Exactly the missing ones came again: each event was applied once, and none was heard a second time.
    with two.listener.harness.session() as session:
        assert session.scalar(select(func.count()).where(inbox.c.type == Counted.TYPE)) == 4


def test_a_queue_deleted_under_its_service_loses_nothing(two: Two) -> None:
    two.sample.start()
    two.listener.start()
    two.make("a")
    two.until_heard("a")
    two.by_hand(delete)
    two.make("b", "c")
    two.until_published()
    two.until_heard("a", "b", "c")


def test_a_queue_unbound_under_its_service_is_bound_again(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "REDECLARE_SECONDS", 1.0)
    two.sample.start()
    two.listener.start()
    two.make("a")
    two.until_heard("a")
    two.by_hand(unbind)
    two.make("lost")
    two.until_heard("a", "lost")


def test_a_publisher_that_starts_first_on_an_empty_broker_loses_nothing(two: Two) -> None:
    two.listener.harness.inbox.subscribe()
    two.make("a", "b")
    two.sample.start()
    two.until_published()
    with two.sample.harness.session() as session:
        assert set(session.scalars(select(outbox.c.returned).where(outbox.c.type == Counted.TYPE))) == {True}
    two.listener.start()
    two.until_heard("a", "b")


def test_a_broker_that_lost_everything_loses_nothing_of_ours(two: Two) -> None:
    two.sample.start()
    two.listener.start()
    two.make("a")
    two.until_heard("a")
    two.listener.stop()
    two.make("b")
    two.until_published()
    two.sample.stop()
    two.node.ctl("delete_vhost", two.host)
    two.node.ctl("add_vhost", two.host)
    two.node.ctl("set_permissions", "--vhost", two.host, "guest", ".*", ".*", ".*")
    two.sample.start()
    two.make("c")
    two.until_published()
    two.listener.start()
    two.until_heard("a", "b", "c")
