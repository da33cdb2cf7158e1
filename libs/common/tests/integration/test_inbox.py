"""The inbox: one effect an event, bad events apart, nothing thrown away (G3, G7, G8)."""

import datetime as dt
import random
from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import select

from billhook_common.events import inbox as inbox_module
from billhook_common.ids import uuid7
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import wire
from billhook_common.testing.sample import Counted, Counter, listening, sample_service

pytestmark = pytest.mark.integration


@pytest.fixture
def listener(databases: TestDatabases) -> Iterator[ServiceHarness]:
    service = sample_service("listener", listening)
    harness = ServiceHarness(service, databases.create(service))
    yield harness
    harness.close()


def values(harness: ServiceHarness) -> dict[str, int]:
    with harness.session() as session:
        return {name: value for name, value in session.execute(select(Counter.name, Counter.value))}


def counted(name: str, step: int = 1) -> Counted:
    return Counted(counter_id=uuid7(), name=name, step=step)


def test_duplicates_have_one_effect_within_a_batch_and_across(listener: ServiceHarness) -> None:
    raw, _ = wire(counted("a"), listener.clock.now())
    other, _ = wire(counted("b"), listener.clock.now())
    listener.inbox.accept([raw, other, raw])
    listener.inbox.accept([other, raw])
    assert values(listener) == {"a": 1, "b": 1}


def test_one_poison_in_two_hundred_does_not_stop_the_others(listener: ServiceHarness) -> None:
    raws = [
        wire(counted("poison" if number == 137 else f"c{number}"), listener.clock.now())[0] for number in range(200)
    ]
    listener.inbox.accept(raws)
    assert len(values(listener)) == 199
    (bad,) = listener.unfinished()
    assert bad["state"] == "failed"
    assert bad["fingerprint"].startswith("ValueError")


def test_what_keeps_failing_is_parked_and_can_be_replayed(listener: ServiceHarness) -> None:
    (event_id,) = listener.deliver(counted("poison"))
    for _ in range(6):
        listener.clock.advance(dt.timedelta(hours=8))
        listener.inbox.retry_due()
    assert [row["state"] for row in listener.unfinished()] == ["parked"]
    with listener.session() as session:
        assert inbox_module.replay_parked(session, listener.clock, event_id)
        assert not inbox_module.replay_parked(session, listener.clock, uuid7())
    assert [row["state"] for row in listener.unfinished()] == ["failed"]


def test_an_event_that_came_too_early_waits_without_counting_as_a_failure(listener: ServiceHarness) -> None:
    listener.deliver(counted("wait-1"))
    for _ in range(12):
        listener.clock.advance(dt.timedelta(hours=2))
        assert listener.inbox.retry_due() == 0
    assert [row["state"] for row in listener.unfinished()] == ["failed"]
    listener.deliver(counted("gate"))
    listener.clock.advance(dt.timedelta(hours=2))
    assert listener.inbox.retry_due() == 1
    assert values(listener) == {"gate": 1, "wait-1": 1}
    assert listener.unfinished() == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"id": "not-a-uuid"}',
        msgspec.json.encode({"specversion": "1.0", "id": str(uuid7())}),
    ],
)
def test_bytes_that_are_no_event_are_parked_at_once(listener: ServiceHarness, raw: bytes) -> None:
    listener.inbox.accept([raw, raw])
    (parked,) = listener.unfinished()
    assert (parked["state"], parked["fingerprint"]) == ("parked", "Undecodable")


@pytest.mark.parametrize(
    "change",
    [
        {"type": "sample.counter.counted.v2"},
        {"type": "sample.counter.vanished.v1"},
        {"source": "billing"},
        {"data": {"counter_id": "x"}},
        {"data": {"counter_id": str(uuid7()), "name": "a", "step": 1e309}},
        {"data": None},
    ],
)
def test_unknown_types_versions_shapes_and_publishers_are_parked(listener: ServiceHarness, change: dict) -> None:
    raw, _ = wire(counted("a"), listener.clock.now())
    forged = msgspec.json.encode({**msgspec.json.decode(raw), **change})
    good, _ = wire(counted("good"), listener.clock.now())
    listener.inbox.accept([forged, good])
    assert [row["state"] for row in listener.unfinished()] == ["parked"]
    assert values(listener) == {"good": 1}


def test_fields_that_are_not_known_here_are_ignored(listener: ServiceHarness) -> None:
    raw, _ = wire(counted("a"), listener.clock.now())
    document = msgspec.json.decode(raw)
    document["data"]["colour"] = "blue"
    document["newattribute"] = True
    listener.inbox.accept([msgspec.json.encode(document)])
    assert values(listener) == {"a": 1}


def test_any_order_and_repetition_gives_the_same_sums(listener: ServiceHarness) -> None:
    counter = uuid7()
    raws = [wire(Counted(counter_id=counter, name="x", step=step), listener.clock.now())[0] for step in range(1, 21)]
    schedule = raws * 3
    random.Random(7).shuffle(schedule)
    for start in range(0, len(schedule), 7):
        listener.inbox.accept(schedule[start : start + 7])
    assert values(listener) == {"x": sum(range(1, 21))}
