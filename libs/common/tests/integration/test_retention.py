"""Retention: old rows are found by an index, and a table that fails keeps no other from being cleared."""

import datetime as dt

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from billhook_common.events.handlers import Context
from billhook_common.events.retention import BATCH_ROWS, STATEMENTS, retention_job
from billhook_common.tables import job_run, outbox
from billhook_common.testing import ServiceHarness
from billhook_common.testing.harness import START, forget_all

pytestmark = pytest.mark.integration

ROWS = 60_000
_FILL = {
    "outbox": "(id, type, subject, occurred_at, published_at, data) "
    "SELECT gen_random_uuid(), 'x', gen_random_uuid(), moment, moment, '{}'",
    "inbox": "(event_id, type, state, received_at) SELECT gen_random_uuid(), 'x', 'done', moment",
    "mail": "(id, template, recipient, recipient_name, secret, state, created_at, queued_at, next_at, attempts) "
    "SELECT gen_random_uuid(), 'x', 'x', 'x', false, 'sent', moment, moment, moment, 1",
    "job_run": "(id, job, started_at, ended_at, outcome, steps, host, pid) "
    "SELECT gen_random_uuid(), 'x', moment, moment, 'worked', 1, 'x', 1",
    "idempotent_answer": "(caller, key, request_hash, created_at) SELECT 'x', gen_random_uuid()::text, 'x', moment",
}


def fill(harness: ServiceHarness, table: str, rows: int, oldest_days: float) -> None:
    """Rows one after another from so many days ago until now."""
    with harness.session() as session:
        session.execute(
            text(
                f"INSERT INTO {table} {_FILL[table]} FROM generate_series(1, :rows) AS number, "
                "LATERAL (SELECT CAST(:now AS timestamptz) - (:days * (:rows - number) / :rows) * interval '1 day') "
                "AS at(moment)"
            ),
            {"rows": rows, "now": START, "days": oldest_days},
        )


@pytest.mark.parametrize("table", sorted(_FILL))
def test_no_table_is_read_whole_for_its_old_rows(harness: ServiceHarness, table: str) -> None:
    fill(harness, table, ROWS, oldest_days=5)
    with harness.session() as session:
        session.execute(text(f"ANALYZE {table}"))
        values = {"before": START - dt.timedelta(days=30), "most": BATCH_ROWS}
        plan = "\n".join(session.scalars(text(f"EXPLAIN {STATEMENTS[table]}"), values))
    assert "Seq Scan" not in plan, plan


def test_the_log_is_cleared_from_its_beginning_to_the_first_row_that_stays(harness: ServiceHarness) -> None:
    fill(harness, "outbox", 100, oldest_days=70)
    with harness.session() as session:
        first = session.scalar(select(func.min(outbox.c.seq)))
        assert first is not None
        session.execute(outbox.update().where(outbox.c.seq == first + 20).values(published_at=None))
        forget_all(Context(session, harness.clock, harness.config))
        assert session.scalar(select(func.min(outbox.c.seq))) == first + 20
        session.execute(outbox.update().where(outbox.c.seq == first + 20).values(published_at=START))
        session.execute(outbox.delete().where(outbox.c.seq == first + 20))
        forget_all(Context(session, harness.clock, harness.config))
        left = session.execute(select(func.count(), func.min(outbox.c.published_at))).one()
    assert 50 <= left[0] < 55
    assert left[1] >= START - dt.timedelta(days=35)


def test_a_table_that_fails_keeps_no_other_from_being_cleared(harness: ServiceHarness) -> None:
    fill(harness, "outbox", 10, oldest_days=400)
    fill(harness, "job_run", 10, oldest_days=4000)
    with harness.session() as session:
        session.execute(text("ALTER TABLE outbox RENAME TO outbox_away"))
    job, again, failures = retention_job(), True, 0
    while again:
        try:
            with harness.session() as session:
                again = job.function(Context(session, harness.clock, harness.config))
        except DBAPIError:
            failures += 1
    assert failures == 1
    with harness.session() as session:
        session.execute(text("ALTER TABLE outbox_away RENAME TO outbox"))
        assert session.scalar(select(func.count()).select_from(job_run)) == 1
