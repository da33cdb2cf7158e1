"""Signals that ask a process to stop."""

import signal
import threading
from collections.abc import Iterable


def set_on_signals(event: threading.Event, numbers: Iterable[signal.Signals]) -> None:
    """Set ``event`` when one of the signals comes; only the main thread may call this.

    Another thread sets it. A handler runs in the main thread, between any two of its steps, also while that holds the
    lock of this very event in ``wait``: setting it there would wait for oneself, forever.
    """

    def set_it(*_: object) -> None:
        threading.Thread(target=event.set, name="signal", daemon=True).start()

    for number in numbers:
        signal.signal(number, set_it)
