"""Crash points for tests: the process dies on the spot, as a power cut would have it.

``FAULT_POINT=after_confirm:0.1`` kills at that point with that probability, ``chunk:7`` at the 7th pass; only
when ``FAULTS=1``. Where one process plays many lives, ``dying`` ends the one in hand.
"""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Died(BaseException):
    """The end of a life; nothing that handles errors catches it, and every open transaction is lost."""


class _Point:
    """Where to die, and how."""

    def __init__(self, name: str, argument: str, *, really: bool) -> None:
        self.name = name
        self._argument = argument
        self._really = really
        self._passes = 0

    def come(self) -> None:
        """Die if it is time to."""
        self._passes += 1
        argument = self._argument
        # "7" means the seventh pass, "0.1" every tenth on average.
        due = random.random() < float(argument) if "." in argument else self._passes == int(argument or 1)  # noqa: S311
        if due and self._really:
            os.kill(os.getpid(), signal.SIGKILL)
        if due:
            raise Died(self.name)


def _of_process() -> _Point:
    name, _, argument = os.environ.get("FAULT_POINT", "").partition(":")
    return _Point(name if os.environ.get("FAULTS") == "1" else "", argument, really=True)


_armed = _of_process()


def crash_point(name: str) -> None:
    """Die here if the environment, or ``dying``, says so."""
    if _armed.name == name:
        _armed.come()


@contextmanager
def dying(name: str, passes: int = 1) -> Iterator[None]:
    """Within the block raise Died at this point, at its ``passes``th pass; the block may then end before its end."""
    global _armed  # noqa: PLW0603  (what is armed belongs to the process)
    before, _armed = _armed, _Point(name, str(passes), really=False)
    try:
        yield
    except Died:
        return
    finally:
        _armed = before
