"""A WSGI app under gunicorn: one process with threads, or several."""

import os
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

from gunicorn.app.base import BaseApplication

from billhook_common.config import ConfigError
from billhook_common.metrics import FOLDER_VARIABLE, empty_shared_folder, forget_process

SERVICE_THREADS = 16
"""Of one service; a slow database then does not stop the process."""
GRACEFUL_SECONDS = 2
"""For requests in hand when we are asked to stop; the supervisor waits little longer."""
HUNG_SECONDS = 60


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, build: Callable[[], WSGIApplication], settings: dict[str, Any]) -> None:
        self._build = build
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        # In the process that serves, after the fork: database connections are never shared.
        return self._build()


def _nobody_waits() -> None:
    """Nobody wants to know when it serves."""


def serve(
    build: Callable[[], WSGIApplication],
    bind: str,
    *,
    threads: int = SERVICE_THREADS,
    workers: int = 1,
    when_ready: Callable[[], None] = _nobody_waits,
) -> None:
    """Serve what ``build`` makes at ``bind`` (host:port) until SIGTERM; call ``when_ready`` once it serves.

    Raises ConfigError for several ``workers`` without a folder for their figures.
    """
    if workers > 1 and FOLDER_VARIABLE not in os.environ:
        raise ConfigError(f"BILLHOOK_WEB_WORKERS is {workers}: {FOLDER_VARIABLE} must name a folder of this service")
    empty_shared_folder()
    settings = {
        "bind": bind,
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "graceful_timeout": GRACEFUL_SECONDS,
        "timeout": HUNG_SECONDS,
        "control_socket_disable": True,
        "loglevel": "warning",
        "post_worker_init": lambda worker: when_ready(),
        "child_exit": lambda server, worker: forget_process(worker.pid),
    }
    _Server(build, settings).run()
