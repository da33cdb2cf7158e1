"""What is kept for how long: the event log, the inbox's memory, stored answers, sent mail."""

import datetime as dt

from sqlalchemy import text

from billhook_common.events.handlers import Context
from billhook_common.jobs import Job

OUTBOX_DAYS = 35
"""What was missed can be sent again from the log for so long."""
INBOX_DAYS = 45
"""Longer than any outbox, or an event sent again would have a second effect."""
ANSWER_DAYS = 7
"""A command repeated with its key gets the same answer for so long (G6)."""
MAIL_DAYS = 180
"""How long one can see which letters went to whom."""
JOB_DAYS = 90
"""What jobs did can be looked up for so long."""
BATCH_ROWS = 5_000

# Each finds its rows by an index. The log is read from its beginning up to the first row that has to stay.
_OLD = {
    "outbox": (
        "seq",
        "WITH lowest AS MATERIALIZED (SELECT seq, published_at FROM outbox ORDER BY seq LIMIT :most) "
        "SELECT seq FROM lowest WHERE seq < coalesce((SELECT min(seq) FROM lowest "
        "WHERE published_at IS NULL OR published_at >= :before), 9223372036854775807)",
        OUTBOX_DAYS,
    ),
    "mail": (
        "id",
        "SELECT id FROM mail WHERE state IN ('sent', 'failed') AND created_at < :before LIMIT :most",
        MAIL_DAYS,
    ),
    "inbox": (
        "event_id",
        "SELECT event_id FROM inbox WHERE state IN ('done', 'discarded') AND received_at < :before LIMIT :most",
        INBOX_DAYS,
    ),
    "job_run": ("id", "SELECT id FROM job_run WHERE ended_at < :before LIMIT :most", JOB_DAYS),
    "idempotent_answer": (
        "ctid",
        "SELECT ctid FROM idempotent_answer WHERE created_at < :before LIMIT :most",
        ANSWER_DAYS,
    ),
}
# An array, so that the rows are fetched by their key; IN may read the whole table instead.
STATEMENTS = {
    table: f"DELETE FROM {table} WHERE {key} = ANY(ARRAY({rows}))"  # noqa: S608  (constants of this module)
    for table, (key, rows, _) in _OLD.items()
}


def retention_job() -> Job:
    """The job that deletes old rows: a batch of one table a step, so that one that fails keeps no other from it."""
    waiting: list[str] = []

    def forget_old_rows(ctx: Context) -> bool:
        if not waiting:
            waiting.extend(reversed(_OLD))
        table = waiting.pop()
        values = {"before": ctx.clock.now() - dt.timedelta(days=_OLD[table][2]), "most": BATCH_ROWS}
        if ctx.session.connection().execute(text(STATEMENTS[table]), values).rowcount == BATCH_ROWS:
            waiting.append(table)
        return bool(waiting)

    return Job("forget_old_rows", forget_old_rows, every_seconds=3600)
