"""The suite on one machine: starts, survives the death of each process, stops quickly, runs once per data folder."""

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from billhook.data import DataFolder
from billhook.demo.calendar import DAY_FILE_VARIABLE
from billhook.demo.client import Client
from billhook_common.clock import SystemClock
from billhook_common.local.ports import free_port
from billhook_common.local.processes import ProcessId, read_pid_file, wait_until

pytestmark = pytest.mark.integration

START_SECONDS = 60.0
RECOVERY_SECONDS = 30.0
CHILDREN = ("postgresql", "web", "worker")


class Suite:
    """``./billhook up`` in a process of its own."""

    def __init__(self, path: Path) -> None:
        self.data = DataFolder(path)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def command(self, name: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "billhook", name, "--data", str(self.data.path), *arguments]

    def start(self) -> None:
        self._process = subprocess.Popen(
            self.command("up", "--port", str(self.port)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line == f"ready {self.url}\n":
                return
        pytest.fail("".join(said))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def run(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.command(name, *arguments), check=False, capture_output=True, text=True, timeout=60)

    def wait(self) -> int:
        """The exit status, once it has ended."""
        assert self._process is not None
        self._process.communicate(timeout=START_SECONDS)
        return self._process.returncode

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def process(self, name: str) -> ProcessId:
        found = read_pid_file(self.data.pid_file(name))
        assert found is not None, f"{name} does not run"
        return found

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self.wait()
        self.run("stop")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="billhook-suite-") as path:
        Path(path).chmod(0o755)
        yield Path(path) / "data"


@pytest.fixture
def suite(folder: Path) -> Iterator[Suite]:
    instance = Suite(folder)
    yield instance
    instance.end()


def test_it_runs_once_per_data_folder_and_stops_on_request(suite: Suite) -> None:
    suite.start()
    assert suite.answers()
    again = suite.run("up", "--port", str(free_port()))
    assert again.returncode == 1
    assert f"process {suite.pid}, {suite.url}" in again.stderr
    status = suite.run("status")
    assert status.returncode == 0
    assert suite.url in status.stdout
    running = [suite.process(name) for name in CHILDREN]

    assert suite.run("stop").returncode == 0
    assert suite.wait() == 0
    assert not [process for process in running if process.is_running()]
    assert suite.run("status").returncode == 3


def test_secrets_are_for_their_owner_only(suite: Suite) -> None:
    suite.start()
    assert suite.data.keys.stat().st_mode & 0o777 == 0o700
    for path in (suite.data.signing_key, suite.data.sealing_key, suite.data.first_password):
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_process_is_started_again(suite: Suite, name: str) -> None:
    suite.start()
    killed = suite.process(name)
    os.kill(killed.pid, signal.SIGKILL)
    # The number may be given again; the start time tells the new process from the old one.
    assert wait_until(
        lambda: (now := read_pid_file(suite.data.pid_file(name))) is not None and now != killed, RECOVERY_SECONDS
    )
    assert wait_until(suite.answers, RECOVERY_SECONDS)


def test_a_killed_supervisor_leaves_nothing_that_the_next_start_minds(suite: Suite) -> None:
    suite.start()
    left = {name: suite.process(name) for name in CHILDREN}
    os.kill(suite.pid, signal.SIGKILL)
    suite.wait()
    assert wait_until(lambda: not (left["web"].is_running() or left["worker"].is_running()), RECOVERY_SECONDS)
    suite.start()
    assert suite.answers()
    assert not [process for process in left.values() if process.is_running()]


def test_stop_also_ends_what_a_killed_supervisor_left(suite: Suite) -> None:
    suite.start()
    left = [suite.process(name) for name in CHILDREN]
    os.kill(suite.pid, signal.SIGKILL)
    suite.wait()
    assert "stopped what was left" in suite.run("stop").stdout
    assert not [process for process in left if process.is_running()]


def test_ctrl_c_stops_it_soon(suite: Suite) -> None:
    suite.start()
    began = time.monotonic()
    os.kill(suite.pid, signal.SIGINT)
    assert suite.wait() == 0
    assert time.monotonic() - began < 6, "3 s, and room for a busy machine"


def test_a_port_that_is_taken_is_named(suite: Suite) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", suite.port))
        other.listen()
        refused = suite.run("up", "--port", str(suite.port))
    assert refused.returncode == 1
    assert f"port {suite.port} is in use; choose another with --port" in refused.stderr
    assert suite.run("status").returncode == 3


def test_the_demo_leaves_other_data_alone(suite: Suite) -> None:
    suite.start()
    suite.end()
    refused = suite.run("demo", "--port", str(suite.port))
    assert refused.returncode == 1
    assert "holds data that is not the demo's" in refused.stderr


def test_only_a_demo_lives_on_another_day(suite: Suite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    day = tmp_path / "day"
    day.write_text("2020-02-29")
    monkeypatch.setenv(DAY_FILE_VARIABLE, str(day))
    monkeypatch.setenv("BILLHOOK_BOOTSTRAP_KEY", "the-key-of-the-first-hour")
    suite.start()
    suite.data.demo_day.write_text("2020-02-29")
    today = SystemClock("Europe/Prague").today()
    months = Client(suite.url, "the-key-of-the-first-hour").get("/invoicing/panels/months")["items"]
    assert months[-1]["month"] in {f"{today:%Y-%m}", f"{today + dt.timedelta(days=1):%Y-%m}"}
    suite.end()
