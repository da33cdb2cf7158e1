"""Which function applies which event."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.config import ServiceConfig
from billhook_common.contracts import Fact
from billhook_common.events.envelope import Event

F = TypeVar("F", bound=Callable[..., None])


class NotYet(Exception):
    """Something that the event needs has not arrived; it is tried again without counting as a failure."""


@dataclass(frozen=True, slots=True)
class Context:
    """What handlers and jobs work with; the edge commits the session."""

    session: Session
    clock: Clock
    config: ServiceConfig


@dataclass(frozen=True, slots=True)
class Handler:
    """One subscription of a service."""

    fact: type[Fact]
    function: Callable[..., None]
    batch: bool
    decoder: "msgspec.json.Decoder[Fact]"

    def apply(self, context: Context, events: list[Event[Any]]) -> None:
        """Hand over ``events``, all of this type, in the order of arrival."""
        if self.batch:
            self.function(context, events)
        else:
            for event in events:
                self.function(context, event)


class Handlers:
    """A service's subscriptions; an instance decorates the functions in ``handlers.py``.

    ``@handles(CustomerChanged)`` gives one event at a time; with ``batch=True`` the function takes a list, for
    the bulk paths. One function may handle several types.
    """

    def __init__(self) -> None:
        self._by_type: dict[str, Handler] = {}

    def __call__(self, *facts: type[Fact], batch: bool = False) -> Callable[[F], F]:
        """Subscribe the decorated function to ``facts``."""

        def register(function: F) -> F:
            for fact in facts:
                assert fact.TYPE and fact.TYPE not in self._by_type, f"{fact.__name__}: no type, or handled twice"
                self._by_type[fact.TYPE] = Handler(fact, function, batch, msgspec.json.Decoder(fact))
            return function

        return register

    def types(self) -> Iterable[str]:
        """The event types subscribed to."""
        return self._by_type.keys()

    def get(self, event_type: str) -> Handler | None:
        """The handler of a type, if any."""
        return self._by_type.get(event_type)
