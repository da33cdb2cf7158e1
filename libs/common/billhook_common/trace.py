"""What one click or one event set in motion: the ids that logs, audit rows, events and ledger lines share."""

import re
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from billhook_common.ids import derive_id, uuid7

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?")
"""W3C Trace Context; a later version may add to what the first one has."""
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_SAMPLED = "01"
_NOBODY: Mapping[UUID, str] = {}


@dataclass(frozen=True, slots=True)
class Trace:
    """The cause of the work being done now.

    ``correlation_id`` names the first cause, ``causation_id`` the event being handled, ``source_key`` the
    client's Idempotency-Key, ``actor`` who acts (a user, an API key or a service). Where events of several causes
    are handled together, ``of_customers`` says which of them is a customer's.
    """

    correlation_id: str = ""
    causation_id: str | None = None
    source_key: str | None = None
    actor: str = "system"
    ip: str | None = None
    of_customers: Mapping[UUID, str] = field(default_factory=lambda: _NOBODY)

    def correlation_of(self, customer_id: UUID | None) -> str | None:
        """The first cause of what happens to this customer now."""
        if customer_id is not None and customer_id in self.of_customers:
            return self.of_customers[customer_id]
        return self.correlation_id or None


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


def request_id(given: str, traceparent: str) -> str:
    """The id of a request: what its sender calls it, in X-Request-Id or W3C traceparent, else a new one."""
    if _REQUEST_ID.fullmatch(given):
        return given
    found = _TRACEPARENT.fullmatch(traceparent)
    return found[1] if found else str(uuid7())


def onward_traceparent(request: str, traceparent: str) -> str:
    """The W3C traceparent of a call made for a request: the sender's trace, else one named after the request's id."""
    found = _TRACEPARENT.fullmatch(traceparent)
    plain = request.replace("-", "").lower()
    own = plain if _TRACE_ID.fullmatch(plain) else derive_id("trace", request).hex
    trace_id, flags = (found[1], found[2]) if found else (own, _SAMPLED)
    return f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"
