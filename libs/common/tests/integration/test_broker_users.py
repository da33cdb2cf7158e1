"""A broker user for each service: who may publish and read what, and that a forged event is parked, not applied."""

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from kombu import Connection
from kombu.transport.pyamqp import Transport
from sqlalchemy import select

from billhook_common.events.broker import (
    CONTENT_TYPE,
    DEAD_EXCHANGE,
    EXCHANGE,
    BrokerDelivery,
    broker_user,
    queue_name,
)
from billhook_common.events.consumer import EventConsumer
from billhook_common.events.definitions import OPERATOR, broker_definitions, new_passwords
from billhook_common.events.relay import Bundle, Relay
from billhook_common.ids import uuid7
from billhook_common.local.rabbitmq import LocalRabbitMQ
from billhook_common.operations import dead
from billhook_common.testing import ServiceHarness, Suite
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import wire
from billhook_common.testing.plugin import SuiteFactory
from billhook_common.testing.sample import Counted, Counter, listening, sample_service

pytestmark = [pytest.mark.integration, pytest.mark.broker]

REFUSED = "ACCESS_REFUSED"
SMUGGLED = "billing.item.changed.v1"
"""A type that the listener is bound to and that billing's user may publish."""


class Site:
    """A virtual host with users for sample, listener, billing and payments."""

    def __init__(self, node: LocalRabbitMQ, folder: Path) -> None:
        self._node = node
        self.vhost = f"users-{uuid4().hex[:8]}"
        subscriptions = {
            "sample": [],
            "listener": [Counted.TYPE, SMUGGLED],
            "billing": ["payments.payment.received.v1"],
            "payments": [SMUGGLED],
        }
        self._passwords = new_passwords(subscriptions)
        path = folder / "definitions.json"
        path.write_text(json.dumps(broker_definitions(subscriptions, self._passwords, self.vhost)))
        path.chmod(0o644)
        node.ctl("import_definitions", str(path))

    def url(self, name: str) -> str:
        user = OPERATOR if name == OPERATOR else broker_user(name)
        return f"amqp://{user}:{self._passwords[name]}@127.0.0.1:{self._node.port}/{self.vhost}"

    def publish(self, name: str, key: str, body: bytes, **properties: str) -> None:
        """Publish as the service's user, and know that the broker took it. Raises what it refuses with."""
        options = {"confirm_publish": True}
        with Connection(self.url(name), transport_options=options) as connection, connection.channel() as channel:
            message = channel.prepare_message(
                body, content_type=CONTENT_TYPE, content_encoding="binary", properties=properties
            )
            channel.basic_publish(message, EXCHANGE, key)

    def close(self) -> None:
        self._node.ctl("delete_vhost", self.vhost)


@pytest.fixture
def site(rabbitmq: LocalRabbitMQ, tmp_path: Path) -> Iterator[Site]:
    item = Site(rabbitmq, tmp_path)
    yield item
    item.close()


@pytest.fixture
def listener(databases: TestDatabases) -> Iterator[ServiceHarness]:
    service = sample_service("listener", listening)
    dsn = databases.create(service)
    with closing(ServiceHarness(service, dsn)) as harness:
        yield harness
    databases.drop(dsn)


def counted(name: str) -> Counted:
    return Counted(counter_id=uuid7(), name=name, step=1)


def heard(listener: ServiceHarness) -> dict[str, int]:
    with listener.session() as session:
        return {name: value for name, value in session.execute(select(Counter.name, Counter.value))}


def test_the_suites_own_relay_and_consumer_do_with_these_rights(make_suite: SuiteFactory, site: Site) -> None:
    suite: Suite = make_suite(sample_service(), sample_service("listener", listening))
    with (
        closing(BrokerDelivery(site.url("sample"), "sample")) as delivery,
        closing(EventConsumer(site.url("listener"), "listener", [Counted.TYPE], suite["listener"].inbox)) as consumer,
    ):
        suite["sample"].client().post("/counters", {"name": "a"})
        relay = Relay(suite["sample"].database, "sample", suite.clock, delivery)
        assert relay.step()
        relay.stop()
        for _ in range(5):
            consumer.step()
    assert heard(suite["listener"]) == {"a": 1}
    assert suite.unfinished() == {}


def test_anothers_event_under_ones_own_name_is_parked_not_applied(listener: ServiceHarness, site: Site) -> None:
    forged, event_id = wire(counted("forged"), listener.clock.now())
    nobodys, _ = wire(counted("nobodys"), listener.clock.now())
    true, _ = wire(counted("true"), listener.clock.now())
    with closing(EventConsumer(site.url("listener"), "listener", [Counted.TYPE], listener.inbox)) as consumer:
        consumer.step()
        site.publish("billing", SMUGGLED, b"[" + forged + b"]", user_id=broker_user("billing"))
        site.publish("billing", SMUGGLED, b"[" + nobodys + b"]")
        site.publish("sample", Counted.TYPE, b"[" + true + b"]", user_id=broker_user("sample"))
        for _ in range(5):
            consumer.step()
        assert heard(listener) == {"true": 1}
        groups = listener.client("ops:read").get("/ops/parked").get_json()["items"]
        assert sorted(group["fingerprint"] for group in groups) == ["Forged billing", "Forged somebody"]
        # The forgery keeps the true event of the same id out no more than it was let in.
        site.publish("sample", Counted.TYPE, b"[" + forged + b"]", user_id=broker_user("sample"))
        for _ in range(5):
            consumer.step()
    assert heard(listener) == {"true": 1, "forged": 1}
    assert event_id


