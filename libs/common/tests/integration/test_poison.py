"""Poison of every kind, over both transports (F11): the others flow, it is seen at once, a replay has one effect."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from kombu import Connection
from sqlalchemy import select

from billhook_common.events import Context, Event, Handlers
from billhook_common.events.broker import BrokerDelivery, dead_queue_name, queue_name
from billhook_common.events.consumer import EventConsumer
from billhook_common.events.relay import Bundle, Delivery, DirectDelivery
from billhook_common.ids import uuid7
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import wire
from billhook_common.testing.sample import Counted, count_along, sample_service
from billhook_common.testing.sample import Counter as CounterRow

pytestmark = pytest.mark.integration


@dataclass
class Mouth:
    """A listener at the end of a transport; ``mended`` is whether its defect is."""

    mended: bool = False
    direct: bool = True
    handles: Handlers = field(default_factory=Handlers)
    harness: ServiceHarness = field(init=False)
    delivery: Delivery = field(init=False)
    taste: Callable[[], object] = field(init=False)

    def __post_init__(self) -> None:
        self.handles(Counted)(self.count)

    def count(self, ctx: Context, event: Event[Counted]) -> None:
        """``always`` fails until the defect is mended."""
        if event.data.name == "always" and not self.mended:
            raise ValueError("a defect")
        count_along(ctx, event)

    def feed(self, *bodies: bytes) -> None:
        """Send each body in a message of its own, and take in what arrives."""
        self.delivery.deliver([Bundle(Counted.TYPE, None, uuid7(), [body], []) for body in bodies])
        for _ in range(3):
            self.taste()

    def heard(self) -> dict[str, int]:
        with self.harness.session() as session:
            return {name: value for name, value in session.execute(select(CounterRow.name, CounterRow.value))}

    def groups(self, state: str = "parked") -> dict[str, int]:
        items = self.harness.client("ops:read").get("/ops/parked", state=state).get_json()["items"]
        kinds: Counter[str] = Counter()
        for group in items:
            kinds[group["fingerprint"].split()[0]] += group["count"]
        return dict(kinds)


@pytest.fixture(params=["direct", pytest.param("rabbitmq", marks=pytest.mark.broker)])
def mouth(request: pytest.FixtureRequest, databases: TestDatabases) -> Iterator[Mouth]:
    item = Mouth()
    name = f"mouth-{uuid4().hex[:8]}"
    service = sample_service(name, item.handles)
    dsn = databases.create(service)
    with ExitStack() as stack:
        item.harness = stack.enter_context(closing(ServiceHarness(service, dsn)))
        item.direct = request.param == "direct"
        if item.direct:
            item.delivery = DirectDelivery([item.harness.inbox])
            item.taste = lambda: None
        else:
            url = request.getfixturevalue("rabbitmq").url
            stack.callback(forget_queues, url, name)
            consumer = stack.enter_context(closing(EventConsumer(url, name, [Counted.TYPE], item.harness.inbox)))
            consumer.step()
            item.delivery = stack.enter_context(closing(BrokerDelivery(url, "sample")))
            item.taste = consumer.step
        yield item
    databases.drop(dsn)


def forget_queues(url: str, name: str) -> None:
    with Connection(url) as connection, connection.channel() as channel:
        for queue in (queue_name(name), dead_queue_name(name)):
            channel.queue_delete(queue)


def raw(mouth: Mouth, name: str) -> bytes:
    return wire(Counted(counter_id=uuid7(), name=name, step=1), mouth.harness.clock.now())[0]


def changed(body: bytes, **change: Any) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(body), **change})


def test_poison_of_every_kind_stops_nobody_and_is_seen_at_once(mouth: Mouth) -> None:
    newer = changed(raw(mouth, "newer"), type="sample.counter.counted.v2")
    poison = [
        b'{"broken": ',
        b"\xff\xfe",
        changed(raw(mouth, "x"), type="sample.counter.vanished.v1"),
        newer,
        changed(raw(mouth, "x"), specversion="2.0"),
        changed(raw(mouth, "x"), data={"counter_id": 1}),
        changed(raw(mouth, "x"), source="billing"),
        raw(mouth, "x" * 5_000_000),
        raw(mouth, "always"),
    ]
    good = [raw(mouth, f"good-{number}") for number in range(len(poison))]
    mouth.feed(*(body for pair in zip(poison, good, strict=True) for body in pair))
    assert mouth.heard() == {f"good-{number}": 1 for number in range(len(poison))}
    # Over a broker the first two are messages that cannot be taken apart.
    unread = {"Undecodable": 3} if mouth.direct else {"Undecodable": 1, "BrokenBundle": 2}
    assert mouth.groups() == {**unread, "UnknownType": 2, "UnreadableData": 1, "Forged": 1, "TooLarge": 1}
    assert mouth.groups("failed") == {"ValueError": 1}


def test_a_replay_after_the_fix_has_one_effect_whatever_comes_again(mouth: Mouth) -> None:
    always = raw(mouth, "always")
    mouth.feed(always, raw(mouth, "well"))
    for _ in range(6):
        mouth.harness.inbox.retry_due(at_once=True)
    assert mouth.groups() == {"ValueError": 1}
    mouth.feed(always)
    mouth.mended = True
    fingerprint = mouth.harness.client().get("/ops/parked").get_json()["items"][0]["fingerprint"]
    answer = mouth.harness.client().post("/ops/parked/replay", {"fingerprint": fingerprint})
    assert answer.get_json() == {"replayed": 1}
    mouth.feed(always)
    mouth.harness.inbox.retry_due()
    mouth.feed(always)
    assert mouth.heard() == {"always": 1, "well": 1}
    assert mouth.harness.unfinished() == []
