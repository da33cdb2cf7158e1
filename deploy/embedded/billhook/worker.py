"""One worker process for all services: relays, retries and jobs as threads."""

from collections.abc import Sequence

from billhook.demo.calendar import clock_of
from billhook_common.service import Service, run_worker
from billhook_common.worker import build_worker


def run(services: Sequence[Service]) -> None:
    """Work for all of them until SIGTERM; events go from service to service directly."""
    configs = [(service, service.read_config()) for service in services]
    first = configs[0][1]
    worker = build_worker(configs, clock_of(first.zone))
    worker.listen()
    run_worker(worker, first)