def test_a_forgery_without_a_bundle_is_not_let_in_by_a_replay(listener: ServiceHarness, site: Site) -> None:
    forged, event_id = wire(counted("forged"), listener.clock.now())
    with closing(EventConsumer(site.url("listener"), "listener", [Counted.TYPE], listener.inbox)) as consumer:
        consumer.step()
        site.publish("billing", SMUGGLED, forged, user_id=broker_user("billing"))
        for _ in range(3):
            consumer.step()
        (group,) = listener.client("ops:read").get("/ops/parked").get_json()["items"]
        assert group["fingerprint"] == "BrokenBundle"
        answer = listener.client("ops:write").post("/ops/parked/replay", {"fingerprint": "BrokenBundle"})
        assert (answer.status_code, answer.get_json()["type"]) == (409, "/problems/forged-event")
        listener.inbox.retry_due(at_once=True)
        assert heard(listener) == {}
        site.publish("sample", Counted.TYPE, b"[" + forged + b"]", user_id=broker_user("sample"))
        for _ in range(3):
            consumer.step()
    assert heard(listener) == {"forged": 1}
    assert event_id


def test_the_broker_itself_refuses_anothers_key_and_anothers_name(listener: ServiceHarness, site: Site) -> None:
    raw, _ = wire(counted("x"), listener.clock.now())
    with pytest.raises(Transport.channel_errors, match=REFUSED):
        site.publish("billing", Counted.TYPE, b"[" + raw + b"]")
    with pytest.raises(Transport.channel_errors, match="406"):
        site.publish("billing", SMUGGLED, b"[" + raw + b"]", user_id=broker_user("sample"))


def test_a_service_reads_and_writes_no_queue_but_its_own(site: Site) -> None:
    def refused(action: str) -> bool:
        with Connection(site.url("billing")) as connection, suppress(OSError):
            channel = connection.channel()
            act = {
                "get": lambda: channel.basic_get(queue_name("payments")),
                "consume": lambda: channel.basic_consume(queue_name("payments")),
                "purge": lambda: channel.queue_purge(queue_name("payments")),
                "delete": lambda: channel.queue_delete(queue_name("payments")),
                "bind": lambda: channel.queue_bind(queue_name("payments"), EXCHANGE, "billing.#"),
                "delete exchange": lambda: channel.exchange_delete(EXCHANGE),
                "own": lambda: channel.basic_consume(queue_name("billing")),
            }[action]
            try:
                act()
            except Transport.channel_errors as error:
                return REFUSED in str(error)
        return False

    assert [
        action for action in ("get", "consume", "purge", "delete", "bind", "delete exchange") if not refused(action)
    ] == []
    assert not refused("own")
    with Connection(site.url("billing"), transport_options={"confirm_publish": True}) as connection:
        channel = connection.channel()
        with pytest.raises(Transport.channel_errors, match=REFUSED):
            channel.basic_publish(channel.prepare_message(b"[]"), "", queue_name("payments"))


def test_where_all_share_one_user_the_envelopes_source_decides(
    listener: ServiceHarness, rabbitmq: LocalRabbitMQ
) -> None:
    name = f"shared-{uuid4().hex[:8]}"
    true, _ = wire(counted("true"), listener.clock.now())
    with (
        closing(EventConsumer(rabbitmq.url, name, [Counted.TYPE], listener.inbox)) as consumer,
        closing(BrokerDelivery(rabbitmq.url, "sample")) as delivery,
    ):
        consumer.step()
        delivery.deliver([Bundle(Counted.TYPE, None, uuid7(), [true], [])])
        for _ in range(3):
            consumer.step()
    assert heard(listener) == {"true": 1}


def test_only_the_operator_moves_dead_messages_and_they_keep_their_sender(listener: ServiceHarness, site: Site) -> None:
    true, _ = wire(counted("true"), listener.clock.now())
    with closing(EventConsumer(site.url("listener"), "listener", [Counted.TYPE], listener.inbox)) as consumer:
        consumer.step()
        consumer.close()
        own = {"transport_options": {"confirm_publish": True}}
        with Connection(site.url("listener"), **own) as connection, connection.channel() as channel:
            message = channel.prepare_message(b"[" + true + b"]", content_type=CONTENT_TYPE, content_encoding="binary")
            channel.basic_publish(message, DEAD_EXCHANGE, "listener")
        with pytest.raises(dead.BrokerSilent, match=REFUSED):
            dead.move_back(site.url("listener"), "listener", None, "cli:test")
        assert len(dead.move_back(site.url(OPERATOR), "listener", None, "cli:test")) == 1
        for _ in range(3):
            consumer.step()
    assert heard(listener) == {}, "the sender is not the publisher, and is believed no more for having died"
    assert [row["fingerprint"].split()[0] for row in listener.unfinished()] == ["Forged"]
