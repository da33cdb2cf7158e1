"""The worker's loops: a hung step is noticed, a waiting loop is well, old rows are forgotten."""

import datetime as dt
import threading

import pytest
from sqlalchemy import func, insert, select, update

from billhook_common.events.handlers import Context
from billhook_common.tables import answer, inbox, outbox
from billhook_common.testing import ServiceHarness
from billhook_common.testing.harness import forget_all
from billhook_common.worker import Loop

pytestmark = pytest.mark.integration


def test_a_loop_that_waits_for_a_day_is_not_stuck() -> None:
    stop, stepped = threading.Event(), threading.Event()
    loop = Loop("daily", lambda: stepped.set() or False, 86_400, stop)  # type: ignore[func-returns-value]
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert stepped.wait(10)
    while loop.busy_since is not None:
        pass
    loop.longest_seconds = 0
    assert not loop.is_stuck()
    stop.set()
    thread.join(10)


def test_a_step_that_does_not_end_is_stuck() -> None:
    stop, entered, leave = threading.Event(), threading.Event(), threading.Event()

    def step() -> bool:
        entered.set()
        leave.wait(10)
        return False

    loop = Loop("hung", step, 1, stop, longest_seconds=0)
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert entered.wait(10)
    assert loop.is_stuck()
    stop.set()
    leave.set()
    thread.join(10)


def test_what_is_older_than_promised_is_forgotten_and_nothing_else(harness: ServiceHarness) -> None:
    harness.client().post("/counters", {"name": "a"}, key="k1")
    harness.client().post("/counters", {"name": "b"}, key="k2")
    now = harness.clock.now()
    with harness.session() as session:
        session.execute(update(outbox).values(published_at=now))
        session.execute(
            insert(inbox),
            [
                {"event_id": "01935b6a-0000-7000-8000-000000000001", "type": "x", "state": "done", "received_at": now},
                {
                    "event_id": "01935b6a-0000-7000-8000-000000000002",
                    "type": "x",
                    "state": "parked",
                    "received_at": now,
                },
            ],
        )

    def left() -> tuple[int, ...]:
        with harness.session() as session:
            forget_all(Context(session, harness.clock, harness.config))
            return tuple(
                session.scalars(select(func.count()).select_from(table)).one() for table in (answer, outbox, inbox)
            )

    harness.clock.advance(dt.timedelta(days=6))
    assert left() == (2, 2, 2)
    harness.clock.advance(dt.timedelta(days=2))
    assert left() == (0, 2, 2)
    harness.clock.advance(dt.timedelta(days=28))
    assert left() == (0, 0, 2)
    harness.clock.advance(dt.timedelta(days=10))
    assert left() == (0, 0, 1)
