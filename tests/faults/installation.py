"""``./billhook up`` in a process of its own, whose processes can be killed one by one or all at once."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
import psycopg

from billhook import suite
from billhook.data import DataFolder
from billhook_common.local.ports import free_port
from billhook_common.local.postgres import LocalPostgres
from billhook_common.local.processes import ProcessId, wait_until

from .api import PAUSE_SECONDS, Api

KEY = "the-key-of-the-fault-tests"
START_SECONDS = 120.0
RECOVERY_SECONDS = 60.0
STOP_SECONDS = 30.0


class Installation:
    """The embedded suite on a folder, as people start it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.api = Api(f"http://127.0.0.1:{self.port}", KEY)
        self._data = DataFolder(folder)
        self._output = folder.with_name("output.log")
        self._process: subprocess.Popen[bytes] | None = None
        server = LocalPostgres(self._data.cluster)
        self.dsns = {
            name: server.dsn(suite.database_name(name), suite.database_name(name)) for name in suite.installed()
        }

    def start(self) -> None:
        """Start it and return when it is ready."""
        command = [sys.executable, "-m", "billhook", "up", "--data", str(self._data.path), "--port", str(self.port)]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=os.environ | {"BILLHOOK_BOOTSTRAP_KEY": KEY}, stdout=output, stderr=output
            )
        ready = wait_until(lambda: self._has_ended() or b"\nready " in self._output.read_bytes(), START_SECONDS)
        assert ready and not self._has_ended(), self.said()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it as Ctrl-C does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_SECONDS)
        self.api.close()

    def said(self) -> str:
        """What ``up`` printed since its last start."""
        return self._output.read_text(errors="replace")

    def kill_web(self, chance: random.Random) -> None:
        """SIGKILL the process that serves, the one above it, or both; return when another one serves."""
        above = self._running("web")
        serving = [found for child in psutil.Process(above.pid).children() if (found := ProcessId.of(child.pid))]
        victims = chance.choice(([above], serving, [above, *serving]))
        for victim in victims:
            victim.send(signal.SIGKILL)
        if above in victims:
            self._until_replaced("web", above)
        self.api.get("/billing/trial-balance")

    def kill_worker(self) -> None:
        """SIGKILL the worker; return when another one has moved events."""
        self._kill("worker")
        before = self._moved()
        end = time.monotonic() + RECOVERY_SECONDS
        while self._moved() == before:
            assert time.monotonic() < end, self.said()
            time.sleep(PAUSE_SECONDS)

    def kill_postgres(self) -> None:
        """SIGKILL the server process; return when another one answers."""
        self._kill("postgresql")
        assert wait_until(self._answers, RECOVERY_SECONDS), self.said()

    def kill_supervisor(self) -> None:
        """SIGKILL the supervisor alone, then start it again."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.start()

    def kill_everything(self) -> None:
        """SIGKILL every process in one moment, as a power cut would, then start it again."""
        assert self._process is not None
        children = [psutil.Process(child.pid) for child in self._data.children().values()]
        victims = [*children, *(below for child in children for below in child.children())]
        self._process.kill()
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        self._process.wait()
        self.start()

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _kill(self, name: str) -> None:
        victim = self._running(name)
        victim.send(signal.SIGKILL)
        self._until_replaced(name, victim)

    def _running(self, name: str) -> ProcessId:
        assert wait_until(lambda: name in self._data.children(), RECOVERY_SECONDS), self.said()
        return self._data.children()[name]

    def _until_replaced(self, name: str, victim: ProcessId) -> None:
        assert wait_until(lambda: self._data.children().get(name, victim) != victim, RECOVERY_SECONDS), self.said()

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.dsns["billing"], connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def _moved(self) -> int:
        """How many of crm's events are published; the load makes new ones all the time."""
        with psycopg.connect(self.dsns["crm"]) as connection:
            row = connection.execute("SELECT count(*) FROM outbox WHERE published_at IS NOT NULL").fetchone()
        return int(row[0]) if row else 0
