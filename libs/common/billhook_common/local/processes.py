"""Processes of this machine, told apart by number and start time: numbers are given again, in a container soon."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

_START_TIME_TOLERANCE_SECONDS = 0.05
_FILE_TIME_TOLERANCE_SECONDS = 2.0
"""The kernel's boot time, from which start times are counted, is only known to the second."""
_POLL_SECONDS = 0.01
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process, this one and no later one with the same number."""

    pid: int
    started: float
    """Seconds since the epoch, as the kernel's clock tells it; only comparable on this boot."""

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """The process that has this number now; None when there is none."""
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return cls(pid, process.create_time())
        except psutil.Error:
            return None

    def is_running(self) -> bool:
        """Whether the process still runs."""
        now = ProcessId.of(self.pid)
        return now is not None and abs(now.started - self.started) < _START_TIME_TOLERANCE_SECONDS

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self.is_running():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def end(self, steps: list[tuple[signal.Signals, float]]) -> bool:
        """Send each signal in turn and give it its seconds; whether the process has ended."""
        for number, seconds in steps:
            self.send(number)
            if wait_until(lambda: not self.is_running(), seconds):
                return True
        return False


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether ``condition`` became true within ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def write_pid_file(path: Path, pid: int) -> None:
    """Write a process's number, as a whole, so that a reader never sees half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{pid}\n")
    fresh.replace(path)


def read_pid_file(path: Path) -> ProcessId | None:
    """The process that wrote ``path``; None when it has ended.

    A process that began after the file was written has only been given the same number again.
    """
    try:
        pid, written = int(path.read_text()), path.stat().st_mtime
    except (OSError, ValueError):
        return None
    found = ProcessId.of(pid)
    return found if found is not None and found.started < written + _FILE_TIME_TOLERANCE_SECONDS else None


def die_with(parent: int) -> None:
    """Have the kernel end this process (SIGTERM) when ``parent``, which started it, ends in any way. Linux only."""
    if sys.platform != "linux":
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(1)
