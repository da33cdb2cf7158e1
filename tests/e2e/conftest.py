"""Installations for whole-suite tests: started as people start them, with the demo's month played through the API."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from billhook.demo.client import Client
from billhook.demo.month import play
from billhook_common.clock import SystemClock
from billhook_common.local.ports import free_port
from billhook_common.local.rabbitmq import LocalRabbitMQ

from .browsing import CHROMIUM, DESK, FLAGS

PASSWORD = "a sentence that nobody guesses"
KEY = "the-key-of-the-first-hour"
TODAY = SystemClock("Europe/Prague").today()
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


def played(broker: str = "") -> Iterator[Installation]:
    """A fresh installation after its first month."""
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
    yield from played()


@pytest.fixture(scope="session")
def cluster(rabbitmq: LocalRabbitMQ) -> Iterator[Installation]:
    """A web and a worker process per service, events over RabbitMQ."""
    yield from played(rabbitmq.url)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which is not ours to download."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies, as wide as a desk allows."""
    fresh = browser.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce", locale="en-IE")  # type: ignore[arg-type]  # a plain dict is a ViewportSize
    yield fresh
    fresh.close()
