"""What every service measures; served at ``/metrics`` in the Prometheus text format, listed in handbook/metrics.md.

No label is a person's, and none has values without limit. What is read from the database is in ``figures``.
"""

import os
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where several web processes of one service put their figures together; of prometheus_client."""

REQUESTS = Counter("billhook_requests_total", "HTTP requests answered", ["service", "method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "billhook_request_seconds",
    "Time to answer a request",
    ["service", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
EVENTS_RESENT = Counter(
    "billhook_events_resent_total", "Events sent once more to a service that asked for them", ["service"]
)
EVENTS_MISSING = Counter("billhook_events_missing_total", "Events found missing by their numbers, and asked for")
EVENTS_PUBLISHED = Counter(
    "billhook_events_published_total", "Events confirmed by the broker or all subscribers", ["service"]
)
EVENTS_RETURNED = Counter("billhook_events_returned_total", "Events that no queue wanted", ["service"])
EVENTS_ACCEPTED = Counter("billhook_events_accepted_total", "Events applied", ["service"])
EVENTS_DUPLICATE = Counter("billhook_events_duplicate_total", "Events that had been applied before", ["service"])
EVENTS_FAILED = Counter(
    "billhook_events_failed_total", "Events not applied at a try, by what became of them", ["service", "state"]
)
EVENTS_RETRIED = Counter("billhook_events_retried_total", "Later tries of events, by result", ["service", "result"])
EVENT_LAG_SECONDS = Histogram(
    "billhook_event_lag_seconds",
    "From what happened to its effect here, of the oldest event of a batch",
    ["service"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3600),
)
CONSUMER_CONNECTED = Gauge(
    "billhook_consumer_connected", "1 while the consumer is on its queue", ["service"], multiprocess_mode="livesum"
)
JOB_RUNS = Counter("billhook_job_runs_total", "Steps of jobs, by result", ["service", "job_name", "result"])
JOB_SECONDS = Counter(
    "billhook_job_seconds_total", "Time in steps of jobs that worked or failed", ["service", "job_name"]
)
IMPORT_ROWS = Counter("billhook_import_rows_total", "Rows of imported files, by outcome", ["subject", "outcome"])
IMPORT_SECONDS = Counter("billhook_import_seconds_total", "Time spent storing rows of files", ["subject"])
POOL_LIMIT = Gauge(
    "billhook_pool_limit", "Database connections that may be open", ["service"], multiprocess_mode="livesum"
)
POOL_OPEN = Gauge("billhook_pool_open", "Database connections that are open", ["service"], multiprocess_mode="livesum")
POOL_IN_USE = Gauge(
    "billhook_pool_in_use", "Database connections that are lent out", ["service"], multiprocess_mode="livesum"
)
POOL_WAIT_SECONDS = Counter("billhook_pool_wait_seconds_total", "Time until a connection was lent", ["service"])
POOL_TIMEOUTS = Counter("billhook_pool_timeouts_total", "Waits for a connection that were in vain", ["service"])


def exposition() -> bytes:
    """The figures of this service's web processes: of all of them where they share a folder, else of this one."""
    if FOLDER_VARIABLE not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's
    return generate_latest(registry)


def empty_shared_folder() -> None:
    """Forget what processes of an earlier start have left, before the first one of this start is made."""
    if folder := os.environ.get(FOLDER_VARIABLE):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for file in Path(folder).glob("*.db"):
            file.unlink(missing_ok=True)


def forget_process(pid: int) -> None:
    """Take a dead process's part out of what is true only of the living; what it has counted stays."""
    if FOLDER_VARIABLE in os.environ:
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library's
