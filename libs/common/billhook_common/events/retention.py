"""What is kept for how long: the event log, the inbox's memory, stored answers, sent mail."""

import datetime as dt

from sqlalchemy import text

from billhook_common.events.handlers import Context
from billhook_common.jobs import job

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
BATCH_ROWS = 10_000

_OLD = {
    "outbox": ("seq", "published_at < :before", OUTBOX_DAYS),
    "mail": ("id", "state IN ('sent', 'failed') AND created_at < :before", MAIL_DAYS),
    "inbox": ("event_id", "state IN ('done', 'discarded') AND received_at < :before", INBOX_DAYS),
    "job_run": ("id", "ended_at < :before", JOB_DAYS),
    "idempotent_answer": ("ctid", "created_at < :before", ANSWER_DAYS),
}


@job(every_seconds=3600)
def forget_old_rows(ctx: Context) -> bool:
    """Delete one batch of each; True while there may be more."""
    more = False
    for table, (key, condition, days) in _OLD.items():
        before = ctx.clock.now() - dt.timedelta(days=days)
        statement = text(
            f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {condition} LIMIT :most)"  # noqa: S608  (constants of this module)
        )
        deleted = ctx.session.connection().execute(statement, {"before": before, "most": BATCH_ROWS}).rowcount
        more = more or deleted == BATCH_ROWS
    return more
