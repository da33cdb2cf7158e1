"""Installations for whole-suite tests: started as people start them, with the demo's month played through the API."""

import datetime as dt
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from billhook.demo.client import Client
from billhook.demo.month import play
from billhook_common.local.ports import free_port
from billhook_common.local.rabbitmq import LocalRabbitMQ

PASSWORD = "a sentence that nobody guesses"
KEY = "the-key-of-the-first-hour"
TODAY = dt.date(2026, 11, 24)
START_SECONDS = 120.0


class Installation:
    """``./billhook up`` in a process of its own, with an administrator and an API key."""

    def __init__(self, folder: Path, broker: str = "") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        command = [sys.executable, "-m", "billhook", "up", "--data", str(folder), "--port", str(self.port)]
        environment = os.environ | {"BILLHOOK_ADMIN_PASSWORD": PASSWORD, "BILLHOOK_BOOTSTRAP_KEY": KEY}
        self._process = subprocess.Popen(
            [*command, *(["--broker", broker] if broker else [])],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.client = Client(self.url, KEY)
        self.said: list[str] = []
        self._wait()

    def stop(self) -> None:
        """As Ctrl-C does."""
        self._process.terminate()
        self._process.communicate(timeout=30)

    def logs(self) -> str:
        """What the processes had to say."""
        return "\n".join(path.read_text(errors="replace") for path in sorted((self.folder / "log").glob("*.log")))

    def _wait(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line)
            if line.startswith("ready "):
                return
        pytest.fail("".join(self.said))


def _played(broker: str = "") -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="billhook-e2e-") as folder:
        Path(folder).chmod(0o755)
        installation = Installation(Path(folder) / "data", broker)
        try:
            play(installation.client, TODAY, installation.said.append)
            yield installation
        finally:
            installation.stop()


@pytest.fixture(scope="session")
def embedded() -> Iterator[Installation]:
    """One process for the web, one for the work, PostgreSQL beside them."""
    yield from _played()


@pytest.fixture(scope="session")
def cluster(rabbitmq: LocalRabbitMQ) -> Iterator[Installation]:
    """A web and a worker process per service, events over RabbitMQ."""
    yield from _played(rabbitmq.url)
