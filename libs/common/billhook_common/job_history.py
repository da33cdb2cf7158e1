"""What jobs did: a row for each bout of steps that worked or failed, and when each job was last seen."""

import datetime as dt
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.db import Database
from billhook_common.ids import uuid7
from billhook_common.jobs import Job, next_due
from billhook_common.tables import job_run, job_seen
from billhook_common.trace import current_trace

Outcome = Literal["worked", "failed"]
HOST = socket.gethostname()[:100]
ERROR_CHARACTERS = 500


@dataclass(slots=True)
class _Bout:
    """Steps of one outcome, one after the other, that share a row."""

    id: UUID
    outcome: Outcome
    error: str | None


class JobHistory:
    """One job's history, as one process writes it; a failure that repeats itself is one row with a count."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._bout: _Bout | None = None

    def note(self, session: Session, clock: Clock, began: dt.datetime, outcome: Outcome, error: str | None) -> None:
        """A step, in the transaction of its work; of one that failed, in one of its own."""
        now = clock.now()
        error = error[:ERROR_CHARACTERS] if error else None
        values: dict[str, Any] = {"ended_at": now, "correlation_id": current_trace().correlation_id or None}
        same = self._bout is not None and (self._bout.outcome, self._bout.error) == (outcome, error)
        found = None
        if same and self._bout is not None:
            statement = update(job_run).where(job_run.c.id == self._bout.id)
            found = session.execute(
                statement.values(steps=job_run.c.steps + 1, **values).returning(job_run.c.id)
            ).first()
        if found is None:
            self._bout = _Bout(uuid7(), outcome, error)
            session.execute(
                insert(job_run).values(
                    id=self._bout.id, job=self._job.name, started_at=began, outcome=outcome, steps=1,
                    error=error, host=HOST, pid=os.getpid(), **values,
                )
            )  # fmt: skip
        self.see(session, clock, failed=outcome == "failed")

    def pause(self) -> None:
        """There was nothing to do: what comes next is another bout. A failure goes on until a step goes well."""
        self._bout = None

    def see(self, session: Session, clock: Clock, *, failed: bool = False, day: dt.date | None = None) -> None:
        """The job looked for work just now, and for a daily one: it has done that ``day``'s."""
        now = clock.now()
        values: dict[str, Any] = {"seen_at": now, "failed_at" if failed else "well_at": now}
        if day is not None:
            values["done_day"] = day
        session.execute(
            upsert(job_seen)
            .values(job=self._job.name, first_at=now, **values)
            .on_conflict_do_update(index_elements=[job_seen.c.job], set_=values)
        )

    def done_day(self, session: Session) -> dt.date | None:
        """The latest day whose daily run is done; None for a job that was never seen."""
        return session.scalar(select(job_seen.c.done_day).where(job_seen.c.job == self._job.name))


def note_failure(database: Database, history: JobHistory, clock: Clock, began: dt.datetime, error: Exception) -> None:
    """Keep that a step failed; its own words may hold what people wrote, so only where it went wrong is kept."""
    with database.transaction() as session:
        history.note(session, clock, began, "failed", type(error).__name__)


def seen_jobs(session: Session, declared: Sequence[Job], zone: str) -> list[dict[str, Any]]:
    """When each job was last seen, went well and failed, how it fares, and how often it runs, by name.

    ``error`` is of the latest failure, while the job fails; ``next_at`` is when a daily one of those declared is due.
    """
    latest = (
        select(job_run.c.error)
        .where(job_run.c.job == job_seen.c.job, job_run.c.outcome == "failed")
        .order_by(job_run.c.ended_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(select(job_seen, latest.label("error")).order_by(job_seen.c.job)).all()
    jobs = {job.name: job for job in declared}
    return [_seen(dict(row._mapping), jobs.get(row.job), zone) for row in rows]


def _seen(row: dict[str, Any], job: Job | None, zone: str) -> dict[str, Any]:
    state = _state(row["well_at"], row["failed_at"])
    daily = job is not None and job.daily_at is not None
    return row | {
        "state": state,
        "error": row["error"] if state == "failing" else None,
        "every_seconds": job.every_seconds if job is not None and not daily else None,
        "next_at": next_due(job, row["done_day"], zone) if job is not None else None,
    }


def _state(well_at: dt.datetime | None, failed_at: dt.datetime | None) -> str:
    return "failing" if failed_at is not None and (well_at is None or failed_at > well_at) else "well"
