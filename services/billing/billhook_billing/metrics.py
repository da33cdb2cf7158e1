"""What billing measures beside what every service does."""

from prometheus_client import Counter

RUN_CHUNKS = Counter("billhook_run_chunks_total", "Steps of billing runs, by what they did", ["stage"])
RUN_CUSTOMERS = Counter(
    "billhook_run_customers_total", "Customers of billing runs, by what became of them", ["outcome"]
)
RUN_SECONDS = Counter("billhook_run_seconds_total", "Time in steps of billing runs", ["stage"])

# A rise from nothing would not be seen as one.
for _outcome in ("charged", "skipped", "failed"):
    RUN_CUSTOMERS.labels(_outcome)
