"""A process under the supervisor: started, told when it may go on, watched, started again."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from billhook.data import DataFolder
from billhook_common.local import LocalError
from billhook_common.local.processes import ProcessId, wait_until, write_pid_file

BACKOFF_SECONDS = (0.2, 10.0)
STEADY_SECONDS = 30.0
"""A child that lived this long starts again without delay when it dies."""
LOG_LIMIT_BYTES = 10_000_000
STOP_SECONDS = 2.6
_KILL_SECONDS = 1.0
_TAIL_LINES = 15
_WORD_BYTES = 64


class ChildFailed(LocalError):
    """A process of Billhook ended while starting; the text has the end of its log."""


class Child:
    """One process; it imports its code at once and waits for ``release`` before it uses anything shared."""

    def __init__(self, name: str, arguments: list[str], settings: Mapping[str, str], data: DataFolder) -> None:
        self.name = name
        self._command = [sys.executable, "-P", "-m", "billhook.process", *arguments]
        self._settings = dict(settings)
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._pause = BACKOFF_SECONDS[0]
        self._again_at: float | None = None
        self._ready = False

    @property
    def log(self) -> Path:
        """Where what it says is kept."""
        return self._data.logs / f"{self.name}.log"

    def start(self) -> None:
        """Start it; it waits for ``release``."""
        self.limit_log()
        environment = {**os.environ, **self._settings, "BILLHOOK_SUPERVISOR_PID": str(os.getpid())}
        with self.log.open("ab") as log:
            # In a session of its own, so that Ctrl-C reaches the supervisor alone, which stops things in order.
            self._process = subprocess.Popen(
                self._command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._began = time.monotonic()
        self._again_at = None
        self._ready = False
        write_pid_file(self._data.pid_file(self.name), self._process.pid)

    def release(self) -> None:
        """Let it go on: what it needs is there now."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def is_ready(self) -> bool:
        """Whether it has said that it works; raises ChildFailed when it ended instead."""
        assert self._process is not None and self._process.stdout is not None
        if self._ready or not select.select([self._process.stdout], [], [], 0)[0]:
            return self._ready
        if not os.read(self._process.stdout.fileno(), _WORD_BYTES):
            self._process.wait()
            raise ChildFailed(f"{self.name} ended while starting; the end of {self.log}:\n{self._last_words()}")
        self._ready = True
        return True

    def keep_alive(self) -> bool:
        """Start it again when it has ended, later and later when it does so at once; whether it ended just now."""
        if self._process is None or self._process.poll() is None:
            return False
        now = time.monotonic()
        if self._again_at is None:
            _kill_group(self._process.pid)  # what it had started, which may still hold its port
            if now - self._began > STEADY_SECONDS:
                self._pause = BACKOFF_SECONDS[0]
            self._again_at = now + self._pause
            self._pause = min(self._pause * 2, BACKOFF_SECONDS[1])
            return True
        if now >= self._again_at:
            self._close_pipes()
            self.start()
            self.release()
        return False

    def limit_log(self) -> None:
        """Keep the log and one earlier one, each of at most 10 MB and what comes in a minute."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            # Emptied rather than moved: the process goes on writing to the file it has open, at its end.
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)

    def _last_words(self) -> str:
        return "\n".join(f"    {line}" for line in self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout) if self._process is not None else ():
            if pipe is not None:
                pipe.close()

    def forget(self) -> None:
        """Clean up after it has been stopped."""
        if self._process is not None:
            self._process.wait()
            self._close_pipes()
            self._process = None
        self._data.pid_file(self.name).unlink(missing_ok=True)

    def ask_to_stop(self) -> None:
        """SIGTERM: finish what is in hand."""
        if self._process is not None:
            self._process.terminate()

    def has_ended(self) -> bool:
        """Whether it does not run."""
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """End it and everything it started, at once."""
        if self._process is not None:
            _kill_group(self._process.pid)


def stop_all(children: Iterable[Child]) -> None:
    """Stop all at once and wait for them, at most 3 seconds."""
    running = list(children)
    for child in running:
        child.ask_to_stop()
    if not wait_until(lambda: all(child.has_ended() for child in running), STOP_SECONDS):
        for child in running:
            child.kill()
    for child in running:
        child.forget()


def stop_leftovers(processes: Iterable[ProcessId]) -> None:
    """Stop what a killed supervisor left."""
    left = [process for process in processes if process.is_running()]
    for process in left:
        process.send(signal.SIGTERM)
    if not wait_until(lambda: not any(process.is_running() for process in left), STOP_SECONDS):
        for process in left:
            _kill_group(process.pid)
        wait_until(lambda: not any(process.is_running() for process in left), _KILL_SECONDS)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
