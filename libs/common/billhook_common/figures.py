"""Figures that are read from the databases and the broker: the worker exports them, since they are of all processes."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from billhook_common.db import CONNECTION
from billhook_common.logs import get_logger
from billhook_common.operations.messaging import SourceUnreadable, queue_lengths

log = get_logger()

BACKUP_STAMP = "last-backup"
"""In the data folder: when the latest backup was made, in seconds since 1970."""
_PATIENCE = "-c statement_timeout=5000 -c lock_timeout=1000 -c default_transaction_read_only=on"

FIGURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "billhook_database_up": ("1 while the service's database answers", ("service",)),
    "billhook_outbox_pending": ("Events that are not sent yet", ("service",)),
    "billhook_outbox_oldest_seconds": ("Age of the oldest event that is not sent; 0: none waits", ("service",)),
    "billhook_inbox_failed": ("Events that wait for another try", ("service",)),
    "billhook_inbox_failed_oldest_seconds": ("How long the oldest of them has waited; 0: none waits", ("service",)),
    "billhook_inbox_parked": ("Events that nobody tries any more", ("service",)),
    "billhook_dead_messages": ("Messages that the broker has given up", ("service",)),
    "billhook_job_silent_seconds": ("Time since a job last looked for work", ("service", "job_name")),
    "billhook_job_failing_seconds": (
        "Time since a job last went well, if it failed since; else 0",
        ("service", "job_name"),
    ),
    "billhook_disk_free_bytes": ("Room on the disk of the data folder", ()),
    "billhook_disk_bytes": ("Size of the disk of the data folder", ()),
    "billhook_backup_age_seconds": ("Time since the latest backup, or since the installation began", ()),
}
"""Name, what it says, labels."""

# Each part by its partial index: the tables themselves grow to many millions of rows.
EVENTS = """
SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL),
       (SELECT extract(epoch FROM now() - occurred_at) FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT 1),
       (SELECT count(*) FROM inbox WHERE state = 'failed'),
       (SELECT extract(epoch FROM now() - min(received_at)) FROM inbox WHERE state = 'failed'),
       (SELECT count(*) FROM inbox WHERE state = 'parked')
"""
_JOBS = """
SELECT job, extract(epoch FROM now() - seen_at),
       CASE WHEN failed_at > coalesce(well_at, '-infinity')
            THEN extract(epoch FROM now() - coalesce(well_at, first_at)) ELSE 0 END
FROM job_seen WHERE job = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A service's database, and the jobs that its worker runs."""

    service: str
    dsn: str
    jobs: Sequence[str]
    broker_url: str = ""


class DatabaseFigures(Collector):
    """Reads the figures when Prometheus asks; ``folder`` is the data folder of an embedded installation."""

    def __init__(self, sources: Sequence[Source], folder: str = "") -> None:
        self._sources = sources
        self._folder = Path(folder) if folder else None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The names, without asking a database."""
        return _families().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures; those of a database or broker that does not answer are left out."""
        families = _families()
        for source in self._sources:
            families["billhook_database_up"].add_metric([source.service], int(self._read(source, families)))
            if source.broker_url:
                with suppress(SourceUnreadable):
                    _, dead = queue_lengths(source.broker_url, source.service)
                    families["billhook_dead_messages"].add_metric([source.service], dead)
        if self._folder is not None:
            _measure_folder(self._folder, families)
        yield from families.values()

    def _read(self, source: Source, families: dict[str, GaugeMetricFamily]) -> bool:
        """Whether the database answers; a statement that takes too long leaves its figures out and says nothing."""
        try:
            connection = psycopg.connect(source.dsn, autocommit=True, options=_PATIENCE, **CONNECTION)
        except psycopg.Error:
            return False
        with closing(connection):
            try:
                self._measure(connection, source, families)
            except psycopg.Error as error:
                log.warning("figures_unread", service=source.service, error=repr(error)[:300])
            return not connection.broken

    def _measure(self, connection: psycopg.Connection, source: Source, families: dict[str, GaugeMetricFamily]) -> None:
        events = connection.execute(EVENTS).fetchone()
        jobs = connection.execute(_JOBS, (list(source.jobs),)).fetchall()
        assert events is not None
        names = (
            "billhook_outbox_pending",
            "billhook_outbox_oldest_seconds",
            "billhook_inbox_failed",
            "billhook_inbox_failed_oldest_seconds",
            "billhook_inbox_parked",
        )
        for name, value in zip(names, events, strict=True):
            families[name].add_metric([source.service], max(float(value or 0), 0.0))
        for job, silent, failing in jobs:
            families["billhook_job_silent_seconds"].add_metric([source.service, job], max(float(silent), 0.0))
            families["billhook_job_failing_seconds"].add_metric([source.service, job], max(float(failing), 0.0))


def _families() -> dict[str, GaugeMetricFamily]:
    return {name: GaugeMetricFamily(name, text, labels=labels) for name, (text, labels) in FIGURES.items()}


def _measure_folder(folder: Path, families: dict[str, GaugeMetricFamily]) -> None:
    usage = shutil.disk_usage(folder)
    families["billhook_disk_free_bytes"].add_metric([], usage.free)
    families["billhook_disk_bytes"].add_metric([], usage.total)
    families["billhook_backup_age_seconds"].add_metric([], max(time.time() - latest_backup(folder), 0.0))


def latest_backup(folder: Path) -> float:
    """When the latest backup of the data in ``folder`` was made, in seconds since 1970.

    Before the first one it is the time at which the folder was made, which is as old as a loss would be.
    """
    try:
        return float((folder / BACKUP_STAMP).read_text())
    except (OSError, ValueError):
        marks = [path for path in (folder / "keys", folder / "postgresql" / "PG_VERSION") if path.exists()]
        return min([os.stat(path).st_mtime for path in marks], default=time.time())
