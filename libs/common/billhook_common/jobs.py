"""Jobs: what runs on the clock. One step is one transaction, under a lease, so replicas are safe."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from billhook_common.events.handlers import Context

JobFunction = Callable[[Context], bool]
DAILY_LOOK_SECONDS = 30.0
RARE_SECONDS = 3600.0
"""Each step of a job that runs at most once an hour is worth a line in the history."""


@dataclass(frozen=True, slots=True)
class Job:
    """A function called every ``every_seconds``; True from it means: again at once.

    With ``daily_at``, a time of day where the operator is, it is called until it returns False once a day. A day on
    which no worker ran is caught up once, when one runs again. A step that takes more than ``longest_seconds`` is
    taken for hung, and its process ends.
    """

    name: str
    function: JobFunction
    every_seconds: float
    longest_seconds: float = 90.0
    daily_at: dt.time | None = None

    @property
    def is_rare(self) -> bool:
        """Whether each of its steps is noted, also one that found nothing to do."""
        return self.daily_at is not None or self.every_seconds >= RARE_SECONDS


def job(
    *, every_seconds: float = 0, daily_at: dt.time | None = None, longest_seconds: float = 90.0
) -> Callable[[JobFunction], Job]:
    """Make the decorated function a job."""
    assert (every_seconds > 0) != (daily_at is not None), "a job is either daily or runs every so many seconds"

    def make(function: JobFunction) -> Job:
        pause = DAILY_LOOK_SECONDS if daily_at is not None else every_seconds
        return Job(function.__name__, function, pause, longest_seconds, daily_at)

    return make


def latest_day(now: dt.datetime, at: dt.time, zone: str) -> dt.date:
    """The latest day whose ``at``, a time of day in ``zone``, has come.

    A time that a change of the clocks leaves out comes as much later; of one that comes twice the first counts.
    """
    local = ZoneInfo(zone)
    day = now.astimezone(local).date()
    comes = dt.datetime.combine(day, at, tzinfo=local).astimezone(dt.UTC)
    return day if now >= comes else day - dt.timedelta(days=1)


def next_due(job: Job, done: dt.date | None, zone: str) -> dt.datetime | None:
    """When a daily job runs next, ``done`` being the latest day whose run is done; past when one was missed."""
    if job.daily_at is None or done is None:
        return None
    day = done + dt.timedelta(days=1)
    return dt.datetime.combine(day, job.daily_at, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
