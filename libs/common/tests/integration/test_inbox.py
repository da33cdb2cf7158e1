"""The inbox: one effect an event, bad events apart, nothing thrown away (G3, G7, G8)."""

import dataclasses
import datetime as dt
import random
from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from billhook_common.db import Database
from billhook_common.errors import NotFound
from billhook_common.events.inbox import Inbox
from billhook_common.ids import uuid7
from billhook_common.operations import parked
from billhook_common.tables import inbox
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
        assert parked.replay(session, listener.clock, parked.Chosen(event_id=event_id)) == 1
        with pytest.raises(NotFound):
            parked.replay(session, listener.clock, parked.Chosen(event_id=uuid7()))
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
        b'{"specversion": "1.0", "id": "01935b6a-0000-7000-8000-000000000001"}',
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


def test_waiting_long_is_no_failure(listener: ServiceHarness) -> None:
    (event_id,) = listener.deliver(counted("wait-poison"))
    for _ in range(8):
        listener.clock.advance(dt.timedelta(hours=2))
        listener.inbox.retry_due()
    with listener.session() as session:
        # What it waited for is here, and now it cannot be applied: the first failure of its own.
        session.execute(update(inbox).where(inbox.c.event_id == event_id).values(payload=_poison(session, event_id)))
    listener.clock.advance(dt.timedelta(hours=2))
    listener.inbox.retry_due()
    (row,) = listener.unfinished()
    assert (row["state"], row["fingerprint"].split()[0]) == ("failed", "ValueError")


def test_what_can_no_longer_be_read_is_parked_and_holds_up_nobody(listener: ServiceHarness) -> None:
    listener.deliver(counted("wait-1"))
    with listener.session() as session:
        session.execute(
            insert(inbox).values(
                event_id=uuid7(), type="x", state="failed", received_at=listener.clock.now(), attempts=1,
                next_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC), payload=b"{}",
            )
        )  # fmt: skip
    listener.deliver(counted("gate"))
    listener.clock.advance(dt.timedelta(hours=2))
    assert listener.inbox.retry_due() == 1
    assert [row["state"] for row in listener.unfinished()] == ["parked"]
    assert values(listener) == {"gate": 1, "wait-1": 1}


def test_a_statement_that_takes_too_long_holds_up_nobody(listener: ServiceHarness) -> None:
    with listener.database.engine.connect() as connection, connection.begin():
        # The lock makes the handler of this event wait until its time is over.
        connection.execute(text("INSERT INTO counter VALUES (gen_random_uuid(), 'slow', 1)"))
        fast = Inbox(
            Database(dataclasses.replace(listener.config, statement_timeout_ms=300)),
            listening, listener.clock, listener.config,
        )  # fmt: skip
        raws = [wire(counted(name), listener.clock.now())[0] for name in ("a", "slow", "b")]
        fast.accept(raws)
    fast.database.close()
    assert {"a", "b"} <= values(listener).keys()
    (row,) = listener.unfinished()
    assert row["state"] == "failed"


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000])
def test_a_hundred_thousand_brackets_are_parked(listener: ServiceHarness, raw: bytes) -> None:
    listener.inbox.accept([raw])
    assert [row["state"] for row in listener.unfinished()] == ["parked"]


def test_a_type_with_a_nul_is_parked(listener: ServiceHarness) -> None:
    raw, _ = wire(counted("a"), listener.clock.now())
    listener.inbox.accept([raw.replace(b"sample.counter.counted.v1", b"x\\u0000y")])
    assert [row["state"] for row in listener.unfinished()] == ["parked"]


def _poison(session: Session, event_id: UUID) -> bytes:
    payload = session.execute(select(inbox.c.payload).where(inbox.c.event_id == event_id)).scalar_one()
    return payload.replace(b"wait-poison", b"poison")
