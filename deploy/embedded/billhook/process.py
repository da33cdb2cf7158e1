"""What the supervisor starts: ``python -m billhook.process web BIND | worker | api NAME BIND | worker NAME``.

Each imports its code first, which takes longest, then waits for its standard input to end: from then
on the database is there. A worker brings the databases to this release. When it works, each says so
in one line on its standard output.
"""

import os
import signal
import sys
from collections.abc import Sequence

from billhook import suite, worker
from billhook_common.local.processes import die_with
from billhook_common.logs import configure_logs
from billhook_common.service import Service, run_worker
from billhook_common.serving import serve

SUITE_THREADS = 64


def main(arguments: Sequence[str]) -> None:
    """Become the process that ``arguments`` name."""
    role, *rest = arguments
    die_with(int(os.environ["BILLHOOK_SUPERVISOR_PID"]))
    # Until the process has its own handlers: nothing is in hand yet, so leave quietly.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if role == "web":
        serve_suite(rest[0])
    elif role == "api":
        serve_service(*rest)
    elif rest:
        work_for_service(suite.load(rest[0]))
    else:
        work_for_suite()


def serve_suite(bind: str) -> None:
    """The gateway with all services in it."""
    from billhook import wsgi  # noqa: PLC0415 - only this process needs all the routes

    wait_for_release()
    configure_logs("suite")
    serve(wsgi.application, bind, threads=SUITE_THREADS, when_ready=announce)


def serve_service(name: str, bind: str) -> None:
    """The API of one service, or the gateway."""
    service = suite.load(name)
    wait_for_release()
    config = service.read_config()
    configure_logs(name, config.log_format)
    serve(lambda: service.front(config), bind, when_ready=announce)


def work_for_suite() -> None:
    """Relays, retries and jobs of all services, which hear each other directly."""
    services = [suite.load(name) for name in suite.installed()]
    wait_for_release()
    configure_logs("suite")
    for service in services:
        service.migrate(service.read_config().database_url)
    announce()
    worker.run(services)


def work_for_service(service: Service) -> None:
    """Relay, consumer and jobs of one service."""
    wait_for_release()
    config = service.read_config()
    configure_logs(service.name, config.log_format)
    service.migrate(config.database_url)
    running = service.worker(config)
    running.listen()
    announce()
    run_worker(running, config)


def wait_for_release() -> None:
    """Return when the supervisor closes our standard input."""
    sys.stdin.buffer.read()


def announce() -> None:
    """Tell the supervisor that we work; what is printed from now on goes to the log."""
    os.write(1, b"ready\n")
    os.dup2(2, 1)


if __name__ == "__main__":
    main(sys.argv[1:])
