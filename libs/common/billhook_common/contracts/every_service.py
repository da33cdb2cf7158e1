"""What every service tells the others about its own events: how far they have come, and which ones it misses.

A type is named after its publisher: ``<service>.positions.published.v1``, ``<service>.replay.requested.v1``.
"""

import datetime as dt
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

from billhook_common.contracts import Fact

Number = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
ANY_SERVICE = "service"
"""Stands for the publisher in the types of this module."""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of one event type: ``first`` is the lowest that the log still holds, ``last`` the highest given.

    ``began_at`` is when number 1 was given. A log that was restored or lost begins a new ``epoch``; the one before has
    ``ended``.
    """

    type: str
    epoch: UUID
    began_at: dt.datetime
    first: Number
    last: Number
    ended: bool = False


class PositionsPublished(Fact, frozen=True, kw_only=True):
    """How far the publisher's events have come; who has received less asks for the rest."""

    TYPE: ClassVar[str] = f"{ANY_SERVICE}.positions.published.v1"
    streams: list[Stream]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers from ``from`` up to but not including ``until``."""

    from_: Number = msgspec.field(name="from")
    until: Number


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one type to be sent again: those of ``spans``, and those that happened ``since``.

    ``ahead`` is a number received that is above the last one which the publisher gave: it must begin a new epoch.
    """

    type: str
    epoch: UUID
    spans: list[Span]
    since: dt.datetime | None = None
    ahead: Number | None = None


class ReplayRequested(Fact, frozen=True, kw_only=True):
    """The sender has not received these events; goes straight to their publisher, which sends them to it alone.

    With ``positions`` the publisher answers at once how far its events have come.
    """

    TYPE: ClassVar[str] = f"{ANY_SERVICE}.replay.requested.v1"
    wanted: list[Wanted]
    positions: bool = False


def type_of(fact: type[Fact], service: str) -> str:
    """The name of ``fact``'s type when ``service`` publishes it."""
    return f"{service}.{topic_of(fact.TYPE)}"


def topic_of(event_type: str) -> str:
    """A type without its publisher."""
    return event_type.partition(".")[2]
