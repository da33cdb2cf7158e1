"""Processes of the suite under a test's own hands, in the supervisor's place: started, armed with crash points."""

import itertools
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from kombu import Connection

from billhook import suite
from billhook.children import Child, stop_all
from billhook.data import DataFolder
from billhook_common.events.broker import dead_queue_name, queue_name
from billhook_common.local.ports import free_port
from billhook_common.local.processes import wait_until
from billhook_gateway.signing import create_signing_key

from .api import Api

KEY = "the-key-of-the-fault-tests"
START_SECONDS = 60.0


class Site:
    """The web process with all APIs, and one worker for all services or, with a broker, one for each of ``workers``.

    ``databases`` are the DSNs of all services.
    """

    def __init__(
        self, folder: Path, databases: Mapping[str, str], broker: str = "", workers: Sequence[str] = ()
    ) -> None:
        self.dsns = {name: databases[name] for name in workers or databases}
        self._databases = databases
        self.broker = broker
        self.port = free_port()
        self._metrics_ports = {name: free_port() for name in workers}
        self.api = Api(f"http://127.0.0.1:{self.port}", KEY)
        self._data = DataFolder(folder)
        self._data.prepare()
        create_signing_key(self._data.signing_key, self._data.public_keys)
        self._lives = itertools.count(1)
        self._children: dict[str, Child] = {}
        self._started: list[Child] = []

    def prepare(self, name: str, *, fault: str = "") -> Child:
        """A process that has been started, and imports its code until it is released; armed with a crash point.

        ``web``, ``worker`` for all services, or with a broker a service's name for its worker.
        """
        settings = {
            **suite.database_settings(self._databases),
            "BILLHOOK_BROKER_URL": self.broker,
            "BILLHOOK_GATEWAY_KEYS": str(self._data.public_keys),
            "BILLHOOK_GATEWAY_SIGNING_KEY": str(self._data.signing_key),
            "BILLHOOK_BOOTSTRAP_KEY": KEY,
            "BILLHOOK_METRICS_PORT": str(self._metrics_ports.get(name, 0)),
            "FAULTS": "1" if fault else "",
            "FAULT_POINT": fault,
        }
        arguments = {"web": ["web", f"127.0.0.1:{self.port}"], "worker": ["worker"]}.get(name, ["worker", name])
        child = Child(f"{name}-{next(self._lives)}", arguments, settings, self._data)
        self._started.append(child)
        child.start()
        return child

    def release(self, name: str, child: Child) -> None:
        """Let it take the place of the process that had ``name``, and wait until it works."""
        self.forget(name)
        self._children[name] = child
        child.release()
        assert wait_until(child.is_ready, START_SECONDS), f"{name} does not start, see {child.log}"

    def start(self, *names: str, fault: str = "") -> None:
        """Start processes, all at once."""
        for name, child in [(name, self.prepare(name, fault=fault)) for name in names]:
            self.release(name, child)

    def until_dead(self, name: str) -> None:
        """Return when the process has met its crash point."""
        child = self._children[name]
        assert wait_until(child.has_ended, START_SECONDS), f"{name} lives"

    def forget(self, name: str) -> None:
        """End what still runs under this name."""
        child = self._children.pop(name, None)
        if child is not None:
            child.kill()
            child.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        stop_all(self._started)
        self.api.close()

    def counted(self, name: str, what: str) -> int:
        """How many events the worker ``name`` has seen since its start, new ones (``accepted``) or ``duplicate``."""
        url = f"http://127.0.0.1:{self._metrics_ports[name]}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        counts = [line.split()[1] for line in lines if line.startswith(f"billhook_events_{what}_total{{")]
        return int(sum(map(float, counts)))

    def listening(self) -> list[str]:
        """The services that are on their queues: what is published before that does not reach them."""
        with Connection(self.broker) as connection:
            return [name for name in self.dsns if _consumers(connection, queue_name(name))]

    def waiting_messages(self) -> int:
        """How many messages no worker has taken yet."""
        return sum(self._lengths(queue_name))

    def dead_letters(self) -> int:
        """How many messages the broker has given up."""
        return sum(self._lengths(dead_queue_name))

    def _lengths(self, queue_of: Callable[[str], str]) -> list[int]:
        with Connection(self.broker) as connection, connection.channel() as channel:
            return [channel.queue_declare(queue_of(name), passive=True).message_count for name in self.dsns]


def _consumers(connection: Connection, queue: str) -> int:
    try:
        with connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).consumer_count)
    except connection.channel_errors:
        return 0  # there is no such queue yet
