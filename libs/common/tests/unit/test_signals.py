"""A signal is never waited for by the one who should hear it."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from billhook_common.signals import set_on_signals

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    before = signal.getsignal(signal.SIGUSR2)
    yield
    signal.signal(signal.SIGUSR2, before)


def test_a_signal_that_interrupts_the_waiting_itself_is_heard() -> None:
    stop = threading.Event()
    set_on_signals(stop, [signal.SIGUSR2])
    with stop._cond:  # type: ignore[attr-defined]  # what wait holds around its sleep
        os.kill(os.getpid(), signal.SIGUSR2)
    assert stop.wait(5)
