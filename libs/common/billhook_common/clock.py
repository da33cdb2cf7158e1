"""The clock: instants are aware UTC, business days are dates in the operator's zone."""

import datetime as dt
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """What actions ask for the time; handed to them, never read from the system."""

    def now(self) -> dt.datetime:
        """The present instant, aware, UTC."""
        ...

    def today(self) -> dt.date:
        """The present business day in the operator's time zone."""
        ...


class SystemClock:
    """The real clock of an operator who lives in ``zone``."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def now(self) -> dt.datetime:
        """The present instant, aware, UTC."""
        return dt.datetime.now(dt.UTC)

    def today(self) -> dt.date:
        """The present business day in the operator's time zone."""
        return self.now().astimezone(self._zone).date()


class FixedClock:
    """A clock that moves only when told to: for tests and for the demo's history."""

    def __init__(self, at: dt.datetime, zone: str = "UTC") -> None:
        self._at = at.astimezone(dt.UTC)
        self._zone = ZoneInfo(zone)

    def now(self) -> dt.datetime:
        """The instant that was set."""
        return self._at

    def today(self) -> dt.date:
        """The business day of the instant that was set."""
        return self._at.astimezone(self._zone).date()

    def set(self, at: dt.datetime) -> None:
        """Jump to ``at``."""
        self._at = at.astimezone(dt.UTC)

    def advance(self, by: dt.timedelta) -> None:
        """Move forward (or back) by ``by``."""
        self._at += by
