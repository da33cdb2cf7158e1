"""A private RabbitMQ node on loopback, for tests: own name, data, ports, cookie and port mapper.

Runs as the present user by calling RabbitMQ's own scripts; Debian's wrapper in /usr/sbin insists on the
user ``rabbitmq`` and on the system's data.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from billhook_common.local import LocalError
from billhook_common.local.guard import Guard
from billhook_common.local.packages import ensure_program
from billhook_common.local.ports import free_port

START_SECONDS = 60.0
START_TRIES = 3
STOP_SECONDS = 15.0
CTL_SECONDS = 60.0
QUEUE_SETTLE_SECONDS = 1.5
"""RabbitMQ 3.10 writes the name of a new quorum queue to disk half a second late: killed before that, it comes
back with the queue empty and without a leader, whatever was confirmed. Wait this long after declaring one."""
_SCRIPTS = (
    Path("/usr/lib/rabbitmq/bin"),
    Path("/opt/homebrew/opt/rabbitmq/sbin"),
    Path("/usr/local/opt/rabbitmq/sbin"),
)
_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = 1
_POLL_SECONDS = 0.05
_LAST_LINES = 15
_CONFIGURATION = """\
# 64 MB instead of 512 MB: the quorum queues' log stays in memory until it is full.
raft.wal_max_size_bytes = 67108864
log.console = false
"""


class RabbitMQFailed(LocalError):
    """The node did not start, or a command to it failed; the text has the end of what it said."""


def ensure_installed() -> Path:
    """The folder of RabbitMQ's scripts, installed from Debian when missing and we may. Raises CannotInstall."""
    need = "Tests over a real broker need RabbitMQ"
    return ensure_program([str(folder / "rabbitmq-server") for folder in _SCRIPTS], ["rabbitmq-server"], need).parent


class LocalRabbitMQ:
    """The node with its data in ``folder``; once started, it keeps its ports and data to the next start."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).resolve()
        self.node = f"billhook-{secrets.token_hex(4)}@localhost"
        self._choose_ports()
        self._has_run = False
        self._scripts = ensure_installed()
        self._mapper: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where to connect, as pika and kombu both read it: ``%2F`` is the default virtual host."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    @property
    def pid(self) -> int | None:
        """The process number of the node (Erlang's ``beam``); None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the node and return when it takes connections. Raises RabbitMQFailed."""
        tries = 0
        while self.pid is None:
            tries += 1
            try:
                self._start_once()
            except RabbitMQFailed:
                if tries == START_TRIES:
                    raise
                # Somebody may have taken a port between its choice and its use. Who knows this node's port
                # from an earlier start relies on it.
                if not self._has_run:
                    self._choose_ports()
        self._has_run = True

    def _choose_ports(self) -> None:
        self.port, self._distribution_port, self._mapper_port = free_port(), free_port(), free_port()

    def _start_once(self) -> None:
        self._write_files()
        output = self.folder / "output.log"
        # Own sessions, so that Ctrl-C ends the test run first, which then ends these.
        with output.open("ab") as log:
            if self._mapper is None:
                self._mapper = subprocess.Popen(
                    ["epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1"],
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._process = subprocess.Popen(
                [str(self._scripts / "rabbitmq-server")],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._guard = Guard([self._process.pid, self._mapper.pid], signal.SIGKILL)
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the node in good order, and its port mapper; the data stays."""
        if self._process is not None:
            self._end(self._process, signal.SIGTERM)
            self._process = None
        if self._mapper is not None:
            self._end(self._mapper, signal.SIGKILL)
            self._mapper = None
        self._release_guard()

    def kill(self) -> None:
        """End the node at once, as a power cut would (SIGKILL); ``start`` brings it back with its data."""
        assert self._process is not None, "the node does not run"
        self._end(self._process, signal.SIGKILL)
        self._process = None
        self._release_guard()

    def ctl(self, *arguments: str) -> str:
        """What ``rabbitmqctl`` answers, such as ``ctl("list_queues", "name", "messages")``. About a second each."""
        done = subprocess.run(
            [str(self._scripts / "rabbitmqctl"), "--quiet", "--node", self.node, *arguments],
            check=False,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CTL_SECONDS,
        )
        if done.returncode != 0:
            raise RabbitMQFailed(f"rabbitmqctl {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),  # of the cookie
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "node.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
            "RABBITMQ_CTL_ERL_ARGS": loopback,
            # The script then becomes the node instead of staying above it, so that our child is the node.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _write_files(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text(_CONFIGURATION)
        (self.folder / "rabbitmq-env.conf").write_text("")
        (self.folder / "advanced.config").write_text("[].\n")
        (self.folder / "enabled_plugins").write_text("[].\n")
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.touch(mode=0o600)
            cookie.write_text(secrets.token_hex(16))

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if process.poll() is not None:
                raise RabbitMQFailed(f"RabbitMQ ended while starting:\n{self._said()}")
            if self._greets():
                return
            time.sleep(_POLL_SECONDS)
        raise RabbitMQFailed(f"RabbitMQ was not ready after {START_SECONDS:.0f} s:\n{self._said()}")

    def _said(self) -> str:
        """The last lines of the node's output and of its logs: in a test run their folder is gone afterwards."""
        files = [self.folder / "output.log", *sorted((self.folder / "log").glob("*.log"))]
        lines = [(path.name, path.read_text(errors="replace").splitlines()[-_LAST_LINES:]) for path in files]
        return "\n".join(f"{name}: {line}" for name, some in lines for line in some if line.strip())

    def _greets(self) -> bool:
        """Whether the node answers the opening of AMQP 0-9-1 with its first frame."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(_PROTOCOL_HEADER)
            return connection.recv(1)[:1] == bytes([_METHOD_FRAME])
        return False

    def _end(self, process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)

    def _release_guard(self) -> None:
        if self._guard is not None:
            self._guard.release()
            self._guard = None
