"""What every service measures; served at ``/metrics`` in the Prometheus text format."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("billhook_requests_total", "HTTP requests answered", ["service", "method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "billhook_request_seconds",
    "Time to answer a request",
    ["service", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
EVENTS_PUBLISHED = Counter("billhook_events_published_total", "Events confirmed by the broker or all subscribers")
EVENTS_RESENT = Counter("billhook_events_resent_total", "Events sent once more to a service that asked for them")
EVENTS_MISSING = Counter("billhook_events_missing_total", "Events found missing by their numbers, and asked for")
EVENTS_RETURNED = Counter("billhook_events_returned_total", "Events that no queue wanted")
EVENTS_ACCEPTED = Counter("billhook_events_accepted_total", "Events applied")
EVENTS_DUPLICATE = Counter("billhook_events_duplicate_total", "Events that had been applied before")
EVENTS_FAILED = Counter(
    "billhook_events_failed_total", "Events not applied at a try, by what became of them", ["state"]
)
JOB_RUNS = Counter("billhook_job_runs_total", "Steps of scheduled jobs", ["job", "result"])
