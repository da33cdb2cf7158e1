"""The demo's business day: while its year is played, the processes of that one installation live through past days.

Instants stay true: sessions, retries and time stamps are of the real present. Only what "today" is comes from a file in
the demo's own data folder, and only a supervisor that runs a demo hands its path on; ``up`` refuses such a folder.
"""

import datetime as dt
import os
from pathlib import Path

from billhook_common.clock import SystemClock

DAY_FILE_VARIABLE = "BILLHOOK_DEMO_DAY_FILE"


class DemoClock(SystemClock):
    """The real clock whose ``today`` is the day in a file, as long as the file is there."""

    def __init__(self, zone: str, day_file: Path) -> None:
        super().__init__(zone)
        self._day_file = day_file

    def today(self) -> dt.date:
        """The day that the demo plays; the real one before and after."""
        try:
            return dt.date.fromisoformat(self._day_file.read_text())
        except FileNotFoundError:
            return super().today()


class Calendar:
    """Turns the pages: what it writes is today for the demo's processes at once."""

    def __init__(self, day_file: Path) -> None:
        self._day_file = day_file

    def turn_to(self, day: dt.date) -> None:
        """Make ``day`` today; the file is replaced as a whole."""
        fresh = self._day_file.with_suffix(".new")
        fresh.write_text(day.isoformat())
        fresh.replace(self._day_file)

    def close(self) -> None:
        """Back to the real day, for good."""
        self._day_file.unlink(missing_ok=True)


def clock_of(zone: str) -> SystemClock:
    """The clock of a process under the supervisor: the real one, unless it runs a demo."""
    day_file = os.environ.get(DAY_FILE_VARIABLE)
    return DemoClock(zone, Path(day_file)) if day_file else SystemClock(zone)
