"""Figures of several services on one page: asked for at once, two seconds each; the last good value is kept."""

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from time import monotonic
from typing import Any

from billhook_common.clock import Clock
from billhook_gateway.answers import ApiProblem
from billhook_gateway.backends import BackendRequest, ServiceDown

PANEL_SECONDS = 2.0
CALLS_A_SERVICE = 4
"""Panels asked of one service at once by one process; a service that hangs holds these threads and no others."""
KEPT_VALUES = 500
_GRACE_SECONDS = 0.1
"""A call that times out by itself says so a little after its time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One GET; ``query`` is raw."""

    service: str
    path: str
    query: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A panel without a fresh value: why, and the last good value with the instant it is from, if there is one.

    ``status`` is 503 when the service does not answer, else what it answered; ``problem`` is its problem+json.
    """

    service: str
    status: int
    problem: Mapping[str, Any]
    value: Any = None
    at: dt.datetime | None = None


Panel = Any | Unavailable
"""A decoded answer, or Unavailable: ``isinstance(panel, Unavailable)`` tells."""

Ask = Callable[[str, BackendRequest], Any]
"""Asks a service and decodes its answer; raises ServiceDown, ApiProblem."""


class Panels:
    """The threads and the memory behind panels, one of these a process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._kept: OrderedDict[tuple[str, Wanted], tuple[Any, dt.datetime]] = OrderedDict()

    def gather(self, subject: str, wanted: Mapping[str, Wanted], ask: Ask) -> dict[str, Panel]:
        """All answers by name, or Unavailable; values are kept for ``subject`` alone, whose rights they need."""
        end = monotonic() + PANEL_SECONDS + _GRACE_SECONDS
        begun = {name: self._begin(what, ask) for name, what in wanted.items()}
        return {name: self._panel(subject, wanted[name], call, end) for name, call in begun.items()}

    def close(self) -> None:
        """End the threads; calls that still wait are given up."""
        with self._lock:
            for threads in self._threads.values():
                threads.shutdown(wait=False, cancel_futures=True)
            self._threads.clear()

    def _begin(self, what: Wanted, ask: Ask) -> "Future[Any]":
        with self._lock:
            threads = self._threads.get(what.service)
            if threads is None:
                threads = ThreadPoolExecutor(CALLS_A_SERVICE, thread_name_prefix=f"panels-{what.service}")
                self._threads[what.service] = threads
        request = BackendRequest(method="GET", path=what.path, query=what.query, wait_seconds=PANEL_SECONDS)
        return threads.submit(ask, what.service, request)

    def _panel(self, subject: str, what: Wanted, call: "Future[Any]", end: float) -> Panel:
        try:
            value = call.result(timeout=max(0.0, end - monotonic()))
        except Late:
            call.cancel()
            return self._unavailable(subject, what, 503, _silence(what.service))
        except ServiceDown:
            return self._unavailable(subject, what, 503, _silence(what.service))
        except ApiProblem as error:
            return self._unavailable(subject, what, error.status, error.problem)
        self._keep(subject, what, value)
        return value

    def _keep(self, subject: str, what: Wanted, value: Any) -> None:
        with self._lock:
            self._kept[subject, what] = (value, self._clock.now())
            self._kept.move_to_end((subject, what))
            while len(self._kept) > KEPT_VALUES:
                self._kept.popitem(last=False)

    def _unavailable(self, subject: str, what: Wanted, status: int, problem: Mapping[str, Any]) -> Unavailable:
        # What a caller may no longer see is not shown from memory either.
        value, at = self._kept.get((subject, what), (None, None)) if status >= 500 else (None, None)
        return Unavailable(what.service, status, problem, value, at)


def _silence(service: str) -> dict[str, Any]:
    return {
        "type": "/problems/service-down",
        "title": "A service is not answering",
        "status": 503,
        "detail": f"{service} is not answering.",
    }
