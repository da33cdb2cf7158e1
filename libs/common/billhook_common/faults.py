"""Crash points for tests: the process dies on the spot, as a power cut would have it.

``FAULT_POINT=after_confirm:0.1`` kills at that point with that probability, ``chunk:7`` at the 7th pass; only
when ``FAULTS=1``.
"""

import os
import random
import signal

_armed = os.environ.get("FAULTS") == "1"
_name, _, _argument = os.environ.get("FAULT_POINT", "").partition(":")
_passes = 0


def crash_point(name: str) -> None:
    """Die here if the environment says so."""
    global _passes  # noqa: PLW0603  (counts the passes of one process)
    if not _armed or name != _name:
        return
    _passes += 1
    # "7" means the seventh pass, "0.1" every tenth on average.
    due = random.random() < float(_argument) if "." in _argument else _passes == int(_argument or 1)  # noqa: S311
    if due:
        os.kill(os.getpid(), signal.SIGKILL)
