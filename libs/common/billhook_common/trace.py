"""What one click or one event set in motion: the ids that logs, audit rows and events share."""

from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass

import structlog


@dataclass(frozen=True, slots=True)
class Trace:
    """The cause of the work being done now.

    ``correlation_id`` names the first cause, ``causation_id`` the event being handled, ``source_key`` the
    client's Idempotency-Key, ``actor`` who acts (a user, an API key or a service).
    """

    correlation_id: str = ""
    causation_id: str | None = None
    source_key: str | None = None
    actor: str = "system"
    ip: str | None = None


_current: ContextVar[Trace] = ContextVar("trace", default=Trace())  # noqa: B039  (frozen)


def current_trace() -> Trace:
    """The trace of the present request, event or job."""
    return _current.get()


class tracing(AbstractContextManager[None]):
    """Make ``trace`` the present one inside a block, for events, audit rows and logs."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __enter__(self) -> None:
        self._token = _current.set(self._trace)
        self._logs = structlog.contextvars.bind_contextvars(
            correlation_id=self._trace.correlation_id, actor=self._trace.actor
        )

    def __exit__(self, *exc: object) -> None:
        structlog.contextvars.reset_contextvars(**self._logs)
        _current.reset(self._token)
