"""What jobs leave behind: a row for each bout of work, a row for each failure, when each job was last seen."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from billhook_common.clock import FixedClock
from billhook_common.db import Lease
from billhook_common.events.handlers import Context
from billhook_common.events.retention import retention_job
from billhook_common.figures import DatabaseFigures, Source
from billhook_common.jobs import Job, job
from billhook_common.testing import ServiceHarness
from billhook_common.worker import Member, job_step

pytestmark = pytest.mark.integration


@pytest.fixture
def stepping(harness: ServiceHarness) -> Iterator[Callable[[Job], Callable[[], bool]]]:
    leases: list[Lease] = []

    def make(item: Job) -> Callable[[], bool]:
        leases.append(Lease(harness.database, f"job:{item.name}"))
        member = Member(harness.service, harness.config, harness.database, harness.inbox)
        return job_step(item, member, leases[-1], harness.clock)

    yield make
    for lease in leases:
        lease.release()


def _runs(harness: ServiceHarness) -> list[dict[str, Any]]:
    answer = harness.client("ops:read").get("/ops/jobs/runs")
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.get_json()["items"]
    times = ("started_at", "ended_at")
    return [row | {name: dt.datetime.fromisoformat(row[name]) for name in times} for row in rows]


def _seen(harness: ServiceHarness, name: str) -> dict[str, Any]:
    [found] = [row for row in harness.client("ops:read").get("/ops/jobs").get_json()["items"] if row["job"] == name]
    return dict(found)


def test_steps_that_follow_each_other_are_one_row_and_idle_ones_none(harness: ServiceHarness, stepping: Any) -> None:
    todo = [True, True, False, False, True, False]

    @job(every_seconds=1)
    def sweep(ctx: Context) -> bool:
        harness.clock.advance(dt.timedelta(seconds=2))
        return todo.pop(0)

    step = stepping(sweep)
    assert [step() for _ in range(6)] == [True, True, False, False, True, False]

    second, first = _runs(harness)
    assert (first["outcome"], first["steps"], second["steps"]) == ("worked", 2, 1)
    assert first["ended_at"] - first["started_at"] == dt.timedelta(seconds=4)
    assert first["pid"] and first["host"] and first["correlation_id"]


def test_a_failure_is_kept_once_with_a_count_and_without_what_people_wrote(
    harness: ServiceHarness, stepping: Any
) -> None:
    outcomes = [ValueError("Jana Nováková"), ValueError("Jana Nováková"), KeyError("x"), None]

    @job(every_seconds=1)
    def sweep(ctx: Context) -> bool:
        error = outcomes.pop(0)
        if error is not None:
            raise error
        return False

    step = stepping(sweep)
    for expected in (ValueError, ValueError, KeyError):
        harness.clock.advance(dt.timedelta(minutes=5))
        with pytest.raises(expected):
            step()
    rows = _runs(harness)
    assert [(row["outcome"], row["error"], row["steps"]) for row in rows] == [
        ("failed", "KeyError", 1), ("failed", "ValueError", 2),
    ]  # fmt: skip
    seen = _seen(harness, "sweep")
    assert seen["failed_at"] and not seen["well_at"]
    assert (seen["state"], seen["error"]) == ("failing", "KeyError")
    assert seen["state"] == "failing"
    source = Source("sample", harness.config.database_url, ["sweep"])
    figures = {
        (sample.name, sample.labels.get("job_name")): sample.value
        for family in DatabaseFigures([source]).collect()
        for sample in family.samples
    }
    assert figures["billhook_job_failing_seconds", "sweep"] > 0

    harness.clock.advance(dt.timedelta(seconds=1))
    step()
    assert _seen(harness, "sweep")["state"] == "well"
    failed = harness.client("ops:read").get("/ops/jobs/runs", outcome="failed", job="sweep").get_json()["items"]
    assert [row["error"] for row in failed] == ["KeyError", "ValueError"]
    assert harness.client("billing:read").get("/ops/jobs").status_code == 403
    assert harness.client("ops:read").get("/ops/jobs/runs", outcome="odd").status_code == 422


def test_a_database_that_is_away_is_no_failure_of_the_job(harness: ServiceHarness, stepping: Any) -> None:
    @job(every_seconds=1)
    def sweep(ctx: Context) -> bool:
        raise OperationalError("SELECT 1", None, Exception("gone"))

    with pytest.raises(OperationalError):
        stepping(sweep)()
    assert _runs(harness) == []


def test_what_a_step_did_and_its_line_are_one_transaction(harness: ServiceHarness, stepping: Any) -> None:
    @job(every_seconds=1)
    def sweep(ctx: Context) -> bool:
        ctx.session.execute(select(1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stepping(sweep)()
    assert [row["outcome"] for row in _runs(harness)] == ["failed"]


def _daily(days: list[dt.date], clock: FixedClock, at: dt.time) -> Job:
    @job(daily_at=at)
    def nightly(ctx: Context) -> bool:
        days.append(clock.today())
        return len(days) % 2 == 1  # two steps a day

    return nightly


def test_a_daily_job_runs_once_a_day_to_its_end_and_catches_a_missed_day_up_once(
    harness: ServiceHarness, stepping: Any
) -> None:
    days: list[dt.date] = []
    step = stepping(_daily(days, harness.clock, dt.time(3, 30)))

    def pass_hours(hours: int) -> None:
        for _ in range(hours):
            harness.clock.advance(dt.timedelta(hours=1))
            while step():
                pass

    assert step() is False, "the day on which it is installed is over at half past three"
    pass_hours(16)
    assert days == []
    pass_hours(24)
    assert days == [dt.date(2026, 11, 25)] * 2

    harness.clock.advance(dt.timedelta(days=3))  # nobody worked
    while step():
        pass
    assert days[2:] == [harness.clock.today()] * 2
    done = len(days)
    pass_hours(1)
    assert len(days) == done


@pytest.mark.parametrize("jump", [dt.timedelta(hours=2), dt.timedelta(hours=-2)])
def test_a_clock_that_jumps_brings_no_second_run_and_loses_none(
    harness: ServiceHarness, stepping: Any, jump: dt.timedelta
) -> None:
    days: list[dt.date] = []
    step = stepping(_daily(days, harness.clock, dt.time(12, 0)))
    step()
    harness.clock.set(dt.datetime(2026, 11, 25, 11, 30, tzinfo=dt.UTC))  # half past twelve in Prague
    while step():
        pass
    assert len(days) == 2
    harness.clock.advance(jump)
    while step():
        pass
    harness.clock.advance(-jump)
    while step():
        pass
    assert len(days) == 2
    harness.clock.set(dt.datetime(2026, 11, 26, 11, 30, tzinfo=dt.UTC))
    while step():
        pass
    assert len(days) == 4


def test_a_job_says_how_often_it_runs_while_the_service_has_it(harness: ServiceHarness, stepping: Any) -> None:
    @job(every_seconds=5)
    def of_an_earlier_release(ctx: Context) -> bool:
        return False

    step = stepping(retention_job())
    while step():
        pass
    stepping(of_an_earlier_release)()
    assert (_seen(harness, "forget_old_rows")["every_seconds"], _seen(harness, "forget_old_rows")["next_at"]) == (
        3600, None,
    )  # fmt: skip
    former = _seen(harness, "of_an_earlier_release")
    assert (former["every_seconds"], former["next_at"], former["error"]) == (None, None, None)


def test_a_service_says_which_release_runs_and_whether_it_is_ready(harness: ServiceHarness) -> None:
    release = harness.client("ops:read").get("/ops/release")
    assert release.get_json() == {"service": "sample", "version": harness.service.version, "migrated": True}
    with harness.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'an earlier one'"))
    assert harness.client("ops:read").get("/ops/release").get_json()["migrated"] is False
    assert harness.client("billing:read").get("/ops/release").status_code == 403
